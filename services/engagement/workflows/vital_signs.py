"""A program's vital signs: the figures by which somebody who keeps it running sees whether all is well.

Everything is read from the ledger and what is derived from it, by the functions that pages and reports use,
so that all of them say the same. Nobody is named: a figure is about a phase, a strategy, a payer, a carrier.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from statistics import fmean
from typing import get_args

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import Carrier, Phase
from engagement.actions.availability import Given
from engagement.signals import index, reading, tally
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.safety import SafetyKind
from engagement.signals.states import State
from engagement.signals.tally import DAY_MS, Tally, week_of
from engagement.store import counts, decisions, seals, setup, units
from engagement.store.kept import Kept
from engagement.strategy.cadence import budget_period, local_date
from engagement.strategy.doses import LOOK_BACK_DAYS, doses
from engagement.strategy.life import RELEASED, status
from engagement.strategy.purse import ADVISER, STAFF, Resource, limit
from engagement.strategy.setup import Catalogue
from engagement.workflows.crew import all_names
from engagement.workflows.leading import leads_of, tired_groups
from engagement.workflows.minimum_service import Crew, crew_minutes
from engagement.workflows.safety import OpenReferral, every_open_referral
from engagement.workflows.states import CUT, Counts, GroupState, counted, states_of
from engagement.workflows.strategy_signs import StrategySigns, kind_of, strategy_signs

WINDOW_DAYS = 30
"""Decisions, answers and outcomes are counted over so many days."""
ATTENDANCE_WEEKS = 8
LOWER_QUARTER = 25
PHASES: tuple[Phase, ...] = get_args(Phase)
SAFETY: tuple[SafetyKind, ...] = get_args(SafetyKind)
GIVEN = ("nudge", "incentive", "chw_linkage")
"""Kinds of action that somebody is given."""


class PhaseSigns(msgspec.Struct, frozen=True):
    """The groups of a program in one phase, and who sits in them.

    groups : by state      group_index, member_index : means, 0 to 100; None where nothing is known
    lower_quarter : the member index that a quarter of the members are below
    came, expected : of the last eight weeks, by seat and meeting of which something was said
    """

    phase: Phase
    groups: Counts
    members: int
    group_index: float | None
    member_index: float | None
    lower_quarter: float | None
    came: int
    expected: int


class Waiting(msgspec.Struct, frozen=True):
    """Referrals of one kind that nobody has answered. overdue : of these, their time to answer has passed"""

    kind: SafetyKind
    unanswered: int
    overdue: int


class Left(msgspec.Struct, frozen=True):
    """What there is of a payer's money in minor units, or of a kind of carrier's minutes, and what is left.

    of : the payer's or the carrier's name      the period is the present one: a week for health workers
    """

    of: str
    limit: int
    left: int


class Dose(msgspec.Struct, frozen=True):
    """The dose of one kind of action that all members have together, and each who sits in a group."""

    kind: str
    dose: float
    per_member: float


class VitalSigns(msgspec.Struct, frozen=True):
    """Everything that is told of one program. at_ms : the moment it is told of      decisions : ever made

    sealed_at_ms : when its ledger was last sealed, or before that when the program was created
    seal : number and digest of the newest seal, empty before the first
    """

    program_id: str
    program: str
    at_ms: int
    stopped: bool
    decisions: int
    phases: tuple[PhaseSigns, ...]
    strategies: tuple[StrategySigns, ...]
    referrals: tuple[Waiting, ...]
    budgets: tuple[Left, ...]
    minutes: tuple[Left, ...]
    doses: tuple[Dose, ...]
    sealed_at_ms: int
    seal: str


def vital_signs(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> VitalSigns:
    """The vital signs of a program. It only reads."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    names = all_names(conn, program_id, "group")
    states: dict[str, GroupState] = {}
    for start in range(0, len(names), CUT):
        states |= states_of(conn, kept, program_id, names[start : start + CUT], now_ms)
    since_ms = now_ms - WINDOW_DAYS * DAY_MS
    members = sum(row.members for row in states.values())
    crew = crew_minutes(conn, program_id, today)
    last, night = seals.newest(conn, program_id), seals.newest(conn, program_id, "night")
    return VitalSigns(
        program_id,
        catalogue.program.id,
        now_ms,
        catalogue.program.stopped,
        decisions.count(conn, program_id),
        tuple(_phases(conn, program_id, states, today, now_ms)),
        strategy_signs(conn, kept, program_id, catalogue, since_ms, now_ms),
        _waiting(every_open_referral(conn, kept, program_id, now_ms)),
        *_purses(conn, program_id, catalogue, names, crew, today, now_ms),
        tuple(_doses(conn, program_id, catalogue, members, now_ms)),
        setup.created_at(conn, program_id) if night is None else night.made_at,
        "" if last is None else f"{last.number} {last.digest.hex()}",
    )


def _phases(
    conn: Connection, program_id: str, states: Mapping[str, GroupState], today: date, now_ms: int
) -> Iterable[PhaseSigns]:
    tallies = _tallies(conn, program_id, "group", sorted(states))
    people: dict[str, list[float]] = defaultdict(list)
    for group, value in _people(conn, program_id, states, today, now_ms):
        if value is not None:
            people[states[group].phase].append(value)
    for phase in PHASES:
        here = {name: row for name, row in states.items() if row.phase == phase}
        seen: Counter[State] = Counter(row.state for row in here.values())
        values = [index.of_group(tallies[name], now_ms).value for name in here]
        told = [value for value in values if value is not None]
        heard = [_attendance(tallies[name], now_ms) for name in here]
        yield PhaseSigns(
            phase,
            counted(seen),
            sum(row.members for row in here.values()),
            fmean(told) if told else None,
            fmean(people[phase]) if people[phase] else None,
            float(np.percentile(people[phase], LOWER_QUARTER)) if people[phase] else None,
            sum(came for came, _ in heard),
            sum(expected for _, expected in heard),
        )


def _tallies(
    conn: Connection, program_id: str, kind: units.UnitKind, names: Sequence[str]
) -> dict[str, Tally]:
    found = units.read_tallies(conn, program_id, kind, names)
    return {name: tally.decoded(content) for name, content in found.items()}


def _people(
    conn: Connection, program_id: str, groups: Mapping[str, GroupState], today: date, now_ms: int
) -> Iterable[tuple[str, float | None]]:
    """(group, index) of everybody who sits in one of the groups."""
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, sorted(groups))}
    seats = setup.memberships_on(conn, program_id, sorted(ever), today)
    tallies = _tallies(conn, program_id, "member", sorted(seats))
    for name, seat in seats.items():
        if seat.group is not None and seat.group in groups and name in tallies:
            yield seat.group, index.of_member(tallies[name], now_ms).value


def _attendance(group: Tally, now_ms: int) -> tuple[int, int]:
    """(came, expected) of the group's last weeks."""
    weeks = list(reading.weeks_read(group, ATTENDANCE, week_of(now_ms)))
    recent = [sums for age, sums in weeks if age < ATTENDANCE_WEEKS]
    return sum(sums.total for sums in recent), sum(sums.count for sums in recent)


def _waiting(found: Sequence[OpenReferral]) -> tuple[Waiting, ...]:
    return tuple(
        Waiting(
            kind,
            sum(row.kind == kind for row in found),
            sum(row.kind == kind and row.overdue for row in found),
        )
        for kind in SAFETY
    )


def _purses(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Sequence[str],
    crew: Crew,
    today: date,
    now_ms: int,
) -> tuple[tuple[Left, ...], tuple[Left, ...]]:
    """Money by payer, and minutes by carrier."""
    month = budget_period(today, "month")
    periods = {budget_period(today, budget.period) for budget in catalogue.budgets.values()}
    taken = counts.taken(conn, program_id, {month, *periods})

    def left(name: str, resources: Sequence[Resource], tired: frozenset[str] = frozenset()) -> Left:
        most = sum(limit(catalogue, resource, tired) for resource in resources)
        return Left(name, most, most - sum(taken.get(resource, 0) for resource in resources))

    money = tuple(
        left(name, [Resource(name, budget_period(today, budget.period))])
        for name, budget in sorted(catalogue.budgets.items())
    )
    carrier: Carrier = "adviser"
    tired = tired_groups(leads_of(conn, program_id, catalogue, groups, today, now_ms))
    minutes = [left(carrier, [Resource(f"{ADVISER}{group}", month) for group in groups], tired)]
    if catalogue.program.staff_minutes is not None:
        minutes.append(left("staff", [Resource(STAFF, month)]))
    return money, (*minutes, Left("health_worker", crew.minutes, crew.minutes - crew.promised))


def _doses(
    conn: Connection, program_id: str, catalogue: Catalogue, members: int, now_ms: int
) -> Iterable[Dose]:
    """What members were given, as `strategy.doses` counts it for each."""
    by_kind: defaultdict[str, float] = defaultdict(float)
    for row in counts.offered(conn, program_id, now_ms - LOOK_BACK_DAYS * DAY_MS):
        if status([] if row.said is None else [row.said], row.expires_at, now_ms) not in RELEASED:
            kept = doses([Given(row.action_id, row.decided_at)], now_ms)[row.action_id]
            by_kind[kind_of(catalogue, row.action_id)] += row.number * kept
    for kind in GIVEN:
        yield Dose(kind, by_kind[kind], by_kind[kind] / members if members else 0.0)
