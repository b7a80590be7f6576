"""Work lists: what was suggested, is still open, and waits for somebody to do it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Carrier, Level
from engagement.actions.availability import agreed_to
from engagement.errors import Mistake
from engagement.signals import tally
from engagement.signals.signal import Audience
from engagement.store import decisions, setup, units
from engagement.store.decisions import Decision
from engagement.store.identifiers import first_uuid7
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status
from engagement.strategy.setup import Catalogue, Member
from engagement.workflows.ingest import milliseconds
from engagement.workflows.safety import SAFE, safety_of
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.tell import Offer, moment, seen_by, told

OPEN_MS = 32 * 86_400_000
"""A decision is open until its day, week or month ends, so none that is open is older."""

Wish = Literal["open", "proposed", "accepted"]


class WorkWanted(NamedTuple):
    """Which open decisions. `open` is both others; after : the decision to go on behind, "" for the first."""

    status: Wish
    carrier: Carrier | None
    group: str | None
    due_before: datetime | None
    after: str
    limit: int
    audience: Audience


class WorkItem(msgspec.Struct, frozen=True):
    """One thing to do, for whom, and until when. seat : the member's today, null for a group.

    deliver_from : not to be carried out before, for quiet hours
    due_at : when the suggestion runs out; what is done later still counts when it is told
    """

    decision_id: str
    strategy: str
    level: Level
    member: str | None
    seat: int | None
    group: str
    action: Offer
    status: Status
    decided_at: datetime
    due_at: datetime
    deliver_from: datetime | None


class WorkList(msgspec.Struct, frozen=True):
    """What waits to be done, the oldest suggestion first. next : go on behind it; null when this is all.

    A page may hold fewer than were asked for: what may not be done any more is left out.
    """

    items: tuple[WorkItem, ...]
    next: str | None


def work_lists(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[WorkWanted], now_ms: int
) -> list[WorkList | Mistake]:
    """The list for each wish."""
    return [_list(conn, kept, program_id, one, now_ms) for one in wanted]


def _list(conn: Connection, kept: Kept, program_id: str, wanted: WorkWanted, now_ms: int) -> WorkList:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    doing = [
        name for name, action in sorted(catalogue.actions.items()) if wanted.carrier in (None, action.carrier)
    ]
    found = decisions.standing(
        conn,
        program_id,
        actions=doing,
        statuses=("proposed", "accepted") if wanted.status == "open" else (wanted.status,),
        groups=None if wanted.group is None else (wanted.group,),
        after=wanted.after or first_uuid7(now_ms - OPEN_MS),
        open_at_ms=now_ms,
        due_ms=None if wanted.due_before is None else milliseconds(wanted.due_before),
        limit=wanted.limit + 1,
    )
    following = found[wanted.limit - 1][0].decision_id if len(found) > wanted.limit else None
    shown = still_wanted(conn, program_id, catalogue, found[: wanted.limit], now_ms)
    seats = seats_of(conn, program_id, shown, local_date(now_ms, catalogue.program.time_zone))
    sight = sight_of(conn, program_id, wanted.audience, (decision.member for decision, _ in shown))
    items = tuple(_item(conn, kept, program_id, decision, status, seats, sight) for decision, status in shown)
    return WorkList(items, following)


def still_wanted(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    found: Sequence[tuple[Decision, Status]],
    now_ms: int,
) -> list[tuple[Decision, Status]]:
    """Without what nobody may be asked to do any more, though it was suggested before.

    A safety case was opened, messages were declined or what the action needs, or the program has stopped
    everything.
    """
    if catalogue.program.stopped:
        return []
    today = local_date(now_ms, catalogue.program.time_zone)
    names = sorted({decision.unit_id for decision, _ in found if decision.unit_kind == "member"})
    stored = units.read_tallies(conn, program_id, "member", names)
    known = {name: tally.decoded(row) for name, row in stored.items()}
    safety = safety_of(conn, program_id, catalogue.program, known)
    people = units.members(conn, program_id, names, today)
    closed = {
        name
        for name in names
        if name not in people
        or not people[name].member.consent.messages
        or safety.get(name, SAFE).referral is not None
    }
    return [
        row
        for row in found
        if row[0].unit_kind != "member"
        or (row[0].unit_id not in closed and still_agreed(row[0], people[row[0].unit_id].member, catalogue))
    ]


def still_agreed(decision: Decision, member: Member, catalogue: Catalogue) -> bool:
    """Whether a member agrees to what was once decided for them, as they agree today."""
    action = catalogue.actions.get(decision.action_id)
    consent = member.consent
    return action is None or agreed_to(action, health_worker=consent.health_worker, family=consent.family)


def seats_of(
    conn: Connection, program_id: str, shown: Sequence[tuple[Decision, Status]], today: date
) -> dict[str, int | None]:
    """Where the members of these decisions sit today."""
    members = sorted({decision.unit_id for decision, _ in shown if decision.unit_kind == "member"})
    return {name: row.seat for name, row in setup.memberships_on(conn, program_id, members, today).items()}


def _item(
    conn: Connection,
    kept: Kept,
    program_id: str,
    decision: Decision,
    status: Status,
    seats: dict[str, int | None],
    sight: Sight,
) -> WorkItem:
    stood = setup.catalogue(conn, kept, program_id, decision.catalogue)
    answer = seen_by(sight, told(decision, stood, simulated=False))
    return WorkItem(
        decision_id=decision.decision_id,
        strategy=decision.strategy_id,
        level=stood.strategies[decision.strategy_id].level,
        member=answer.member,
        seat=None if answer.member is None else seats.get(answer.member),
        group=decision.group_id,
        action=answer.action,
        status=status,
        decided_at=moment(decision.decided_at),
        due_at=moment(decision.expires_at),
        deliver_from=answer.deliver_from,
    )
