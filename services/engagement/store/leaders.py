"""Who leads groups, and what became of what they were asked to carry out."""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Date,
    LargeBinary,
    Select,
    String,
    and_,
    bindparam,
    cast,
    func,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect

from engagement.store import tables as t
from engagement.store.sql import among, once
from engagement.strategy.life import Status
from engagement.strategy.setup import LEADING


class Leader(NamedTuple):
    """Somebody who leads a group on a day, with their own tally."""

    group: str
    member: str
    role: str
    seat: int
    since: date
    tally: bytes


class Reply(NamedTuple):
    """A step in the life of a decision. unit_kind, unit_id : whom the decision was made for"""

    group: str
    unit_id: str
    status: Status
    occurred_at: int
    strategy_id: str
    unit_kind: str
    decision_id: str


def _leaders() -> Select[Any]:
    m, inner, tally = t.memberships.c, t.memberships.alias("inner_memberships").c, t.tallies.c
    last = (
        select(inner.starts_on, inner.revision)
        .where(
            inner.program_id == m.program_id,
            inner.member_id == m.member_id,
            inner.starts_on <= bindparam("day"),
        )
        .order_by(inner.starts_on.desc(), inner.revision.desc())
        .limit(1)
        .correlate(t.memberships)
        .scalar_subquery()
    )
    joined = t.memberships.join(
        t.tallies,
        and_(tally.program_id == m.program_id, tally.unit_kind == "member", tally.unit_id == m.member_id),
    )
    return (
        select(
            m.group_id.label("group_id"),
            m.member_id.label("unit_id"),
            m.role.label("word"),
            m.seat.label("number"),
            m.starts_on.label("day"),
            tally.tally.label("tally"),
        )
        .select_from(joined)
        .where(
            m.program_id == bindparam("program"),
            m.role.in_(LEADING),
            tuple_(m.starts_on, m.revision) == last,
        )
    )


def _answered() -> Select[Any]:
    """Decisions with each of their answers, or with none.

    An outer join even where decisions without an answer are of no use: an inner one leaves SQLite free to
    begin with the answers, and without statistics it then reads those of a whole program for one group.
    """
    d, a = t.decisions.c, t.answers.c
    joined = t.decisions.outerjoin(
        t.answers, and_(a.program_id == d.program_id, a.decision_id == d.decision_id)
    )
    return (
        select()
        .select_from(joined)
        .where(d.program_id == bindparam("program"), d.decided_at > bindparam("since"))
    )


def _carried_out(conn: Connection, answered: Select[Any]) -> Select[Any]:
    """Of these groups' decisions those for these actions."""
    groups: BindParameter[str] = bindparam("groups")
    actions: BindParameter[str] = bindparam("actions")
    d = t.decisions.c
    return answered.where(among(conn, d.group_id, groups), among(conn, d.action_id, actions))


@once
def _leaders_and_refusals(conn: Connection) -> CompoundSelect[Any]:
    """Leaders; and a row without a role for each group in which something was declined, with how often."""
    groups: BindParameter[str] = bindparam("groups")
    d, nothing = t.decisions.c, cast(null(), String)
    declined = func.coalesce(t.answers.c.status, "") == "declined"  # nothing that makes the join an inner one
    counted = (d.group_id, nothing, nothing, func.count(), cast(null(), Date), cast(null(), LargeBinary))
    return union_all(
        _leaders().where(among(conn, t.memberships.c.group_id, groups)),
        _carried_out(conn, _answered()).add_columns(*counted).where(declined).group_by(d.group_id),
    )


def leaders_and_refusals(
    conn: Connection,
    program_id: str,
    groups: Sequence[str],
    actions: Sequence[str],
    day: date,
    since_ms: int,
) -> tuple[list[Leader], Mapping[str, int]]:
    """Who leads each of these groups on a day, and how often one of these actions was declined there.

    since_ms : only decisions made after it
    """
    given = {"program": program_id, "groups": groups, "actions": actions, "day": day, "since": since_ms}
    rows = conn.execute(_leaders_and_refusals(conn), given).all()
    leaders = [Leader._make([*row[:5], bytes(row[5])]) for row in rows if row[2] is not None]
    return leaders, {row[0]: row[3] for row in rows if row[2] is None}


@once
def _replies(conn: Connection) -> Select[Any]:
    """Without an order, for whose sake SQLite would walk through a whole program in it."""
    d, a = t.decisions.c, t.answers.c
    wanted = (d.group_id, d.unit_id, a.status, a.occurred_at, d.strategy_id, d.unit_kind, d.decision_id)
    return _carried_out(conn, _answered()).add_columns(a.sequence, *wanted)


def replies(
    conn: Connection, program_id: str, groups: Sequence[str], actions: Sequence[str], since_ms: int
) -> list[Reply]:
    """The last answer to each decision for these actions in these groups.

    since_ms : only decisions made after it
    """
    given = {"program": program_id, "groups": groups, "actions": actions, "since": since_ms}
    told = [row for row in conn.execute(_replies(conn), given).all() if row.sequence is not None]
    return list({row.decision_id: Reply(*row[1:]) for row in sorted(told, key=itemgetter(0))}.values())
