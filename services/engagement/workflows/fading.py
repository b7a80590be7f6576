"""Why groups fade here: what people said, what keeps them away, and what went before the end of a group.

All of it is described. Who loses an adviser also differs in other ways from who keeps one, so a hazard ratio
says where to look and not what would help.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.errors import Invalid
from engagement.estimators.survival import Lives, cox
from engagement.signals.catalogue import BY_KIND
from engagement.signals.fund import FUND_CONTRIBUTION
from engagement.signals.goals import GOAL_SET
from engagement.signals.reasons import ABSENCE_REASON, ENDING_REASON
from engagement.store import setup, signals
from engagement.strategy.cadence import local_date
from engagement.strategy.lifetime import Lifetime, lifetime
from engagement.strategy.setup import Catalogue, Group, Member, phase
from engagement.workflows.states import heard_of
from engagement.workflows.tallies import counting

Condition = Literal["no_adviser", "no_fund", "no_reader", "few_goals_followed_up"]
FOLLOWED = ("goal_met", "goal_partly_met", "goal_dropped")
"""What is heard of a goal that was asked about; of one that was missed `goal_met` says 0."""
HALF_YEAR = timedelta(days=183)
FEWEST_DEATHS = 5
"""With fewer, a ratio says nothing. A guess."""


class Reason(msgspec.Struct, frozen=True):
    """How often a reason was given. of : not coming to a meeting, or leaving"""

    of: Literal["absence", "ending"]
    reason: str
    setting: str
    phase: str
    count: int


class BarrierCount(msgspec.Struct, frozen=True):
    """Of those who were asked, how many have a barrier. phase : of their group on that day"""

    barrier: str
    setting: str
    phase: str
    having: int
    asked: int


class Hazard(msgspec.Struct, frozen=True):
    """What was so in the half year before the program ended, and how groups fared afterwards.

    groups, having : with a known answer, and with the condition      dissolved : of all these
    ratio, low, high : of the hazard with the condition to that without; null where there are too few
    design : `described`: groups were not drawn into having it
    """

    condition: Condition
    groups: int
    having: int
    dissolved: int
    ratio: float | None
    low: float | None
    high: float | None
    design: Literal["described"] = "described"


class Fading(msgspec.Struct, frozen=True):
    """Reasons, barriers, and hazards."""

    reasons: tuple[Reason, ...]
    barriers: tuple[BarrierCount, ...]
    hazards: tuple[Hazard, ...]


def fading(
    conn: Connection, program_id: str, catalogue: Catalogue, names: Sequence[str], until: date
) -> Fading:
    """What is known of why these groups fade, up to a day."""
    found = setup.newest(conn, program_id, "group", names)
    groups = {name: row.thing for name, row in found.items() if isinstance(row.thing, Group)}
    return Fading(
        tuple(_reasons(conn, program_id, catalogue, groups, until)),
        tuple(_barriers(conn, program_id, catalogue, groups, until)),
        tuple(_hazards(conn, program_id, catalogue, groups, until)),
    )


def _reasons(
    conn: Connection, program_id: str, catalogue: Catalogue, groups: Mapping[str, Group], until: date
) -> list[Reason]:
    zone = catalogue.program.time_zone
    kinds = {ABSENCE_REASON.kind: "absence", ENDING_REASON.kind: "ending"}
    count: Counter[tuple[str, str, str, str]] = Counter()
    for row in counting(signals.of_kinds(conn, program_id, list(kinds), sorted(groups))):
        group, on = groups.get(row.group_id or ""), local_date(row.occurred_at, zone)
        if group is not None and on <= until and row.value:
            word = BY_KIND[row.kind].word(row.value)
            count[kinds[row.kind], word, group.setting, phase(catalogue.sites[group.site], on)] += 1
    return [Reason(*key, number) for key, number in count.most_common()]  # type: ignore[arg-type]  # of the two


def _barriers(
    conn: Connection, program_id: str, catalogue: Catalogue, groups: Mapping[str, Group], until: date
) -> list[BarrierCount]:
    asked: Counter[tuple[str, str, str]] = Counter()
    having: Counter[tuple[str, str, str]] = Counter()
    for name, person in _seated(conn, program_id, groups, until):
        group = groups[name]
        for barrier, has in person.barriers.known():
            key = barrier, group.setting, phase(catalogue.sites[group.site], until)
            asked[key] += 1
            having[key] += has
    return [BarrierCount(*key, having[key], number) for key, number in sorted(asked.items())]


def _seated(
    conn: Connection, program_id: str, groups: Mapping[str, Group], day: date
) -> list[tuple[str, Member]]:
    """(group, member) of everybody who sits in one of the groups on a day."""
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, sorted(groups))}
    seats = setup.memberships_on(conn, program_id, sorted(ever), day)
    people = setup.newest(conn, program_id, "member", sorted(seats))
    return [
        (seat.group, person.thing)
        for name, seat in sorted(seats.items())
        if seat.group is not None
        and seat.group in groups
        and (person := people.get(name))
        and isinstance(person.thing, Member)
    ]


class _Before(NamedTuple):
    """Of one group, its life after the program's end, and what was so before; None where nobody knows."""

    life: Lifetime
    known: Mapping[Condition, bool | None]


def _hazards(
    conn: Connection, program_id: str, catalogue: Catalogue, groups: Mapping[str, Group], until: date
) -> list[Hazard]:
    zone = catalogue.program.time_zone
    ends = {name: catalogue.sites[group.site].ends_on for name, group in groups.items()}
    past = {name: day for name, day in ends.items() if day is not None and day <= until}
    heard = heard_of(conn, program_id, sorted(past), zone)
    goals = _followed_up(conn, program_id, past, zone)
    funds = _with_fund(conn, program_id, past, zone)
    rows = []
    for day in sorted(set(past.values())):
        there = {name: groups[name] for name, end in past.items() if end == day}
        leads = _led(conn, program_id, there, day)
        readers: dict[str, list[bool | None]] = defaultdict(list)
        for group, person in _seated(conn, program_id, there, day):
            readers[group].append(person.can_read)
        for name in sorted(there):
            life = lifetime(heard[name], day, until)
            if life.seen.months == 0:
                continue  # gone, or silent, by the end: what follows is about those that were there
            known: dict[Condition, bool | None] = {
                "no_adviser": name not in leads,
                "no_fund": name not in funds,
                "no_reader": _nobody(readers[name]),
                "few_goals_followed_up": goals.get(name),
            }
            rows.append(_Before(life, known))
    conditions: tuple[Condition, ...] = ("no_adviser", "no_fund", "no_reader", "few_goals_followed_up")
    return [_hazard(condition, rows) for condition in conditions]


def _nobody(reads: Sequence[bool | None]) -> bool | None:
    """Whether nobody reads; None where that was not asked of everybody and nobody is known to."""
    if any(reads):
        return False
    return True if reads and all(one is False for one in reads) else None


def _led(conn: Connection, program_id: str, groups: Mapping[str, Group], day: date) -> set[str]:
    """Groups with an adviser on a day."""
    rows = setup.memberships_of_groups(conn, program_id, sorted(groups))
    seats = setup.memberships_on(conn, program_id, sorted({row.member for row in rows}), day)
    return {row.group for row in seats.values() if row.role == "adviser" and row.group is not None}


def _with_fund(conn: Connection, program_id: str, ends: Mapping[str, date], zone: str) -> set[str]:
    """Groups into whose fund somebody paid in the half year before the end."""
    rows = counting(signals.of_kinds(conn, program_id, [FUND_CONTRIBUTION.kind], sorted(ends)))
    return {
        group
        for row in rows
        if (group := row.group_id or "") in ends and row.value and _before(row.occurred_at, ends[group], zone)
    }


def _followed_up(conn: Connection, program_id: str, ends: Mapping[str, date], zone: str) -> dict[str, bool]:
    """Group → whether fewer than half of its goals of that half year were followed up, where any were set."""
    made: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for row in counting(signals.of_kinds(conn, program_id, [GOAL_SET.kind, *FOLLOWED], sorted(ends))):
        group = row.group_id or ""
        if group in ends and _before(row.occurred_at, ends[group], zone):
            (made if row.kind == GOAL_SET.kind else told)[group] += 1
    return {group: 2 * told[group] < count for group, count in made.items()}


def _before(at_ms: int, end: date, zone: str) -> bool:
    return end - HALF_YEAR < local_date(at_ms, zone) <= end


def _hazard(condition: Condition, rows: Sequence[_Before]) -> Hazard:
    known = [(row.life.seen, has) for row in rows if (has := row.known[condition]) is not None]
    having = sum(has for _, has in known)
    dissolved = sum(life.died for life, _ in known)
    bare = Hazard(condition, len(known), having, dissolved, None, None, None)
    if dissolved < FEWEST_DEATHS or having in (0, len(known)):
        return bare
    lives = Lives(
        np.array([life.months for life, _ in known]),
        np.array([life.died for life, _ in known]),
        np.arange(len(known)),
    )
    try:
        ratio, interval, _ = cox(lives, np.array([[float(has)] for _, has in known])).ratio(0)
    except Invalid:
        return bare
    return msgspec.structs.replace(bare, ratio=ratio, low=interval.low, high=interval.high)
