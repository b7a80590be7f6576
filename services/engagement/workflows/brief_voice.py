"""A brief as a voice may read it, and the month as a keypad may answer it: a small menu, as data.

Any system that can play a text and wait for a key plays it: each node says what to play, where each key
leads, and which digits to collect. No section is longer than a minute at the language's own pace.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from engagement.workflows.brief import Brief
from engagement.workflows.wording import Words, words_in

LONGEST_SECONDS = 60
Node = Literal["start", "goals", "missed", "hour", "report", "came", "met", "not_held", "sent", "end"]


class Section(msgspec.Struct, frozen=True):
    """Something to say. seconds : about how long it takes, at the language's words a minute"""

    id: str
    text: str
    words: int
    seconds: int


class Key(msgspec.Struct, frozen=True):
    """A key and where it leads."""

    press: Literal["0", "1", "2", "3", "4", "*"]
    goes_to: Node


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A node of the menu: play the sections in order, then wait for a key, or collect digits.

    keys : where each leads; any other key, and silence, plays the node again
    collects : the name of what is collected, `*` between numbers and `#` at the end
    goes_on : where it goes on by itself, after playing or collecting
    sends : the month's `text` for POST /v1/groups/{id}/month, with what was collected in braces
    """

    id: Node
    play: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    collects: Literal["came", "met"] | None = None
    goes_on: Node | None = None
    sends: str | None = None


class BriefVoice(msgspec.Struct, frozen=True, tag_field="format", tag="voice"):
    """A brief to be heard. words_a_minute : the pace that `seconds` are reckoned with, a guess

    menu : begins at `start` and is over at `end`
    """

    group: str
    language: str
    words_a_minute: int
    sections: tuple[Section, ...]
    menu: tuple[Prompt, ...]
    whole: bool
    simulated: bool = False


def by_voice(brief: Brief) -> BriefVoice:
    """The brief as sections and a menu."""
    words = words_in(brief.language)
    spoken = {
        "hello": [words.say("voice_hello"), _next(brief, words)],
        "menu": [words.say("voice_menu")],
        "goals": _goals(brief, words),
        "missed": _missed(brief, words),
        "hour": _hour(brief, words),
        "on": [words.say("voice_on")],
        "held": [words.say("voice_held")],
        "came": [words.say("voice_came")],
        "met": [words.say("voice_met")],
        "thanks": [words.say("voice_thanks")],
    }
    sections = {name: _sections(name, sentences, words) for name, sentences in spoken.items()}
    return BriefVoice(
        brief.group,
        brief.language,
        words.words_a_minute,
        tuple(section for parts in sections.values() for section in parts),
        menu({name: tuple(section.id for section in parts) for name, parts in sections.items()}),
        brief.whole,
        brief.simulated,
    )


def menu(played: dict[str, tuple[str, ...]]) -> tuple[Prompt, ...]:
    """The menu over sections, by their names."""

    def told(node: Node, following: Node) -> Prompt:
        keys = (Key("1", following), Key("0", "start"), Key("*", node))
        return Prompt(node, (*played[node], *played["on"]), keys)

    choices = (Key("1", "goals"), Key("2", "missed"), Key("3", "hour"), Key("4", "report"))
    return (
        Prompt("start", (*played["hello"], *played["menu"]), (*choices, Key("*", "start"))),
        told("goals", "missed"),
        told("missed", "hour"),
        told("hour", "report"),
        Prompt("report", played["held"], (Key("1", "came"), Key("0", "not_held"), Key("*", "report"))),
        Prompt("came", played["came"], collects="came", goes_on="met"),
        Prompt("met", played["met"], collects="met", goes_on="sent"),
        Prompt("not_held", played["thanks"], goes_on="end", sends="0"),
        Prompt("sent", played["thanks"], goes_on="end", sends="1#{came}#{met}"),
        Prompt("end", ()),
    )


def _next(brief: Brief, words: Words) -> str:
    if brief.next_meeting is None:
        return f"{brief.next_words}."
    return words.say("voice_next", date=brief.next_words)


def _goals(brief: Brief, words: Words) -> list[str]:
    if not brief.whole:
        return [words.say("goals_plain")]
    asked = [
        words.say("voice_goal", seat=str(goal.seat), goal=goal.words, question=goal.question)
        for goal in brief.goals
    ]
    return [f"{words.say('goals_heading')}.", *asked] if asked else [words.say("goals_none")]


def _missed(brief: Brief, words: Words) -> list[str]:
    if not brief.whole:
        return [words.say("missed_plain"), words.say("wins_none")]
    missed = [
        words.say("voice_missed", seat=str(one.seat), sentence=one.sentence) for one in brief.missed
    ] or [words.say("missed_none")]
    return [*missed, *([win.sentence for win in brief.wins] or [words.say("wins_none")])]


def _hour(brief: Brief, words: Words) -> list[str]:
    tried = [sentence for one in brief.to_try for sentence in (one.text, one.why, words.say("try_leave"))]
    topics = ", ".join(talk.words for talk in brief.agenda)
    return [
        *(tried or [words.say("try_none")]),
        *(visit.sentence for visit in brief.health_worker),
        words.say("voice_agenda", topics=topics),
    ]


def _sections(name: str, sentences: Iterable[str], words: Words) -> list[Section]:
    """Sentences in sections of at most a minute; a longer sentence is parted between its words."""
    most = LONGEST_SECONDS * words.words_a_minute // 60
    parts: list[list[str]] = [[]]
    for sentence in sentences:
        for piece in _pieces(sentence.split(), most):
            if len(parts[-1]) + len(piece) > most:
                parts.append([])
            parts[-1] += piece
    names = [name] if len(parts) == 1 else [f"{name}-{number}" for number in range(1, len(parts) + 1)]
    return [
        Section(one, " ".join(part), len(part), _seconds(part, words))
        for one, part in zip(names, parts, strict=True)
    ]


def _pieces(said: Sequence[str], most: int) -> Iterable[list[str]]:
    return (list(said[start : start + most]) for start in range(0, len(said), most))


def _seconds(part: Sequence[str], words: Words) -> int:
    """How long it takes to say, rounded up."""
    return -(-60 * len(part) // words.words_a_minute)
