"""A member who was enrolled twice is one person again: one id is kept, and counts for both.

Reports stay stored under the id they named. From the merge on they are read under the id kept, whose
tally is made anew from all of them. What was decided, earned and learned under the other id stays.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, EngagementError, Invalid, Mistake, NotFound
from engagement.store import merges, setup, units
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Consent, Member, Membership
from engagement.workflows.revise import revise
from engagement.workflows.seat import seat
from engagement.workflows.tallies import retally

LAST_SEAT = 9_999


class MemberMerge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From a day on, the member is kept under another id. on : today when absent, never in the future"""

    into: Id
    on: date | None = None


class MemberMerged(msgspec.Struct, frozen=True):
    """Under which id the member is kept, where they sit that day, and whether this was new."""

    member: str
    into: str
    on: date
    group: str | None
    seat: int | None
    changed: bool


class Merging(NamedTuple):
    """What is asked for, of which member."""

    member: str
    how: MemberMerge


def merge_members(
    conn: Connection, kept: Kept, program_id: str, asked: Sequence[Merging], now_ms: int
) -> list[MemberMerged | Mistake]:
    """Merges members; each gets what is so now or its own error. What is so already changes nothing."""
    return [_merge(conn, kept, program_id, one, now_ms) for one in asked]


def _merge(
    conn: Connection, kept: Kept, program_id: str, asked: Merging, now_ms: int
) -> MemberMerged | Mistake:
    member, into = asked.member, asked.how.into
    both = sorted({member, into})
    held = units.lock_tallies(conn, program_id, "member", both)
    persons = merges.merged(conn, program_id, both)
    past = setup.memberships_of(conn, program_id, both)
    today = _today(conn, kept, program_id, now_ms)
    on = asked.how.on or today
    before = persons.get(member)
    if before is not None and before.into == into and asked.how.on in (None, before.starts_on):
        return _told(member, before, past[into], changed=False)
    flaw = _flaw(member, Merged(into, on), held, persons, past[member], today)
    if flaw is not None:
        return flaw
    wanted = _seats(conn, program_id, member, into, past, on)
    if not isinstance(wanted, list):
        return wanted
    for result in seat(conn, kept, program_id, wanted, now_ms):
        _raise(result)
    for refused in revise(conn, kept, program_id, _agreed(conn, program_id, member, into), now_ms):
        _raise(refused)
    merges.add_merge(conn, program_id, member, Merged(into, on), now_ms)
    retally(conn, program_id, both, [])
    seats = setup.memberships_of(conn, program_id, [into])[into]
    return _told(member, Merged(into, on), seats, changed=True)


def _today(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> date:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    return local_date(now_ms, catalogue.program.time_zone)


def _flaw(
    member: str,
    merge: Merged,
    held: Mapping[str, bytes],
    persons: Mapping[str, Merged],
    past: Sequence[Seated],
    today: date,
) -> Mistake | None:
    """Why a member cannot be merged like this. past : the memberships of the member to be merged"""
    into, on = merge
    missing = next((name for name in (member, into) if name not in held), None)
    if missing is not None:
        return NotFound(f"there is no member `{missing}` in this program")
    if member == into:
        return Invalid("a member cannot be merged into themselves")
    conflict = _conflict(member, into, persons)
    if conflict is not None:
        return conflict
    if on > today:
        return Invalid("a member is merged at once, so `on` may not lie in the future")
    if past and past[-1].starts_on > on:
        return Invalid(
            f"`{member}` has a membership from {past[-1].starts_on} on; `on` may not lie before that day"
        )
    return None


def _conflict(member: str, into: str, persons: Mapping[str, Merged]) -> Conflict | None:
    """What is merged already and stands in the way: there is one id kept, and no chain or ring of them."""
    if member in persons:
        before = persons[member]
        return Conflict(f"`{member}` was merged into `{before.into}` on {before.starts_on} already")
    if into in persons:
        return Conflict(f"`{into}` was merged into `{persons[into].into}`; name that one in `into`")
    if any(other.into == member for other in persons.values()):
        return Conflict(
            f"others were merged into `{member}`, so that is the id to keep; merge `{into}` into it instead"
        )
    return None


def _seats(
    conn: Connection,
    program_id: str,
    member: str,
    into: str,
    past: Mapping[str, Sequence[Seated]],
    on: date,
) -> list[Membership] | Mistake:
    """The memberships that begin that day: the one merged sits in no group, the one kept in one."""
    old, own = _on(past[member], on), _on(past[into], on)
    if old is None or old.group is None:
        return []
    left = Membership(member=member, starts_on=on, reason="merged")
    if own is not None and own.group is not None:
        return [left]
    units.lock_tallies(conn, program_id, "group", [old.group])  # so that nobody else takes the next seat
    ever = setup.memberships_of_groups(conn, program_id, [old.group])
    had = [row.seat for row in ever if row.member == into and row.seat is not None]
    number = had[-1] if had else max(row.seat or 0 for row in ever) + 1
    if number > LAST_SEAT:
        return Invalid(f"there are no seats left in `{old.group}`: they go up to {LAST_SEAT}")
    taken = Membership(
        member=into,
        starts_on=on,
        group=old.group,
        seat=number,
        role=old.role,  # type: ignore[arg-type]  # stored as one of the three
        reason="merged",
    )
    return [left, taken]


def _on(past: Sequence[Seated], day: date) -> Seated | None:
    """The membership of a day. past : one member's, in order"""
    return next((row for row in reversed(past) if row.starts_on <= day), None)


def _agreed(conn: Connection, program_id: str, member: str, into: str) -> list[Member]:
    """The member kept, with what both agreed to where silence is a yes: a no said under either id stands.

    Where silence is a no, only what was agreed under the id kept holds.
    """
    found = setup.newest(conn, program_id, "member", [member, into])
    old, own = found[member].thing, found[into].thing
    if not isinstance(old, Member) or not isinstance(own, Member):
        return []
    silence = Consent()
    refused = {
        name: False
        for name in Consent.__struct_fields__
        if getattr(silence, name) and not getattr(old.consent, name)
    }
    return [msgspec.structs.replace(own, consent=msgspec.structs.replace(own.consent, **refused))]


def _told(member: str, merge: Merged, seats: Sequence[Seated], *, changed: bool) -> MemberMerged:
    sits = _on(seats, merge.starts_on)
    group, number = (None, None) if sits is None else (sits.group, sits.seat)
    return MemberMerged(member, merge.into, merge.starts_on, group, number, changed)


def _raise(result: object) -> None:
    """What cannot be stored after all that was checked undoes the whole batch."""
    if isinstance(result, EngagementError):
        raise result
