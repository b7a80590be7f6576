"""What was decided for somebody, from the newest back."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from engagement.store import tables as t
from engagement.store.sql import among
from engagement.strategy.life import Status


class Decided(NamedTuple):
    """A decision in short, and how it stands."""

    decision_id: str
    strategy_id: str
    unit_kind: str
    unit_id: str
    group_id: str
    decision_point: str
    action_id: str
    catalogue: int
    decided_at: int
    expires_at: int
    status: Status


class Done(NamedTuple):
    """Something that was carried out. group : where the unit sat when it was decided"""

    group_id: str
    action_id: str
    catalogue: int
    decided_at: int


def done_for(conn: Connection, program_id: str, groups: Sequence[str]) -> list[Done]:
    """What was carried out for these groups and whoever sat in them, the oldest first."""
    d, a = t.decisions.c, t.answers.c
    last = t.answers.alias("last").c
    newest = select(func.max(last.sequence)).where(
        last.program_id == a.program_id, last.decision_id == a.decision_id
    )
    query = (
        select(*(d[field] for field in Done._fields))
        .join(t.answers, (a.program_id == d.program_id) & (a.decision_id == d.decision_id))
        .where(
            d.program_id == program_id,
            among(conn, d.group_id, groups),
            a.status == "done",
            a.sequence == newest.scalar_subquery(),
        )
        .order_by(d.decided_at)
    )
    return [Done(*row) for row in conn.execute(query)]


def decided(conn: Connection, program_id: str, kind: str, name: str, after: str, limit: int) -> list[Decided]:
    """A member's decisions, or all that were made for a group and for who sat in it that day.

    after : the id to go on behind, "" for the newest
    """
    d, a = t.decisions.c, t.answers.c
    newest = (
        select(a.status)
        .where(a.program_id == d.program_id, a.decision_id == d.decision_id)
        .order_by(a.sequence.desc())
        .limit(1)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    whose = d.group_id == name if kind == "group" else (d.unit_kind == kind) & (d.unit_id == name)
    query = (
        select(*(d[field] for field in Decided._fields[:-1]), func.coalesce(newest, "proposed"))
        .where(d.program_id == program_id, whose)
        .order_by(d.decision_id.desc())
        .limit(limit)
    )
    if after:
        query = query.where(d.decision_id < after)
    return [Decided(*row) for row in conn.execute(query)]


class Followed(NamedTuple):
    """A decision and how it stands, with the reason that was given last."""

    strategy_id: str
    unit_kind: str
    unit_id: str
    group_id: str
    action_id: str
    decided_at: int
    closes_at: int
    status: Status
    reason: str | None


def followed(conn: Connection, program_id: str, until_ms: int) -> list[Followed]:
    """Every decision made up to a moment, by strategy and unit in order of time."""
    d, a, last = t.decisions.c, t.answers.alias("newest").c, t.answers.alias("last").c
    newest = (
        select(func.max(last.sequence))
        .where(last.program_id == d.program_id, last.decision_id == d.decision_id)
        .correlate(t.decisions)
        .scalar_subquery()
    )
    of_it = (a.program_id == d.program_id) & (a.decision_id == d.decision_id) & (a.sequence == newest)
    query = (
        select(*(d[field] for field in Followed._fields[:-2]), func.coalesce(a.status, "proposed"), a.reason)
        .select_from(t.decisions.outerjoin(a.status.table, of_it))
        .where(d.program_id == program_id, d.decided_at <= until_ms)
        .order_by(d.strategy_id, d.unit_kind, d.unit_id, d.decided_at)
    )
    return [Followed._make(row) for row in conn.execute(query)]
