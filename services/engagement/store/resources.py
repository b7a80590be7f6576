"""What proposals draw on. `left = limit − (reserved or spent)`; a counter caches the sum."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Select, and_, bindparam, func, select

from engagement.store import tables as t
from engagement.store.sql import Row, among, for_update, insert, insert_new, once, upsert
from engagement.strategy.life import RELEASED
from engagement.strategy.purse import Resource


class Reservation(NamedTuple):
    """An amount held for a decision of one resource in one period, in minor units or minutes."""

    decision_id: str
    resource: Resource
    amount: int
    expires_at: int


@once
def _locked_counters(conn: Connection) -> Select[Any]:
    c = t.counters.c
    query = (
        select(c.resource_id, c.period, c.taken)
        .where(
            c.program_id == bindparam("program"),
            among(conn, c.resource_id, bindparam("resources")),
            among(conn, c.period, bindparam("periods")),
            among(conn, c.resource_id + " " + c.period, bindparam("pairs")),
        )
        .order_by(c.resource_id, c.period)
    )
    return for_update(query)


def lock_counters(conn: Connection, program_id: str, wanted: Sequence[Resource]) -> dict[Resource, int]:
    """Locks (resource, period) in order and says what is taken of each.

    The rows are made first where they are missing, so that two replicas never both find none.
    """
    if not wanted:
        return {}
    given = {
        "program": program_id,
        "resources": sorted({resource for resource, _ in wanted}),
        "periods": sorted({period for _, period in wanted}),
        "pairs": [" ".join(pair) for pair in wanted],
    }
    locked = conn.execute(_locked_counters(conn), given).all()
    found = {Resource(resource, period): taken for resource, period, taken in locked}
    missing = [pair for pair in sorted(wanted) if pair not in found]
    if missing:
        rows = [
            {"program_id": program_id, "resource_id": resource, "period": period, "taken": 0}
            for resource, period in missing
        ]
        if len(insert_new(conn, t.counters, rows)) < len(rows):  # somebody else was here first
            return lock_counters(conn, program_id, wanted)
        found |= dict.fromkeys(missing, 0)
    return found


def taken(conn: Connection, program_id: str, resource: Resource) -> int:
    """What is taken of one resource in its period, without a lock."""
    c = t.counters.c
    query = select(c.taken).where(
        c.program_id == program_id, c.resource_id == resource.id, c.period == resource.period
    )
    return conn.execute(query).scalar() or 0


def write_counters(conn: Connection, program_id: str, taken: dict[Resource, int]) -> None:
    """Stores what is taken, under locks already held."""
    rows = [
        {"program_id": program_id, "resource_id": resource, "period": period, "taken": amount}
        for (resource, period), amount in sorted(taken.items())
    ]
    upsert(conn, t.counters, rows)


def insert_reservations(conn: Connection, program_id: str, rows: Sequence[Reservation]) -> None:
    """Stores what new decisions hold."""
    values: list[Row] = [
        {
            "program_id": program_id,
            "decision_id": row.decision_id,
            "resource_id": row.resource.id,
            "period": row.resource.period,
            "amount": row.amount,
            "expires_at": row.expires_at,
        }
        for row in rows
    ]
    insert(conn, t.reservations, values)


def reservations_of(conn: Connection, program_id: str, decisions: Sequence[str]) -> list[Reservation]:
    """What decisions held when they were made."""
    r = t.reservations.c
    query = select(r.decision_id, r.resource_id, r.period, r.amount, r.expires_at).where(
        r.program_id == program_id, among(conn, r.decision_id, decisions)
    )
    return [
        Reservation(decision, Resource(resource, period), *rest)
        for decision, resource, period, *rest in conn.execute(query)
    ]


def _with_last_answer() -> FromClause:
    """Reservations, each beside the last answer to its decision, if there is one."""
    r, a, inner = t.reservations.c, t.answers.c, t.answers.alias("inner_answers")
    last = (
        select(func.max(inner.c.sequence))
        .where(inner.c.program_id == r.program_id, inner.c.decision_id == r.decision_id)
        .correlate(t.reservations)
        .scalar_subquery()
    )
    return t.reservations.outerjoin(
        t.answers, and_(a.program_id == r.program_id, a.decision_id == r.decision_id, a.sequence == last)
    )


class Held(NamedTuple):
    """What decisions hold of a resource that somebody may still decide about, and what they have spent."""

    reserved: int = 0
    spent: int = 0

    @property
    def taken(self) -> int:
        """What counts against the limit."""
        return self.reserved + self.spent


def held_of(conn: Connection, program_id: str, resources: Sequence[str]) -> dict[Resource, Held]:
    """What the ledger says is held of these resources, in every period in which anything ever was."""
    r, status = t.reservations.c, t.answers.c.status
    query = (
        select(r.resource_id, r.period, status, func.sum(r.amount))
        .select_from(_with_last_answer())
        .where(r.program_id == program_id, among(conn, r.resource_id, resources))
        .group_by(r.resource_id, r.period, status)
    )
    return _by_resource(conn.execute(query))


def held_in(conn: Connection, program_id: str, period: str) -> dict[Resource, Held]:
    """The same of every resource in one period."""
    r, status = t.reservations.c, t.answers.c.status
    query = (
        select(r.resource_id, r.period, status, func.sum(r.amount))
        .select_from(_with_last_answer())
        .where(r.program_id == program_id, r.period == period)
        .group_by(r.resource_id, r.period, status)
    )
    return _by_resource(conn.execute(query))


def _by_resource(rows: Iterable[Any]) -> dict[Resource, Held]:
    out: dict[Resource, Held] = {}
    for name, period, status, amount in rows:
        key, sum_minor = Resource(name, period), int(amount)
        before = out.get(key, Held())
        if status == "done":
            out[key] = before._replace(spent=before.spent + sum_minor)
        elif status not in RELEASED:
            out[key] = before._replace(reserved=before.reserved + sum_minor)
        else:
            out.setdefault(key, before)
    return out


def taken_by_ledger(conn: Connection, program_id: str) -> dict[Resource, int]:
    """What the ledger says is reserved or spent: the sum that the counters cache."""
    r = t.reservations.c
    query = (
        select(r.resource_id, r.period, r.amount, t.answers.c.status)
        .select_from(_with_last_answer())
        .where(r.program_id == program_id)
    )
    out: dict[Resource, int] = {}
    for resource, period, amount, status in conn.execute(query):
        held = 0 if status in RELEASED else amount
        key = Resource(resource, period)
        out[key] = out.get(key, 0) + held
    return out


def expired_holders(conn: Connection, program_id: str, now_ms: int, since_ms: int) -> list[str]:
    """Up to 1,000 decisions that still hold something although they expired and nobody answered."""
    r = t.reservations.c
    query = (
        select(r.decision_id)
        .distinct()
        .select_from(_with_last_answer())
        .where(
            r.program_id == program_id,
            r.expires_at <= now_ms,
            r.expires_at > since_ms,
            func.coalesce(t.answers.c.status, "accepted") == "accepted",
        )
        .order_by(r.decision_id)
        .limit(1000)
    )
    return list(conn.execute(query).scalars())
