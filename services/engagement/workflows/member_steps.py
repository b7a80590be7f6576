"""How the members of a program's groups stood, step by step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.signals.attending import Attended, member_state
from engagement.signals.expected import Meeting
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.states import Mood
from engagement.store import setup, units
from engagement.store.decisions import Planned
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.planning import UnitState
from engagement.strategy.setup import Catalogue, Member
from engagement.strategy.standing import meetings_on, standing_on
from engagement.workflows.group_steps import OVER
from engagement.workflows.safety import safety_of
from engagement.workflows.states import heard_of
from engagement.workflows.steps import PART, Known, Now, days_of, stepped
from engagement.workflows.tallies import standing


def homes_of(conn: Connection, program_id: str, groups: Sequence[str], day: date) -> dict[str, str]:
    """Who sits in these groups on a day: member → group."""
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, groups)}
    wanted = set(groups)
    seated = setup.memberships_on(conn, program_id, sorted(ever), day).values()
    return {row.member: row.group for row in seated if row.group in wanted}


def members_now(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Sequence[str],
    planned: Mapping[str, Sequence[Planned]],
    today: date,
    day: date,
) -> dict[str, Now]:
    """Everybody who ever sat in these groups, in as many statements for each `PART` of groups.

    planned : each member's decisions of the plans of the last year, the oldest first
    day : whose seats hold; whoever sits nowhere then waits for nothing, and is only learned from
    """
    out: dict[str, Now] = {}
    for start in range(0, len(groups), PART):
        out |= _part(conn, program_id, catalogue, groups[start : start + PART], planned, today, day)
    return out


def _part(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Sequence[str],
    planned: Mapping[str, Sequence[Planned]],
    today: date,
    day: date,
) -> dict[str, Now]:
    zone = catalogue.program.time_zone
    names = sorted({row.member for row in setup.memberships_of_groups(conn, program_id, groups)})
    people = units.members(conn, program_id, names, day)
    seats = setup.memberships_of(conn, program_id, names)
    left = setup.left_on(conn, program_id, names)
    tallies = units.read_tallies(conn, program_id, "member", names)
    safety = safety_of(
        conn, program_id, catalogue.program, {name: tally.decoded(row) for name, row in tallies.items()}
    )
    attended: dict[str, list[Attended]] = defaultdict(list)
    for row in standing(conn, program_id, names, []):
        if row.kind == ATTENDANCE.kind and row.unit_kind == "member":
            attended[row.unit_id].append(Attended(local_date(row.occurred_at, zone), bool(row.value)))
    passed = sorted({seat.group for some in seats.values() for seat in some if seat.group is not None})
    rows, wanted = units.groups(conn, program_id, passed), set(groups)
    heard = heard_of(conn, program_id, sorted(rows), zone)

    @cache
    def meetings(group: str, until: date) -> tuple[Meeting, ...]:
        return meetings_on(heard[group], until)

    def state(name: str, on: date) -> UnitState | None:
        seat = _seat(seats[name], on)
        if seat is None:
            return None
        if seat.group is None:
            return "gone" if (name, seat.starts_on) in left else None
        said = (row for row in attended[name] if row.day <= on)
        return member_state(said, meetings(seat.group, on))

    over = {name for name in rows if standing_on(heard[name], today, Mood(None, "unknown")).state in OVER}
    out: dict[str, Now] = {}
    for name, person in people.items():
        before = (seat.group for seat in reversed(seats[name]) if seat.group is not None)
        group = person.group or next(before, None)
        if group not in wanted:
            continue  # they are of another part
        member, decided = person.member, planned.get(name, ())
        days = days_of(decided, today, zone)
        own = member.consent.my_signals
        states = {one: state(name, one) if own else None for one in days}
        home = rows[group].group
        unit = Known("member", home, member, catalogue.sites[home.site], _barrier(member), decided)
        safe = safety[name]
        out[name] = stepped(unit, states, today, zone)._replace(
            waits=person.group is not None
            and group not in over
            and member.consent.messages
            and safe.referral is None,
            family_unsafe=safe.family_unsafe,
        )
    return out


def _seat(seats: Sequence[Seated], on: date) -> Seated | None:
    """Where a member sat on a day; None before they joined."""
    return next((seat for seat in reversed(seats) if seat.starts_on <= on), None)


def _barrier(member: Member) -> str:
    """What keeps the member away, of several the first by name; "" if own signals may not choose."""
    has = sorted(name for name, yes in member.barriers.known() if yes)
    return has[0] if has and member.consent.my_signals else ""
