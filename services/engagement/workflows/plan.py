"""A week's visits are planned, pool by pool: a decision for every unit, and who goes to whom.

What a plan needs is read, and the plan drawn up, outside write transactions. Storing it takes the rows of
the pool's units and the week's visits first: then the plan may be there already, of another replica, and is
returned; or what it was drawn up from may have changed, and it is drawn up again. Keyed draws make both
replicas draw the same, the unique key of strategy, pool and period is the backstop.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from engagement.actions.action import NONE, Id
from engagement.actions.availability import DAY_MS, Reason
from engagement.bandits.propensity import ONE
from engagement.errors import Mistake, NotFound, Overloaded
from engagement.records import Evidence
from engagement.store import decisions, plans, setup, units
from engagement.store.database import Database
from engagement.store.decisions import Decision
from engagement.store.identifiers import uuid7
from engagement.store.kept import Kept
from engagement.store.plans import Plan, Visit, Why
from engagement.strategy.promise import NEVER
from engagement.strategy.week_plan import (
    Barred,
    CrewMember,
    Drawn,
    Placed,
    PlanEvidence,
    drawn_up,
)
from engagement.workflows.crew import standing_visits
from engagement.workflows.plan_reading import Ready, Rest, Waiting, ready, refuse_unknown, waiting_of
from engagement.workflows.plan_wish import Wish, wish_of
from engagement.workflows.trial import assign_newcomers
from engagement.workflows.visit_money import hold_money, lock_money, money_of

TRIES = 5

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
    """nowhere : how many units are in no plan because their group is linked to no catchment"""

    pools: tuple[Pooled, ...]
    nowhere: int


def plan_week(db: Database, kept: Kept, program_id: str, ask: PlanAsk, now_ms: int) -> PlansMade:
    """Plans the pools that have no plan for the week yet; those that have keep theirs."""
    with db.read(program_id) as conn:
        wish = wish_of(conn, kept, program_id, ask.strategy, ask.period, now_ms)
        refuse_unknown(conn, program_id, wish, ask.pool)
    if wish.catalogue.trials:
        with db.write(program_id) as conn:
            assign_newcomers(conn, kept, program_id, wish.catalogue, wish.today, now_ms)
    with db.read(program_id) as conn:
        waiting, wanted = waiting_of(conn, program_id, wish, ask.pool, now_ms)
    out = []
    if ask.pool is not None and not wanted:
        words = f"in catchment `{ask.pool}` no group is this strategy's to decide for in {wish.period}"
        out.append(Pooled(ask.pool, None, NotFound(words)))
    for pool in wanted:
        try:
            plan = _plan_pool(db, kept, program_id, wish, pool, waiting, now_ms)
            out.append(Pooled(pool, plan.plan_id, None))
        except Mistake as mistake:
            out.append(Pooled(pool, None, mistake))
    return PlansMade(tuple(out), waiting.nowhere)


def _plan_pool(
    db: Database, kept: Kept, program_id: str, wish: Wish, pool: str, waiting: Waiting, now_ms: int
) -> Plan:
    for _ in range(TRIES):
        with db.read(program_id) as conn:
            plan = plans.plan_of(conn, program_id, wish.strategy.id, pool, wish.period)
            if plan is not None:
                return plan
            found = ready(conn, kept, program_id, wish, pool, waiting, now_ms)
            secret = setup.draw_secret(conn, kept, program_id)
        seed = int.from_bytes(secret[:16], "big")
        try:
            drawn = drawn_up(
                found.question, found.numbers, seed, "plan", program_id, wish.strategy.id, pool, wish.period
            )
        except Mistake:
            # a plan stored while this one was read for has taken the very time that is then missing
            with db.read(program_id) as conn:
                plan = plans.plan_of(conn, program_id, wish.strategy.id, pool, wish.period)
            if plan is None:
                raise
            return plan
        try:
            with db.write(program_id) as conn:
                plan = _store(conn, program_id, wish, found, drawn, now_ms)
        except IntegrityError:
            continue  # somebody else was faster
        if plan is not None:
            return plan
    raise Overloaded


def _store(
    conn: Connection, program_id: str, wish: Wish, found: Ready, drawn: Drawn, now_ms: int
) -> Plan | None:
    """Stores a plan, unless it was made meanwhile; None when it has to be drawn up again."""
    units.lock(conn, program_id, {wish.unit(name) for name in found.rest})
    plans.lock_week(conn, program_id, wish.period)
    there = plans.plan_of(conn, program_id, wish.strategy.id, found.question.pool, wish.period)
    if there is not None:
        return there
    held = standing_visits(conn, program_id, plans.visits_since(conn, program_id, wish.period))
    if frozenset(row for row in held if row.period == wish.period) != found.standing:
        return None
    plan = _plan(wish, found, drawn, now_ms)
    visits = first_visits(plan, drawn)
    going = [row.decision_id for row in visits if row.worker_id is not None]
    money = money_of(wish.catalogue, wish.action, wish.today)
    if lock_money(conn, program_id, money) < len(going):
        return None
    plans.insert_plan(conn, program_id, plan)
    decisions.insert_decisions(conn, program_id, _decisions(wish, plan, found.rest, now_ms))
    plans.insert_visits(conn, program_id, visits)
    hold_money(conn, program_id, money, going, wish.ends_ms)
    return plan


def _plan(wish: Wish, found: Ready, drawn: Drawn, now_ms: int) -> Plan:
    """The plan as it is stored."""
    made = drawn.decided
    place = np.empty(len(made.line), np.int64)
    place[made.line] = np.arange(1, len(made.line) + 1)
    placed = tuple(
        Placed(
            row.unit,
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
            found.rest[row.unit].group if wish.level == "member" else "",
            found.rest[row.unit].known,
        )
        for n, row in enumerate(found.question.candidates)
    )
    return Plan(
        uuid7(now_ms),
        wish.strategy.id,
        found.question.pool,
        wish.period,
        wish.catalogue.strategy_revisions[wish.strategy.id],
        wish.catalogue.revision,
        now_ms,
        wish.ends_ms,
        PlanEvidence(
            placed,
            tuple(
                Barred(name, uuid7(now_ms), code, found.rest[name].group if wish.level == "member" else "")
                for name, code in found.barred
            ),
            tuple(
                CrewMember(
                    worker.name, tuple(sorted(worker.languages)), max(0, worker.minutes), worker.visit,
                    worker.away,
                )
                for worker in found.workers
            ),
            drawn.considered.visits,
            drawn.considered.epsilon,
            drawn.service_cost,
            drawn.chance_cost,
            drawn.replaced,
            wish.level,
        ),
    )  # fmt: skip


def first_visits(plan: Plan, drawn: Drawn) -> list[Visit]:
    """Who goes to each chosen unit, in line order, and then who fills in for those to whom nobody can."""
    rows = plan.evidence.placed
    takes = {worker.worker: worker.visit for worker in plan.evidence.crew}
    going = [n for n in drawn.decided.line.tolist() if drawn.decided.chosen[n]]
    entries: list[tuple[int, str | None, Why, str | None, str | None]] = [
        (n, drawn.worker[n], "drawn", drawn.left_out[n], None) for n in going
    ] + [(one.unit, one.worker, "fills_in", None, rows[one.instead_of].decision_id) for one in drawn.fillers]
    return [
        Visit(
            plan.plan_id, number, plan.period, rows[n].decision_id, plan.evidence.level, rows[n].unit, worker,
            takes.get(worker or "", 0), why, reason, instead_of, plan.made_at,
        )
        for number, (n, worker, why, reason, instead_of) in enumerate(entries, start=1)
    ]  # fmt: skip


class Told(NamedTuple):
    """What differs from decision to decision. units : π      refusal : the code of a reason"""

    unit: str
    decision_id: str
    units: int
    chosen: bool
    refusal: int
    worth: float
    sd: float


def _decisions(wish: Wish, plan: Plan, rest: Mapping[str, Rest], now_ms: int) -> list[Decision]:
    """A decision for every unit of the pool: a visit, or none."""
    placed = [
        _decision(wish, plan, rest[row[0]], Told(*row), now_ms)
        for row in (
            (one.unit, one.decision_id, one.units, one.chosen, Reason.AVAILABLE, one.worth, one.sd)
            for one in plan.evidence.placed
        )
    ]
    barred = [
        _decision(
            wish,
            plan,
            rest[one.unit],
            Told(one.unit, one.decision_id, 0, False, one.reason, 0.0, 0.0),
            now_ms,
        )
        for one in plan.evidence.barred
    ]
    return [*placed, *barred]


def _decision(wish: Wish, plan: Plan, rest: Rest, row: Told, now_ms: int) -> Decision:
    shares = np.array([ONE - row.units, row.units], np.uint64)
    written = {content.language for content in wish.action.content}
    return Decision(
        decision_id=row.decision_id,
        strategy_id=plan.strategy_id,
        unit_kind=wish.level,
        unit_id=row.unit,
        group_id=rest.group,
        decision_point=plan.period,
        action_id=wish.action.id if row.chosen else NONE,
        probability=int(shares[int(row.chosen)]),
        randomised=0 < row.units < ONE,
        fallback=None,
        arm="learning",
        phase=rest.phase,
        language=next((name for name in rest.languages if name in written), rest.languages[-1]),
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
            uniform=rest.turn,
            remaining=0.0,
        ),
    )
