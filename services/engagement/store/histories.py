"""What was decided for somebody, from the newest back."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from engagement.store import tables as t
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
