"""The daily line: what is true of every program, and what somebody should look at, in a few lines of text."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from engagement.workflows.concerns import Concern, concerns
from engagement.workflows.program_metrics import names_of
from engagement.workflows.program_watch import Watched
from engagement.workflows.tell import moment
from engagement.workflows.vital_signs import VitalSigns

MOST_LINES = 8
"""So many programs are told of, and so many concerns; the rest is counted."""
STATES = ("thriving", "wavering", "dormant", "silent", "dissolved")
DAY_MS = 86_400_000


class ConcernTold(msgspec.Struct, frozen=True):
    """Something to look at. alert : the page of the runbook"""

    program: str
    alert: str
    words: str


class SelfCheck(msgspec.Struct, frozen=True):
    """What is sent. text : the whole, for people; `well` and `concerns` say the same for programs"""

    text: str
    at: datetime
    well: bool
    concerns: tuple[ConcernTold, ...]
    simulated: bool


def self_check(watched: Sequence[Watched], now_ms: int, *, simulated: bool) -> SelfCheck:
    """The line of a moment."""
    names = names_of([one.signs for one in watched])
    named = list(zip(names, watched, strict=True))
    found = [concern._replace(program=name) for name, one in named for concern in concerns(one)]
    lines = [f"Engagement on {moment(now_ms):%Y-%m-%d %H:%M} UTC: {_verdict(watched, found)}"]
    lines += [] if not simulated else ["Time is simulated, and so are the people."]
    lines += _most([f"{name}: {_facts(one.signs)}" for name, one in named], "programs")
    lines += _most([f"! {row.program}: {row.words} ({row.alert})" for row in found], "concerns")
    told = tuple(ConcernTold(*row) for row in found)
    return SelfCheck("\n".join(lines), moment(now_ms), not found, told, simulated)


def _verdict(watched: Sequence[Watched], found: Sequence[Concern]) -> str:
    if not watched:
        return "there is no program yet."
    if not found:
        return "all is well."
    return "1 thing to look at." if len(found) == 1 else f"{len(found)} things to look at."


def _facts(signs: VitalSigns) -> str:
    """A program in one line."""
    decided = sum(sum(row.phases) for row in signs.strategies)
    closed = [row.outcomes for row in signs.strategies]
    missing = sum(row.missing + row.due for row in closed)
    known = sum(row.known for row in closed)
    standing = ", ".join(
        f"{number} {state}"
        for state in STATES
        if (number := sum(getattr(row.groups, state) for row in signs.phases))
    )
    learned = [row.published_at_ms for row in signs.strategies if row.published_at_ms is not None]
    words = f"last learned {moment(max(learned)):%Y-%m-%d %H:%M}" if learned else "nothing learned yet"
    return (
        f"{decided} decisions in 30 days; {words}; {missing} of {missing + known} outcomes not reported; "
        f"groups: {standing or 'none has met yet'}{f'; seal {signs.seal}' if signs.seal else ''}"
    )


def _most(lines: Sequence[str], what: str) -> list[str]:
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"and {more} more {what}"] if more > 0 else [])]
