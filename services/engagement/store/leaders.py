"""Who leads groups, and what became of what they were asked to carry out: both in one statement."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Date,
    LargeBinary,
    Select,
    String,
    Uuid,
    and_,
    bindparam,
    cast,
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
            cast(null(), BigInteger).label("moment"),
            cast(null(), String).label("strategy_id"),
            cast(null(), String).label("unit_kind"),
            cast(null(), Uuid(as_uuid=False)).label("decision_id"),
        )
        .select_from(joined)
        .where(
            m.program_id == bindparam("program"),
            m.role.in_(LEADING),
            tuple_(m.starts_on, m.revision) == last,
        )
    )


def _replies() -> Select[Any]:
    d, a = t.decisions.c, t.answers.c
    joined = t.decisions.join(t.answers, and_(a.program_id == d.program_id, a.decision_id == d.decision_id))
    return (
        select(
            d.group_id,
            d.unit_id,
            a.status,
            a.sequence,
            cast(null(), Date),
            cast(null(), LargeBinary),
            a.occurred_at,
            d.strategy_id,
            d.unit_kind,
            d.decision_id,
        )
        .select_from(joined)
        .where(d.program_id == bindparam("program"), d.decided_at > bindparam("since"))
    )


@once
def _both(conn: Connection) -> CompoundSelect[Any]:
    """What stands in `word` and `number`: a leader's role and seat; of an answer its status and place."""
    groups: BindParameter[str] = bindparam("groups")
    actions: BindParameter[str] = bindparam("actions")
    return union_all(
        _leaders().where(among(conn, t.memberships.c.group_id, groups)),
        _replies().where(
            among(conn, t.decisions.c.group_id, groups), among(conn, t.decisions.c.action_id, actions)
        ),
    )


def leaders_and_replies(
    conn: Connection,
    program_id: str,
    groups: Sequence[str],
    actions: Sequence[str],
    day: date,
    since_ms: int,
) -> tuple[list[Leader], list[Reply]]:
    """Who leads each of these groups on a day, and the last answer to each decision for these actions there.

    since_ms : only decisions made after it
    """
    given = {"program": program_id, "groups": groups, "actions": actions, "day": day, "since": since_ms}
    leaders: list[Leader] = []
    replies: dict[str, tuple[int, Reply]] = {}
    for group, unit, word, number, since, tally, moment, strategy, kind, decision in conn.execute(
        _both(conn), given
    ).all():
        if decision is None:
            leaders.append(Leader(group, unit, word, number, since, bytes(tally)))
        elif decision not in replies or replies[decision][0] < number:
            replies[decision] = number, Reply(group, unit, word, moment, strategy, kind, decision)
    return leaders, [reply for _, reply in replies.values()]
