"""Groups are merged and split: many members change their seats in one call.

Seats are never reused: whoever arrives gets the seat the caller names, the seat they had there before,
or the next number that nobody ever had. Decisions and reports keep the group of their day.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Conflict, EngagementError, Invalid, Mistake, NotFound
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Group, Membership
from engagement.workflows.revise import revise
from engagement.workflows.seat import Seating, seat

MOST_MOVED = 1_000

T = TypeVar("T")


class Mover(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A member who moves. seat : in the new group; the next free number when absent"""

    member: Id
    seat: Annotated[int, msgspec.Meta(ge=1, le=9999)] | None = None


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everybody who sits in a group on a day moves into another, and the group has ended.

    seats : for those whose new seat the caller wants to choose
    """

    into: Id
    on: date
    seats: Annotated[tuple[Mover, ...], msgspec.Meta(max_length=MOST_MOVED)] = ()


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some of those who sit in a group on a day move into another."""

    into: Id
    on: date
    members: Annotated[tuple[Mover, ...], msgspec.Meta(min_length=1, max_length=MOST_MOVED)]


class Regrouping(NamedTuple):
    """What is asked for, of which group."""

    group: str
    how: Merge | Split


def regroup(
    conn: Connection, kept: Kept, program_id: str, asked: Sequence[Regrouping], now_ms: int
) -> list[list[Seating] | Mistake]:
    """Moves members; each request gets their new seats or its own error. Once moved, nobody moves again."""
    return [_regroup(conn, kept, program_id, one, now_ms) for one in asked]


def _regroup(
    conn: Connection, kept: Kept, program_id: str, asked: Regrouping, now_ms: int
) -> list[Seating] | Mistake:
    group, how = asked
    found = setup.newest(conn, program_id, "group", [group, how.into])
    sitting = {row.member: row for row in setup.members_of_group(conn, program_id, group, how.on)}
    named = {row.member: row.seat for row in (how.seats if isinstance(how, Merge) else how.members)}
    today = _today(conn, kept, program_id, now_ms)
    flaw = _flaw(asked, found, sitting, named, today)
    if flaw is not None:
        return flaw
    movers = sorted(sitting if isinstance(how, Merge) else named, key=lambda name: sitting[name].seat or 0)
    units.lock_tallies(conn, program_id, "member", sorted(movers))
    units.lock_tallies(conn, program_id, "group", sorted([group, how.into]))
    ever = setup.memberships_of_groups(conn, program_id, [how.into])
    seats = _seats(movers, named, {row.seat or 0: row.member for row in ever})
    if not isinstance(seats, dict):
        return seats
    wanted = [
        Membership(
            member=name,
            starts_on=how.on,
            group=how.into,
            seat=seats[name],
            role=sitting[name].role,  # type: ignore[arg-type]  # stored as one of the three
            reason="merged" if isinstance(how, Merge) else "moved",
        )
        for name in movers
    ]
    moved = [_sound(result) for result in seat(conn, kept, program_id, wanted, now_ms)]
    old = found[group].thing
    if isinstance(how, Merge) and isinstance(old, Group):
        _sound(*revise(conn, kept, program_id, [msgspec.structs.replace(old, ended=True)], now_ms))
    return moved


def _today(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> date:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    return local_date(now_ms, catalogue.program.time_zone)


def _flaw(
    asked: Regrouping,
    found: Mapping[str, setup.Revised],
    sitting: Mapping[str, Seated],
    named: Mapping[str, int | None],
    today: date,
) -> Mistake | None:
    """Why nobody can be moved like this."""
    group, how = asked
    missing = next((name for name in (group, how.into) if name not in found), None)
    if missing is not None:
        return NotFound(f"there is no group `{missing}` in this program")
    if group == how.into:
        return Invalid("a group cannot be merged into itself or split from itself")
    if isinstance(how, Merge) and how.on > today:
        return Invalid("a merged group ends at once, so `on` may not lie in the future")
    strangers = sorted(named.keys() - sitting.keys())
    if strangers:
        return Invalid(f"`{strangers[0]}` does not sit in `{group}` on {how.on}")
    return None


def _seats(
    movers: Sequence[str], named: Mapping[str, int | None], ever: Mapping[int, str]
) -> dict[str, int] | Mistake:
    """A seat for each mover. ever : who has ever had which seat there"""
    own = {name: number for number, name in ever.items()}
    chosen: dict[int, str] = {}
    for name in movers:
        number = named.get(name) or own.get(name)
        if number is None:
            continue
        if ever.get(number, name) != name or chosen.setdefault(number, name) != name:
            return Conflict(f"seat {number} belongs to another member; seats are never reused")
    seats = {name: number for number, name in chosen.items()}
    following = max([0, *ever, *chosen]) + 1
    for name in movers:
        if name not in seats:
            seats[name] = following
            following += 1
    if following > 10_000:
        return Invalid("there are no seats left in that group: they go up to 9999")
    return seats


def _sound(result: T | Mistake) -> T:
    """The result; what cannot be stored after all that was checked undoes the whole batch."""
    if isinstance(result, EngagementError):
        raise result
    return result
