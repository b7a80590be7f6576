"""How far a program's data can be trusted: who reported, what looks copied, where sources disagree.

Nothing here accuses anybody: a good group can have everybody present. It says where somebody should look.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from statistics import median

import msgspec
from sqlalchemy import Connection

from engagement.actions.availability import DAY_MS
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.store import signals
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.workflows.tallies import counting

SAME_RUN = 4
"""So many registers in a row with the very same people, who are not all, look copied. A guess."""
ALL_RUN = 6
"""So many meetings to which all came look too good. A guess."""


class Register(msgspec.Struct, frozen=True):
    """A group whose registers somebody should look at. meetings : in a row"""

    group: str
    meetings: int


class Disagreement(msgspec.Struct, frozen=True):
    """A group in which sources say different things of the same people on the same days."""

    group: str
    reports: int
    sources: tuple[str, ...]


class Trust(msgspec.Struct, frozen=True):
    """What stands behind attendance and meetings.

    reported_by : role → reports      days_late : half of the reports came so many days after what they tell
    same : the same people and not all, several times in a row      everybody : all, several times in a row
    """

    reports: int
    reported_by: dict[str, int]
    days_late: float | None
    same: tuple[Register, ...]
    everybody: tuple[Register, ...]
    disagree: tuple[Disagreement, ...]


def trust(conn: Connection, program_id: str, groups: Sequence[str], zone: str, until: date) -> Trust:
    """What was reported of these groups' meetings up to a day."""
    kinds = [ATTENDANCE.kind, MEETING_HELD.kind]
    told = signals.of_kinds(conn, program_id, kinds, groups)
    days = {row.occurred_at: local_date(row.occurred_at, zone) for row in told}
    rows = [row for row in counting(told) if row.group_id in groups and days[row.occurred_at] <= until]
    registers = _registers(rows, days)
    return Trust(
        len(rows),
        dict(Counter(row.reported_by for row in rows).most_common()),
        median((row.recorded_at - row.occurred_at) / DAY_MS for row in rows) if rows else None,
        tuple(_runs(registers, SAME_RUN, alike=True)),
        tuple(_runs(registers, ALL_RUN, alike=False)),
        tuple(_disagreeing(rows, days)),
    )


Registers = Mapping[str, Sequence[tuple[frozenset[str], bool]]]
"""Group → of its meetings in order who came, and whether that was everybody of whom something was said."""


def _registers(rows: Iterable[Recorded], days: Mapping[int, date]) -> Registers:
    met: dict[str, dict[date, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row.kind == ATTENDANCE.kind:
            met[row.group_id or ""][days[row.occurred_at]][row.unit_id] = bool(row.value)
    return {
        group: [
            (frozenset(who for who, came in said.items() if came), all(said.values()))
            for _, said in sorted(by_day.items())
        ]
        for group, by_day in met.items()
    }


def _runs(registers: Registers, longest: int, *, alike: bool) -> Iterable[Register]:
    """Groups with a run of the same people who are not all, or of all."""
    for group, meetings in sorted(registers.items()):
        runs = [
            (everybody, len(list(run)))
            for (_, everybody), run in groupby(
                meetings, key=lambda one: (one[0] if alike else frozenset(), one[1])
            )
        ]
        found = max((length for everybody, length in runs if everybody != alike), default=0)
        if found >= longest:
            yield Register(group, found)


def _disagreeing(rows: Iterable[Recorded], days: Mapping[int, date]) -> Iterable[Disagreement]:
    said: dict[tuple[str, str, date], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        if row.kind == ATTENDANCE.kind:
            said[row.group_id or "", row.unit_id, days[row.occurred_at]][row.value or 0].add(row.source)
    of_group: dict[str, list[set[str]]] = defaultdict(list)
    for (group, _, _), values in said.items():
        if len(values) > 1:
            of_group[group].append(set().union(*values.values()))
    for group, some in sorted(of_group.items()):
        yield Disagreement(group, len(some), tuple(sorted(set().union(*some))))
