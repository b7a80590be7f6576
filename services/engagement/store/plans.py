"""Plans of visits, and who goes where. A plan is made once; what becomes of its visits is added."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, select

from engagement.store import resources
from engagement.store import tables as t
from engagement.store.sql import Row as Values
from engagement.store.sql import among, insert
from engagement.store.units import Unit, UnitKind
from engagement.strategy.purse import Resource
from engagement.strategy.week_plan import PlanEvidence

VISITS = "visits/"
"""The counter whose row is the lock of a week's visits. No payer has a slash; nothing is counted there."""
Why = Literal["drawn", "fills_in", "swapped", "reassigned"]


class Plan(NamedTuple):
    """A plan of one pool for one period, with its whole evidence. Times in milliseconds."""

    plan_id: str
    strategy_id: str
    pool: str
    period: str
    strategy_revision: int
    catalogue: int
    made_at: int
    ends_at: int
    evidence: PlanEvidence


class Visit(NamedTuple):
    """One entry of who goes where.

    number : from 1 within the plan      worker : None where nobody can go, then `reason` says why
    minutes : of the worker's week, 0 where nobody can go
    instead_of : the decision whose time this visit fills
    """

    plan_id: str
    number: int
    period: str
    decision_id: str
    unit_kind: UnitKind
    unit_id: str
    worker_id: str | None
    minutes: int
    why: Why
    reason: str | None
    instead_of: str | None
    recorded_at: int

    @property
    def unit(self) -> Unit:
        """To whom somebody goes."""
        return Unit(self.unit_kind, self.unit_id)


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(PlanEvidence)
_columns = [t.plans.c[name] for name in Plan._fields]
_visit_columns = [t.visits.c[name] for name in Visit._fields]


def _plan(row: Row[Any]) -> Plan:
    return Plan._make([*row[:-1], _decoder.decode(row[-1])])


def insert_plan(conn: Connection, program_id: str, plan: Plan) -> None:
    """Stores a new plan; one that is already made raises the database's own error."""
    row = plan._asdict() | {"program_id": program_id, "evidence": _encode(plan.evidence)}
    insert(conn, t.plans, [row])


def insert_visits(conn: Connection, program_id: str, rows: Sequence[Visit]) -> None:
    """Adds entries; a number that somebody else took meanwhile raises the database's own error."""
    values: list[Values] = [row._asdict() | {"program_id": program_id} for row in rows]
    insert(conn, t.visits, values)


def plan_of(conn: Connection, program_id: str, strategy: str, pool: str, period: str) -> Plan | None:
    """The plan of a pool for a period, if it was made."""
    p = t.plans.c
    query = select(*_columns).where(
        p.program_id == program_id, p.strategy_id == strategy, p.pool == pool, p.period == period
    )
    row = conn.execute(query).first()
    return None if row is None else _plan(row)


def by_id(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, Plan]:
    """Plans by id; unknown ids are left out."""
    p = t.plans.c
    query = select(*_columns).where(p.program_id == program_id, among(conn, p.plan_id, ids))
    return {plan.plan_id: plan for plan in map(_plan, conn.execute(query))}


def in_period(conn: Connection, program_id: str, strategy: str, period: str) -> list[Plan]:
    """Every plan of a strategy for a period, by pool."""
    p = t.plans.c
    query = (
        select(*_columns)
        .where(p.program_id == program_id, p.strategy_id == strategy, p.period == period)
        .order_by(p.pool)
    )
    return list(map(_plan, conn.execute(query)))


def page(
    conn: Connection,
    program_id: str,
    after: str,
    limit: int,
    *,
    strategy: str | None = None,
    pool: str | None = None,
    period: str | None = None,
    worker: str | None = None,
) -> list[Plan]:
    """Plans in order of id, the oldest first, from the first beyond `after`; "" for the beginning.

    worker : only plans in which this health worker was ever given a visit
    """
    p, v = t.plans.c, t.visits.c
    query = select(*_columns).where(p.program_id == program_id).order_by(p.plan_id).limit(limit)
    if after:
        query = query.where(p.plan_id > after)
    for column, wanted in ((p.strategy_id, strategy), (p.pool, pool), (p.period, period)):
        if wanted is not None:
            query = query.where(column == wanted)
    if worker is not None:
        hers = select(v.number).where(
            v.program_id == p.program_id, v.plan_id == p.plan_id, v.worker_id == worker
        )
        query = query.where(hers.exists())
    return list(map(_plan, conn.execute(query)))


def visits_of(conn: Connection, program_id: str, plan_id: str) -> list[Visit]:
    """Every entry of a plan, in order."""
    v = t.visits.c
    query = select(*_visit_columns).where(v.program_id == program_id, v.plan_id == plan_id).order_by(v.number)
    return [Visit(*row) for row in conn.execute(query)]


def visits_since(conn: Connection, program_id: str, period: str) -> list[Visit]:
    """Every entry of this period and all later ones, of all plans, in order of plan and number."""
    v = t.visits.c
    query = (
        select(*_visit_columns)
        .where(v.program_id == program_id, v.period >= period)
        .order_by(v.plan_id, v.number)
    )
    return [Visit(*row) for row in conn.execute(query)]


def visits_to(conn: Connection, program_id: str, unit: Unit, period: str) -> list[Visit]:
    """Every entry about one unit of this period and all later ones, in order of plan and number."""
    v = t.visits.c
    query = (
        select(*_visit_columns)
        .where(
            v.program_id == program_id,
            v.unit_kind == unit.kind,
            v.unit_id == unit.id,
            v.period >= period,
        )
        .order_by(v.plan_id, v.number)
    )
    return [Visit(*row) for row in conn.execute(query)]


def weeks_of_decisions(conn: Connection, program_id: str, decisions: Sequence[str]) -> list[str]:
    """The weeks in which these decisions have a visit, in order."""
    v = t.visits.c
    query = (
        select(v.period)
        .distinct()
        .where(v.program_id == program_id, among(conn, v.decision_id, decisions))
        .order_by(v.period)
    )
    return list(conn.execute(query).scalars())


def lock_week(conn: Connection, program_id: str, period: str) -> None:
    """Nobody else adds visits of the week until the transaction ends.

    Health workers' hours are of a week, whatever plans ask for them: a resource like others, locked before
    those that visits are paid from.
    """
    resources.lock_counters(conn, program_id, [Resource(VISITS, period)])


def plans_of_decisions(conn: Connection, program_id: str, decisions: Sequence[str]) -> list[str]:
    """The plans in which these decisions have a visit, in order of id."""
    v = t.visits.c
    query = (
        select(v.plan_id)
        .distinct()
        .where(v.program_id == program_id, among(conn, v.decision_id, decisions))
        .order_by(v.plan_id)
    )
    return list(conn.execute(query).scalars())


def newest(visits: Sequence[Visit]) -> dict[str, Visit]:
    """The entry that holds for each decision. visits : in order"""
    return {row.decision_id: row for row in visits}
