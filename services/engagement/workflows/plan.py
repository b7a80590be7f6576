"""A week's visits are planned, pool by pool: a decision for every group, and who goes to whom.

What a plan needs is read, and the plan drawn up, outside write transactions. Storing it takes the rows of
the pool's groups first: then the plan may be there already, of another replica, and is returned; or what
it was drawn up from may have changed, and it is drawn up again. Keyed draws make both replicas draw the
same, the unique key of strategy, pool and period is the backstop.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engagement.actions.action import NONE, Id, Phase
from engagement.actions.availability import DAY_MS, Given, Reason, Situation, refusals
from engagement.actions.catalogue import AnyAction
from engagement.bandits.propensity import ONE
from engagement.bandits.restless.assignment import Worker
from engagement.bandits.restless.pivotal import Draws, keyed
from engagement.errors import Conflict, Invalid, Mistake, NotFound, Overloaded
from engagement.records import Evidence
from engagement.signals.states import State
from engagement.store import decisions, plans, resources, setup, units
from engagement.store.database import Database
from engagement.store.decisions import Decision, Planned
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.plans import Plan, Visit, Why
from engagement.store.resources import Reservation
from engagement.store.units import Unit
from engagement.strategy.cadence import calendar, monday_of
from engagement.strategy.life import RELEASED, status
from engagement.strategy.planning import Planning
from engagement.strategy.promise import NEVER
from engagement.strategy.purse import Resource, drawn_on, limit
from engagement.strategy.setup import Catalogue, phase
from engagement.strategy.strategy import Strategy
from engagement.strategy.week_plan import (
    Barred,
    Candidate,
    CrewMember,
    Drawn,
    Placed,
    PlanEvidence,
    Question,
    drawn_up,
)
from engagement.workflows.crew import all_names, crew_of, last_visited, pools_of, standing_visits
from engagement.workflows.group_steps import Now, now_and_before

TRIES = 5
YEAR_MS = 365 * DAY_MS
WEEK = timedelta(days=7)
UNKNOWN_STATE: State = "wavering"
"""What a group is taken for of which no meeting is known; a guess between the best and the worst."""

Week = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-W[0-9]{2}(?!\n)$")]


class PlanAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks for the plan of a week.

    strategy : the only one that plans when absent      pool : a catchment; every one when absent
    period : this week or the next, such as 2026-W17; this week when absent
    """

    strategy: Id | None = None
    pool: Id | None = None
    period: Week | None = None


class Pooled(NamedTuple):
    """The plan of one pool, or why there is none."""

    pool: str
    plan_id: str | None
    mistake: Mistake | None


class PlansMade(NamedTuple):
    """nowhere : how many groups are in no plan because they are linked to no catchment"""

    pools: tuple[Pooled, ...]
    nowhere: int


class Wish(NamedTuple):
    """What is to be planned. day : whose links hold      ends_ms : the end of the week"""

    catalogue: Catalogue
    strategy: Strategy
    planning: Planning
    action: AnyAction
    today: date
    period: str
    monday: date
    day: date
    ends_ms: int


class _Ready(NamedTuple):
    """What one pool's plan is drawn up and stored from.

    standing : visits of the week that hold      phases, languages, turns : of each group, barred or not
    """

    question: Question
    numbers: Draws
    barred: tuple[tuple[str, int], ...]
    workers: tuple[Worker, ...]
    standing: frozenset[Visit]
    phases: Mapping[str, Phase]
    languages: Mapping[str, tuple[str, ...]]
    turns: Mapping[str, int]


def plan_week(db: Database, kept: Kept, program_id: str, ask: PlanAsk, now_ms: int) -> PlansMade:
    """Plans the pools that have no plan for the week yet; those that have keep theirs."""
    with db.read() as conn:
        wish = wish_of(conn, kept, program_id, ask, now_ms)
        by_pool = pools_of(conn, program_id, all_names(conn, program_id, "group"), wish.day)
        nowhere = by_pool.pop("", [])
        wanted = sorted(by_pool) if ask.pool is None else [ask.pool]
        if ask.pool is not None and ask.pool not in by_pool:
            raise NotFound(f"no group is linked to a catchment `{ask.pool}` in {wish.period}")
        made = {plan.pool for plan in plans.in_period(conn, program_id, wish.strategy.id, wish.period)}
        rows = decisions.planned(conn, program_id, wish.strategy.id, now_ms - YEAR_MS)
        before = {unit: tuple(some) for unit, some in groupby(rows, attrgetter("unit_id"))}
        names = sorted(name for some in by_pool.values() for name in some)
        seen: Mapping[str, Now] = {}
        if not made.issuperset(wanted):
            seen = now_and_before(conn, program_id, wish.catalogue, names, before, wish.today)
    out = []
    for pool in wanted:
        try:
            plan = _plan_pool(db, kept, program_id, wish, pool, by_pool[pool], seen, before, now_ms)
            out.append(Pooled(pool, plan.plan_id, None))
        except Mistake as mistake:
            out.append(Pooled(pool, None, mistake))
    return PlansMade(tuple(out), len(nowhere))


def wish_of(conn: Connection, kept: Kept, program_id: str, ask: PlanAsk, now_ms: int) -> Wish:
    """What is asked for, checked against the set-up."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = _strategy(catalogue, ask.strategy)
    if catalogue.program.stopped or strategy.paused:
        raise Conflict("recommendations are switched off, so nothing is planned")
    zone = catalogue.program.time_zone
    this = calendar(now_ms, zone, "week")
    following = calendar(this.ends_ms, zone, "week")
    weeks = {this.decision_point: this, following.decision_point: following}
    period = ask.period or this.decision_point
    if period not in weeks:
        raise Invalid(f"a plan is for this week or the next: {' or '.join(weeks)}")
    monday = monday_of(period)
    assert strategy.plan is not None  # noqa: S101  # only those are looked for
    return Wish(
        catalogue,
        strategy,
        strategy.plan,
        catalogue.actions[strategy.actions[0]],
        this.today,
        period,
        monday,
        max(this.today, monday),
        weeks[period].ends_ms,
    )


def _strategy(catalogue: Catalogue, name: str | None) -> Strategy:
    planning = {key: row for key, row in catalogue.strategies.items() if row.plan is not None}
    if name is not None:
        if name not in catalogue.strategies:
            raise NotFound(f"there is no strategy `{name}` in this program")
        if name not in planning:
            raise Invalid(f"strategy `{name}` does not plan; ask POST /v1/recommendations for it")
        return planning[name]
    if len(planning) != 1:
        raise Invalid(f"{len(planning)} strategies of the program plan, so the request must name one")
    return next(iter(planning.values()))


def _plan_pool(
    db: Database,
    kept: Kept,
    program_id: str,
    wish: Wish,
    pool: str,
    groups: Sequence[str],
    seen: Mapping[str, Now],
    before: Mapping[str, Sequence[Planned]],
    now_ms: int,
) -> Plan:
    for _ in range(TRIES):
        with db.read() as conn:
            plan = plans.plan_of(conn, program_id, wish.strategy.id, pool, wish.period)
            if plan is not None:
                return plan
            ready = _ready(conn, kept, program_id, wish, pool, groups, seen, before, now_ms)
            secret = setup.draw_secret(conn, kept, program_id)
        seed = int.from_bytes(secret[:16], "big")
        try:
            drawn = drawn_up(
                ready.question, ready.numbers, seed, "plan", program_id, wish.strategy.id, pool, wish.period
            )
        except Mistake:
            # a plan stored while this one was read for has taken the very time that is then missing
            with db.read() as conn:
                plan = plans.plan_of(conn, program_id, wish.strategy.id, pool, wish.period)
            if plan is None:
                raise
            return plan
        try:
            with db.write() as conn:
                plan = _store(conn, program_id, wish, ready, drawn, now_ms)
        except IntegrityError:
            continue  # somebody else was faster
        if plan is not None:
            return plan
    raise Overloaded


def _ready(
    conn: Connection,
    kept: Kept,
    program_id: str,
    wish: Wish,
    pool: str,
    groups: Sequence[str],
    seen: Mapping[str, Now],
    before: Mapping[str, Sequence[Planned]],
    now_ms: int,
) -> _Ready:
    """Everything that the plan of one pool is drawn up from."""
    planned_here = {name for name in groups if any(row.period == wish.period for row in before.get(name, ()))}
    rows = {
        name: seen[name]
        for name in sorted(groups)
        if name not in planned_here and seen[name].state not in ("dissolved", "ended")
    }
    language = {name: _languages(wish, row)[0] for name, row in rows.items()}
    since = wish.monday - WEEK * (wish.planning.longest_wait_weeks or 0)
    visits = plans.visits_since(conn, program_id, _named(since))
    held = standing_visits(conn, program_id, visits)
    of_week = frozenset(row for row in held if row.period == wish.period)
    workers = crew_of(
        conn,
        program_id,
        pool,
        wish.monday,
        wish.day,
        least_minutes=wish.action.minutes,
        languages=frozenset(language.values()),
        standing=list(of_week),
        groups=list(rows),
    )
    own = [row for row in held if row.unit_id in rows]
    last = last_visited(own)
    reasons = _refused(conn, program_id, wish, rows, now_ms)
    candidates = tuple(
        Candidate(
            name,
            language[name],
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
        min(sum(worker.slots for worker in workers), _affordable(conn, program_id, money)),
        [change for row in seen.values() for change in row.changes],
        wish.planning.rule,
    )
    secret = setup.draw_secret(conn, kept, program_id)
    numbers = numbers_of(secret, program_id, wish.strategy.id, wish.period, list(rows))
    able = np.array([reasons[name] == Reason.AVAILABLE for name in rows], np.bool_)
    return _Ready(
        question,
        Draws(*(part[able] for part in numbers)),
        tuple((name, code) for name, code in reasons.items() if code != Reason.AVAILABLE),
        tuple(workers),
        of_week,
        {name: phase(wish.catalogue.sites[row.group.site], wish.today) for name, row in rows.items()},
        {name: _languages(wish, row) for name, row in rows.items()},
        dict(zip(rows, numbers.turn.tolist(), strict=True)),
    )


def _languages(wish: Wish, row: Now) -> tuple[str, ...]:
    """The group's language first, then the program's."""
    return tuple(filter(None, (row.group.language, wish.catalogue.program.language)))


def numbers_of(secret: bytes, program_id: str, strategy: str, period: str, groups: Sequence[str]) -> Draws:
    """The keyed numbers of these groups in a plan."""
    return keyed(secret, program_id, strategy, period, [f"group:{name}" for name in groups])


def _named(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _due(wish: Wish, last: str | None, before: Sequence[Planned]) -> int:
    """Weeks within which a visit is promised, this one among them."""
    longest = wish.planning.longest_wait_weeks
    if longest is None:
        return NEVER
    if last is not None:
        return longest + 1 - (wish.monday - monday_of(last)) // WEEK
    first = min((row.period for row in before), default=wish.period)
    return longest - (wish.monday - monday_of(first)) // WEEK


def _refused(
    conn: Connection, program_id: str, wish: Wish, rows: Mapping[str, Now], now_ms: int
) -> dict[str, Reason]:
    """Whether each group could be visited, and if not why."""
    back_ms = DAY_MS * max(wish.action.cool_down_days, 31)
    recent = decisions.recent(conn, program_id, {Unit("group", name) for name in rows}, now_ms - back_ms)
    situations = []
    for name, row in rows.items():
        given = tuple(
            Given(one.action_id, one.decided_at)
            for one in recent.get(Unit("group", name), ())
            if one.action_id != NONE and status(one.answers, one.expires_at, now_ms) not in RELEASED
        )
        site = wish.catalogue.sites[row.group.site]
        situations.append(
            Situation(phase(site, wish.today), wish.today, now_ms, True, _languages(wish, row), given)
        )
    codes = refusals([wish.action], situations)[:, 1]
    return {name: Reason(int(code)) for name, code in zip(rows, codes, strict=True)}


class Money(NamedTuple):
    """What visits draw on: an amount each, of a resource that may be None where nothing limits it."""

    resource: Resource | None
    limit: int
    cost: int


def money_of(catalogue: Catalogue, action: AnyAction, today: date) -> Money:
    """What a visit costs, and of what."""
    resource = next(iter(drawn_on(catalogue, [action], (), today)), None)
    return Money(resource, 0 if resource is None else limit(catalogue, resource), action.cost_minor)


def _affordable(conn: Connection, program_id: str, money: Money) -> int:
    """How many visits the money is enough for."""
    if money.resource is None:
        return NEVER
    return max(0, (money.limit - resources.taken(conn, program_id, money.resource)) // money.cost)


def lock_money(conn: Connection, program_id: str, money: Money) -> int:
    """How many visits the money is enough for, and stays so until the transaction ends."""
    if money.resource is None:
        return NEVER
    taken = resources.lock_counters(conn, program_id, [money.resource])[money.resource]
    return max(0, (money.limit - taken) // money.cost)


def hold_money(conn: Connection, program_id: str, money: Money, going: Sequence[str], ends_ms: int) -> None:
    """Holds the money of these decisions' visits, under its lock."""
    if money.resource is None or not going:
        return
    taken = resources.taken(conn, program_id, money.resource)
    held = [Reservation(name, money.resource, money.cost, ends_ms) for name in going]
    resources.insert_reservations(conn, program_id, held)
    resources.write_counters(conn, program_id, {money.resource: taken + money.cost * len(going)})


def _store(
    conn: Connection, program_id: str, wish: Wish, ready: _Ready, drawn: Drawn, now_ms: int
) -> Plan | None:
    """Stores a plan, unless it was made meanwhile; None when it has to be drawn up again."""
    names = [row.group for row in ready.question.candidates]
    units.lock(conn, program_id, {Unit("group", name) for name in [*names, *dict(ready.barred)]})
    there = plans.plan_of(conn, program_id, wish.strategy.id, ready.question.pool, wish.period)
    if there is not None:
        return there
    held = standing_visits(conn, program_id, plans.visits_since(conn, program_id, wish.period))
    if frozenset(row for row in held if row.period == wish.period) != ready.standing:
        return None
    plan = _plan(wish, ready, drawn, now_ms)
    visits = first_visits(plan, drawn)
    going = [row.decision_id for row in visits if row.worker_id is not None]
    money = money_of(wish.catalogue, wish.action, wish.today)
    if lock_money(conn, program_id, money) < len(going):
        return None
    plans.insert_plan(conn, program_id, plan)
    decisions.insert_decisions(conn, program_id, _decisions(wish, plan, ready, now_ms))
    plans.insert_visits(conn, program_id, visits)
    hold_money(conn, program_id, money, going, wish.ends_ms)
    return plan


def _plan(wish: Wish, ready: _Ready, drawn: Drawn, now_ms: int) -> Plan:
    """The plan as it is stored."""
    made = drawn.decided
    place = np.empty(len(made.line), np.int64)
    place[made.line] = np.arange(1, len(made.line) + 1)
    placed = tuple(
        Placed(
            row.group,
            uuid7(now_ms),
            int(place[n]),
            float(drawn.considered.share[n]),
            None if np.isinf(drawn.considered.due[n]) else float(drawn.considered.due[n]),
            int(made.probability[n]),
            bool(made.forced[n]),
            bool(made.chosen[n]),
            row.state,
            row.unheard,
            0 if row.due >= NEVER else max(1, row.due),
            row.stand.cluster.setting,
            row.stand.cluster.after,
            row.stand.cluster.barrier,
            float(drawn.worth[n]),
            float(drawn.sd[n]),
        )
        for n, row in enumerate(ready.question.candidates)
    )
    return Plan(
        uuid7(now_ms),
        wish.strategy.id,
        ready.question.pool,
        wish.period,
        wish.catalogue.strategy_revisions[wish.strategy.id],
        wish.catalogue.revision,
        now_ms,
        wish.ends_ms,
        PlanEvidence(
            placed,
            tuple(Barred(name, uuid7(now_ms), code) for name, code in ready.barred),
            tuple(
                CrewMember(
                    worker.name, tuple(sorted(worker.languages)), max(0, worker.minutes), worker.visit,
                    worker.away,
                )
                for worker in ready.workers
            ),
            drawn.considered.visits,
            drawn.considered.epsilon,
            drawn.service_cost,
            drawn.chance_cost,
            drawn.replaced,
        ),
    )  # fmt: skip


def first_visits(plan: Plan, drawn: Drawn) -> list[Visit]:
    """Who goes to each chosen group, in line order, and then who fills in for those to whom nobody can."""
    rows = plan.evidence.placed
    going = [n for n in drawn.decided.line.tolist() if drawn.decided.chosen[n]]
    entries: list[tuple[int, str | None, Why, str | None, str | None]] = [
        (n, drawn.worker[n], "drawn", drawn.left_out[n], None) for n in going
    ] + [(one.unit, one.worker, "fills_in", None, rows[one.instead_of].decision_id) for one in drawn.fillers]
    return [
        Visit(
            plan.plan_id, number, plan.period, rows[n].decision_id, rows[n].group, worker, why, reason,
            instead_of, plan.made_at,
        )
        for number, (n, worker, why, reason, instead_of) in enumerate(entries, start=1)
    ]  # fmt: skip


class Told(NamedTuple):
    """What differs from decision to decision. units : π      refusal : the code of a reason"""

    group: str
    decision_id: str
    units: int
    chosen: bool
    refusal: int
    worth: float
    sd: float


def _decisions(wish: Wish, plan: Plan, ready: _Ready, now_ms: int) -> list[Decision]:
    """A decision for every group of the pool: a visit, or none."""
    placed = [
        _decision(wish, plan, ready, Told(*row), now_ms)
        for row in (
            (one.group, one.decision_id, one.units, one.chosen, Reason.AVAILABLE, one.worth, one.sd)
            for one in plan.evidence.placed
        )
    ]
    barred = [
        _decision(wish, plan, ready, Told(one.group, one.decision_id, 0, False, one.reason, 0.0, 0.0), now_ms)
        for one in plan.evidence.barred
    ]
    return [*placed, *barred]


def _decision(wish: Wish, plan: Plan, ready: _Ready, row: Told, now_ms: int) -> Decision:
    shares = np.array([ONE - row.units, row.units], np.uint64)
    languages = ready.languages[row.group]
    written = {content.language for content in wish.action.content}
    return Decision(
        decision_id=row.decision_id,
        strategy_id=plan.strategy_id,
        unit_kind="group",
        unit_id=row.group,
        group_id=row.group,
        decision_point=plan.period,
        action_id=wish.action.id if row.chosen else NONE,
        probability=int(shares[int(row.chosen)]),
        randomised=0 < row.units < ONE,
        fallback=None,
        arm="learning",
        phase=ready.phases[row.group],
        language=next((name for name in languages if name in written), languages[-1]),
        strategy_revision=plan.strategy_revision,
        catalogue=plan.catalogue,
        version=0,
        decided_at=now_ms,
        expires_at=plan.ends_at,
        closes_at=now_ms + wish.strategy.outcome.window_days * DAY_MS,
        evidence=Evidence(
            actions=(NONE, wish.action.id),
            features=b"",
            refusals=bytes([Reason.AVAILABLE, row.refusal]),
            family="normal",
            mean=np.array([0.0, row.worth]).tobytes(),
            sd=np.array([0.0, row.sd]).tobytes(),
            probability=shares.tobytes(),
            uniform=ready.turns[row.group],
            remaining=0.0,
        ),
    )
