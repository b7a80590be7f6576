"""What may be told of a trial: who is in which arm, under which protocol, and what its arms share.

Never the list: who comes next is made out when they come.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake, NotFound
from engagement.store import assignments, links, setup
from engagement.store.assignments import Assignment
from engagement.store.kept import Kept
from engagement.strategy.allotment import protocol_hash
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Member
from engagement.strategy.trial import Trial
from engagement.workflows.carriers import workers_of_groups
from engagement.workflows.tell import moment

SharedKind = Literal["health_worker", "catchment", "neighbourhood"]


class Told(msgspec.Struct, frozen=True):
    """One group's assignment. protocol : hash of the one it was made under"""

    group: str
    unit: str
    stratum: str
    arm: str
    protocol: str
    assigned_at: datetime


class CourseTold(msgspec.Struct, frozen=True):
    """From a day on, a condition."""

    starts_on: date
    condition: str


class ArmTold(msgspec.Struct, frozen=True):
    """An arm, and who is in it so far. condition : today's"""

    arm: str
    condition: str
    courses: tuple[CourseTold, ...]
    units: int
    groups: int


class Shared(msgspec.Struct, frozen=True):
    """Somebody or some place that serves several arms: what one is given the other may hear of, or have."""

    kind: SharedKind
    id: str
    arms: tuple[str, ...]


class TrialTold(msgspec.Struct, frozen=True):
    """A trial as it stands.

    protocol : hash of design and protocol now; assignments name the one they were made under
    shared : a reason to draw catchments or health workers instead of groups
    next : the group to go on behind; null when this is all
    """

    trial: str
    protocol: str
    arms: tuple[ArmTold, ...]
    shared: tuple[Shared, ...]
    assigned: tuple[Told, ...]
    next: str | None


def told(row: Assignment) -> Told:
    """An assignment as it is answered."""
    return Told(row.group_id, row.unit_id, row.stratum, row.arm, row.protocol, moment(row.assigned_at))


def tell_trials(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[tuple[str, str, int]], now_ms: int
) -> list[TrialTold | Mistake]:
    """Trials as they stand. wanted : (trial, the group to go on behind, how many) each"""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)

    def of(name: str, after: str, limit: int) -> TrialTold | Mistake:
        trial = catalogue.trials.get(name)
        if trial is None:
            return NotFound(f"there is no trial `{name}` in this program")
        rows = sorted(assignments.of_trial(conn, program_id, name), key=lambda row: row.group_id)
        page = [row for row in rows if row.group_id > after]
        return TrialTold(
            name,
            protocol_hash(trial),
            _arms(trial, rows, today),
            shared(conn, program_id, {row.group_id: row.arm for row in rows}, today),
            tuple(map(told, page[:limit])),
            page[limit - 1].group_id if len(page) > limit else None,
        )

    return [of(*one) for one in wanted]


def _arms(trial: Trial, rows: Sequence[Assignment], today: date) -> tuple[ArmTold, ...]:
    groups = Counter(row.arm for row in rows)
    units = Counter(arm for arm, _ in {(row.arm, row.unit_id) for row in rows})
    return tuple(
        ArmTold(
            arm.id,
            arm.condition_on(today),
            tuple(CourseTold(*course) for course in arm.courses),
            units[arm.id],
            groups[arm.id],
        )
        for arm in trial.arms
    )


def shared(conn: Connection, program_id: str, arm_of: Mapping[str, str], today: date) -> tuple[Shared, ...]:
    """Health workers, catchments and neighbourhoods whose groups are in different arms.

    arm_of : group → arm
    """
    names = sorted(arm_of)
    linked = links.links_of(conn, program_id, "group", names)
    places = {name: links.linked_on(linked.get(name, ()), "catchment", today) for name in names}
    workers = workers_of_groups(conn, program_id, names, today)
    pairs: list[tuple[SharedKind, str, str]] = [
        *(("health_worker", worker, arm_of[name]) for name in names for worker in workers[name]),
        *(("catchment", place, arm_of[name]) for name, place in places.items() if place is not None),
        *(("neighbourhood", code, arm_of[name]) for code, name in _homes(conn, program_id, names, today)),
    ]
    return tuple(_several(pairs))


def _several(pairs: Iterable[tuple[SharedKind, str, str]]) -> Iterable[Shared]:
    arms: dict[tuple[SharedKind, str], set[str]] = defaultdict(set)
    for kind, name, arm in pairs:
        arms[kind, name].add(arm)
    several = ((key, some) for key, some in sorted(arms.items()) if len(some) > 1)
    return (Shared(*key, tuple(sorted(some))) for key, some in several)


def _homes(
    conn: Connection, program_id: str, groups: Sequence[str], today: date
) -> Iterable[tuple[str, str]]:
    """(neighbourhood, group) of each who sits in one of the groups today and has told it."""
    ever = sorted({row.member for row in setup.memberships_of_groups(conn, program_id, groups)})
    seats = setup.memberships_on(conn, program_id, ever, today)
    people = setup.newest(conn, program_id, "member", ever)
    for name in ever:
        seat, person = seats.get(name), people[name].thing
        group = None if seat is None else seat.group
        if group in groups and group is not None and isinstance(person, Member) and person.neighbourhood:
            yield person.neighbourhood, group
