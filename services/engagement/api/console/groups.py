"""The first page: which groups are fading, which first, and why."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.service import Service, one
from engagement.signals.states import ALIVE, State
from engagement.store.kept import Kept
from engagement.workflows.glance import Glanced, GlanceWanted, GroupGlanced, glances

MOST = 100
"""Groups on one page; the rest stand on the next."""
FIRST = 8
"""Fading groups that are shown at once on a phone."""
FADING: tuple[State, ...] = ("dormant", "wavering")
TO_LOOK_AT: tuple[State, ...] = ("dormant", "silent", "wavering")
ORDER: tuple[State, ...] = (*TO_LOOK_AT, "thriving", "new", "dissolved", "ended")


class Reason(msgspec.Struct, frozen=True):
    """The main reason of so many fading groups."""

    reason: str
    groups: int


class MonthSeen(msgspec.Struct, frozen=True):
    """How many groups were alive at a month's end, and how many met in it."""

    month: str
    alive: int
    met: int


class Groups(msgspec.Struct, frozen=True):
    """The groups of a program, or of a page of it.

    alive : known to meet, well or badly      fading : those of them that do not do well
    look : those to look at, the most urgent first: who fades, and of whom nothing is heard
    ends_on : of all of them, None where their sites end on several days, or none is set
    next : go on behind it; None when this is all
    """

    alive: int
    fading: int
    look: tuple[GroupGlanced, ...]
    states: tuple[tuple[State, tuple[GroupGlanced, ...]], ...]
    reasons: tuple[Reason, ...]
    months: tuple[MonthSeen, ...]
    ends_on: date | None
    next: str | None

    @property
    def total(self) -> int:
        """All of them."""
        return sum(len(groups) for _, groups in self.states)

    def how_many(self, state: State) -> int:
        """How many are in a state."""
        return sum(len(groups) for name, groups in self.states if name == state)


async def gather(service: Service, visit: Visit) -> Glanced:
    """The groups of a page, read part by part, so that nobody waits for a whole program."""
    found: list[GroupGlanced] = []
    after: str | None = visit.query.get("after", "")[:64]
    work = Work(visit.who.key.program_id, glances)
    while after is not None and len(found) < MOST:
        part: Glanced = await one(service, "read", work, GlanceWanted(after, visit.audience))
        found += part.groups
        after = part.next
    return Glanced(tuple(found), after)


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[Groups]:
    """What follows from what was gathered."""
    return [seen(visit.found) for visit in visits]


def seen(found: Glanced) -> Groups:
    """The page's figures."""
    by_state = {state: [row for row in found.groups if row.state.state == state] for state in ORDER}
    look = [row for state in TO_LOOK_AT for row in sorted(by_state[state], key=_urgency)]
    ends = {row.ends_on for row in found.groups}
    main = Counter(row.why[0].reason for row in look if row.why and row.state.state in FADING)
    return Groups(
        sum(len(by_state[state]) for state in ALIVE),
        sum(len(by_state[state]) for state in FADING),
        tuple(look),
        tuple((state, tuple(rows)) for state, rows in by_state.items() if rows),
        tuple(Reason(*row) for row in main.most_common()),
        _months(found.groups),
        next(iter(ends)) if len(ends) == 1 else None,
        found.next,
    )


def _urgency(row: GroupGlanced) -> tuple[float, str]:
    return (100.0 if row.index is None else row.index, row.group)


def _months(groups: Sequence[GroupGlanced]) -> tuple[MonthSeen, ...]:
    """From the first month in which there was a group."""
    columns = list(zip(*(row.months for row in groups), strict=True))
    seen = [
        MonthSeen(
            some[0].month,
            sum(month.alive is True for month in some),
            sum(bool(month.held) for month in some),
        )
        for some in columns
    ]
    first = next((place for place, month in enumerate(seen) if month.alive), len(seen))
    return tuple(seen[first:])


PAGE = ConsolePage("groups", "", read, audience="health_worker", menu=True, first=gather)
