"""What the plan of one pool is drawn up from, as it stands in the database."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import Phase
from engagement.actions.availability import DAY_MS, Reason, Situation, refusals
from engagement.bandits.restless.assignment import Worker
from engagement.bandits.restless.pivotal import Draws, keyed
from engagement.errors import NotFound
from engagement.store import decisions, plans, setup
from engagement.store.decisions import Planned
from engagement.store.kept import Kept
from engagement.store.plans import Visit
from engagement.store.units import UnitKind
from engagement.strategy.planning import UNKNOWN_STATE
from engagement.strategy.promise import NEVER
from engagement.strategy.setup import days_to_end, phase
from engagement.strategy.week_plan import Candidate, Question
from engagement.workflows.case import EVERYBODY, given_of
from engagement.workflows.crew import all_names, crew_of, last_visited, pools_of, standing_visits
from engagement.workflows.group_steps import groups_now
from engagement.workflows.member_steps import homes_of, members_now
from engagement.workflows.minimum_service import named, weeks_due
from engagement.workflows.plan_wish import Wish
from engagement.workflows.steps import Now
from engagement.workflows.trial import decided_by
from engagement.workflows.visit_money import affordable, money_of

YEAR_MS = 365 * DAY_MS
LOOK_BACK_DAYS = 31
WEEK = timedelta(days=7)


class Waiting(NamedTuple):
    """Who could be visited, pool by pool.

    pools : the ids of its units      nowhere : how many units are in no pool
    seen : each unit, and others that are only learned from
    before : each unit's decisions of the plans of the last year, the oldest first
    """

    pools: Mapping[str, Sequence[str]]
    nowhere: int
    seen: Mapping[str, Now]
    before: Mapping[str, Sequence[Planned]]


class Ready(NamedTuple):
    """What one pool's plan is drawn up and stored from.

    standing : visits of the week that hold      rest : of each unit, barred or not
    """

    question: Question
    numbers: Draws
    barred: tuple[tuple[str, int], ...]
    workers: tuple[Worker, ...]
    standing: frozenset[Visit]
    rest: Mapping[str, "Rest"]


class Rest(NamedTuple):
    """What else a unit's decision tells.

    group : where a member sits, or the group itself      known : whether a state of it ever was
    languages : first choice first      turn : its keyed number
    """

    group: str
    known: bool
    phase: Phase
    languages: tuple[str, ...]
    turn: int


def refuse_unknown(conn: Connection, program_id: str, wish: Wish, pool: str | None) -> None:
    """Raises NotFound for a pool that no group at all is in: before a trial assigns anybody for its sake."""
    if pool is None:
        return
    if pool not in pools_of(conn, program_id, all_names(conn, program_id, "group"), wish.day):
        raise NotFound(f"no group is linked to a catchment `{pool}` in {wish.period}")


def waiting_of(
    conn: Connection, program_id: str, wish: Wish, pool: str | None, now_ms: int
) -> tuple[Waiting, list[str]]:
    """Who could be visited, and the pools that are wanted: all, or the one that is named.

    No pool where none of the groups in it is this strategy's to decide for.
    """
    everybody = all_names(conn, program_id, "group")
    own = decided_by(conn, program_id, wish.catalogue, wish.strategy.id, everybody, wish.today)
    by_pool = pools_of(conn, program_id, own, wish.day)
    nowhere = by_pool.pop("", [])
    wanted = [name for name in sorted(by_pool) if pool in (None, name)]
    rows = decisions.planned(conn, program_id, wish.strategy.id, now_ms - YEAR_MS)
    before = {unit: tuple(some) for unit, some in groupby(rows, attrgetter("unit_id"))}
    groups = sorted(name for some in by_pool.values() for name in some)
    made = {plan.pool for plan in plans.in_period(conn, program_id, wish.strategy.id, wish.period)}
    fresh = not made.issuperset(wanted)
    seen: Mapping[str, Now] = {}
    if wish.level == "group":
        seen = groups_now(conn, program_id, wish.catalogue, groups, before, wish.today) if fresh else {}
        return Waiting(by_pool, len(nowhere), seen, before), wanted
    if fresh:
        seen = members_now(conn, program_id, wish.catalogue, groups, before, wish.today, wish.day)
    homes = homes_of(conn, program_id, [*groups, *nowhere], wish.day)
    pool_of = {group: name for name, some in by_pool.items() for group in some}
    members: dict[str, list[str]] = {name: [] for name in by_pool}
    for member, group in homes.items():
        if group in pool_of:
            members[pool_of[group]].append(member)
    outside = sum(group not in pool_of for group in homes.values())
    return Waiting(members, outside, seen, before), wanted


def ready(
    conn: Connection, kept: Kept, program_id: str, wish: Wish, pool: str, waiting: Waiting, now_ms: int
) -> Ready:
    """Everything that the plan of one pool is drawn up from."""
    seen, before = waiting.seen, waiting.before
    rows = {
        name: seen[name]
        for name in sorted(waiting.pools[pool])
        if name in seen
        and seen[name].waits
        and all(row.period != wish.period for row in before.get(name, ()))
    }
    languages = {name: _languages(wish, row) for name, row in rows.items()}
    since = wish.monday - WEEK * (wish.planning.longest_wait_weeks or 0)
    held = standing_visits(conn, program_id, plans.visits_since(conn, program_id, named(since)))
    of_week = frozenset(row for row in held if row.period == wish.period)
    workers = crew_of(
        conn,
        program_id,
        pool,
        wish.monday,
        wish.day,
        least_minutes=wish.action.minutes,
        languages=frozenset(some[0] for some in languages.values()),
        standing=list(of_week),
        homes={name: row.group.id for name, row in rows.items()},
    )
    last = last_visited(row for row in held if row.unit_kind == wish.level)
    reasons = _refused(conn, program_id, wish, rows, now_ms)
    candidates = tuple(
        Candidate(
            name,
            languages[name][0],
            row.stand,
            row.last or UNKNOWN_STATE,
            row.unheard,
            _due(wish, last.get(name), before.get(name, ())),
        )
        for name, row in rows.items()
        if reasons[name] == Reason.AVAILABLE
    )
    money = money_of(wish.catalogue, wish.action, wish.today)
    question = Question(
        pool,
        candidates,
        tuple(workers),
        min(sum(worker.slots for worker in workers), affordable(conn, program_id, money)),
        [change for row in seen.values() for change in row.changes],
        wish.planning.rule,
        wish.level,
    )
    secret = setup.draw_secret(conn, kept, program_id)
    numbers = numbers_of(secret, program_id, wish.strategy.id, wish.period, list(rows), wish.level)
    able = np.array([reasons[name] == Reason.AVAILABLE for name in rows], np.bool_)
    turns = dict(zip(rows, numbers.turn.tolist(), strict=True))
    return Ready(
        question,
        Draws(*(part[able] for part in numbers)),
        tuple((name, code) for name, code in reasons.items() if code != Reason.AVAILABLE),
        tuple(workers),
        of_week,
        {
            name: Rest(
                row.group.id,
                row.last is not None,
                phase(wish.catalogue.sites[row.group.site], wish.today),
                languages[name],
                turns[name],
            )
            for name, row in rows.items()
        },
    )


def _languages(wish: Wish, row: Now) -> tuple[str, ...]:
    """The member's language first, then the group's, then the program's."""
    own = None if row.member is None else row.member.language
    return tuple(filter(None, (own, row.group.language, wish.catalogue.program.language)))


def numbers_of(
    secret: bytes, program_id: str, strategy: str, period: str, names: Sequence[str], kind: UnitKind = "group"
) -> Draws:
    """The keyed numbers of these units in a plan."""
    return keyed(secret, program_id, strategy, period, [f"{kind}:{name}" for name in names])


def _due(wish: Wish, last: str | None, before: Sequence[Planned]) -> int:
    """Weeks within which a visit is promised, this one among them."""
    longest = wish.planning.longest_wait_weeks
    return NEVER if longest is None else weeks_due(longest, wish.monday, last, before)


def _refused(
    conn: Connection, program_id: str, wish: Wish, rows: Mapping[str, Now], now_ms: int
) -> dict[str, Reason]:
    """Whether each unit could be visited, and if not why."""
    back_ms = DAY_MS * max(wish.action.cool_down_days, LOOK_BACK_DAYS)
    recent = decisions.recent(conn, program_id, {wish.unit(name) for name in rows}, now_ms - back_ms)
    situations = []
    for name, row in rows.items():
        site, most = wish.catalogue.sites[row.group.site], wish.catalogue.program.contacts
        consent = EVERYBODY if row.member is None else row.member.consent
        situations.append(
            Situation(
                phase(site, wish.today),
                wish.today,
                now_ms,
                consent.health_worker,
                _languages(wish, row),
                given_of(recent.get(wish.unit(name), ()), now_ms),
                consent.family,
                row.family_unsafe,
                contacts=most if row.member is None else most.and_at_most(row.member.contacts),
                days_to_end=days_to_end(site, wish.today),
            )
        )
    codes = refusals([wish.action], situations)[:, 1]
    return {
        name: _unless_by_lot(Reason(int(code)), row)
        for (name, row), code in zip(rows.items(), codes, strict=True)
    }


def _unless_by_lot(reason: Reason, row: Now) -> Reason:
    """A plan is drawn: whoever wants no chance in what is chosen for them is not part of the draw."""
    declined = row.member is not None and not row.member.consent.chance
    return Reason.CHANCE if declined and reason == Reason.AVAILABLE else reason
