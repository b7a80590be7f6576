"""The words that a group's brief and month are told in: one file a language, and how dates are said.

A new language is a file with the same keys. All that ship are drafts, and say so, until somebody who
speaks the language and knows the district has read every line.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engagement.signals.hour import Topic

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = ("en", "hi", "te")
"""English stands in for a language without a file."""
Sentences = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language's file, as it is read.

    lines : sentences by their names, with what varies in braces      topics, goals : names of codes
    questions : what to ask about a goal, by category
    missed_once, missed_again : kind first sentences, of which neighbours on a list get different ones
    words_a_minute : how fast a voice reads them so that an old person follows; a guess
    """

    language: Literal["en", "hi", "te"]
    status: Literal["draft", "reviewed"]
    words_a_minute: int
    weekdays: Annotated[tuple[str, ...], msgspec.Meta(min_length=7, max_length=7)]
    months: Annotated[tuple[str, ...], msgspec.Meta(min_length=12, max_length=12)]
    lines: dict[str, str]
    topics: dict[Topic, str]
    goals: dict[str, str]
    questions: dict[str, str]
    missed_once: Sentences
    missed_again: Sentences

    def say(self, line: str, **values: str) -> str:
        """A line with its values filled in."""
        return self.lines[line].format(**values)

    def long_day(self, day: date) -> str:
        """A day with its weekday, such as Tuesday 10 March."""
        return f"{self.weekdays[day.weekday()]} {self.short_day(day)}"

    def short_day(self, day: date) -> str:
        """A day such as 10 March."""
        return f"{day.day} {self.months[day.month - 1]}"


@cache
def words_in(language: str) -> Words:
    """The words of a language, of English where there are none."""
    name = language if language in LANGUAGES else LANGUAGES[0]
    return msgspec.toml.decode((FOLDER / f"{name}.toml").read_bytes(), type=Words)


def listed(things: Sequence[object]) -> str:
    """Things with commas between them."""
    return ", ".join(map(str, things))
