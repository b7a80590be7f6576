"""What was decided for a member or a group, and where a member sat: told from what is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.errors import Forbidden, Mistake, NotFound
from engagement.signals.signal import Audience, may_see
from engagement.store import histories, setup
from engagement.store.histories import Decided
from engagement.store.kept import Kept
from engagement.strategy.life import Status
from engagement.workflows.seat import Seating
from engagement.workflows.sight import sight_of
from engagement.workflows.tell import NOTHING, moment

SEATS_FOR: Audience = "health_worker"
"""Who may read where a member has been."""


class HistoryWanted(NamedTuple):
    """Whose decisions. after : the decision to go on behind, "" for the newest"""

    kind: Literal["member", "group"]
    name: str
    after: str
    limit: int


class SeatsWanted(NamedTuple):
    """A member, for a reader."""

    member: str
    audience: Audience


class Past(msgspec.Struct, frozen=True):
    """A decision in short: for whom, what, and how it stands. `member` is null for a group's own."""

    decision_id: str
    strategy: str
    member: str | None
    group: str
    decision_point: str
    action: str
    title: str
    status: Status
    decided_at: datetime
    expires_at: datetime


class History(msgspec.Struct, frozen=True):
    """Decisions, the newest first. next : go on behind it; null when these are the oldest."""

    items: tuple[Past, ...]
    next: str | None


def histories_of(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[HistoryWanted], _now_ms: int
) -> list[History | Mistake]:
    """The decisions each asks for."""
    return [_history(conn, kept, program_id, one) for one in wanted]


def _history(conn: Connection, kept: Kept, program_id: str, wanted: HistoryWanted) -> History | Mistake:
    if not setup.newest(conn, program_id, wanted.kind, [wanted.name]):
        return NotFound(f"there is no {wanted.kind} `{wanted.name}` in this program")
    found = histories.decided(conn, program_id, wanted.kind, wanted.name, wanted.after, wanted.limit + 1)
    shown = found[: wanted.limit]
    following = shown[-1].decision_id if len(found) > wanted.limit else None
    return History(tuple(_past(conn, kept, program_id, row) for row in shown), following)


def _past(conn: Connection, kept: Kept, program_id: str, row: Decided) -> Past:
    title = NOTHING.title
    if row.action_id != NONE:
        title = setup.catalogue(conn, kept, program_id, row.catalogue).actions[row.action_id].title
    return Past(
        decision_id=row.decision_id,
        strategy=row.strategy_id,
        member=row.unit_id if row.unit_kind == "member" else None,
        group=row.group_id,
        decision_point=row.decision_point,
        action=row.action_id,
        title=title,
        status=row.status,
        decided_at=moment(row.decided_at),
        expires_at=moment(row.expires_at),
    )


def seats_of(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[SeatsWanted], _now_ms: int
) -> list[list[Seating] | Mistake]:
    """Where each member sat and sits, in order of day."""
    members = sorted({one.member for one in wanted})
    known = setup.newest(conn, program_id, "member", members)
    seats = setup.memberships_of(conn, program_id, members)

    def of(one: SeatsWanted) -> list[Seating] | Mistake:
        if one.member not in known:
            return NotFound(f"there is no member `{one.member}` in this program")
        if not may_see(sight_of(conn, program_id, one.audience, [one.member]).of(one.member), SEATS_FOR):
            return Forbidden(
                "where a member has been is for staff, and for health workers where the member agreed to "
                "share it with them; ask for the group's members"
            )
        return [
            Seating(row.member, row.group, row.seat, row.role, row.starts_on, changed=False)
            for row in seats[one.member]
        ]

    return [of(one) for one in wanted]
