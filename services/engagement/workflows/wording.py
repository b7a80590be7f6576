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

from engagement.actions.action import READER_OF
from engagement.actions.catalogue import AnyAction
from engagement.actions.content import chosen
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

    def full_day(self, day: date) -> str:
        """A day with its year, such as 10 March 2026."""
        return f"{self.short_day(day)} {day.year}"

    def short_day(self, day: date) -> str:
        """A day such as 10 March."""
        return f"{day.day} {self.months[day.month - 1]}"


@cache
def words_in(language: str) -> Words:
    """The words of a language, of English where there are none."""
    name = language if language in LANGUAGES else LANGUAGES[0]
    return msgspec.toml.decode((FOLDER / f"{name}.toml").read_bytes(), type=Words)


def spoken(*wishes: str | None) -> str:
    """The first of these languages that has words, else English."""
    return next((wish for wish in wishes if wish in LANGUAGES), LANGUAGES[0])


def money(amount_minor: int, currency: str) -> str:
    """An amount in the currency's minor unit, of which a hundred make one, as people read it."""
    return f"{amount_minor / 100:,.2f} {currency}"


def listed(things: Sequence[object]) -> str:
    """Things with commas between them."""
    return ", ".join(map(str, things))


def titled(action: AnyAction, words: Words) -> str:
    """What an action is called in a language: its carrier's wording, where that has no gap, or its title.

    A title is written once, in the program's language; in English it always stands.
    """
    wording = chosen(action.content, words.language, READER_OF[action.carrier])
    if words.language == LANGUAGES[0] or wording is None or wording.variables:
        return action.title
    return wording.text
