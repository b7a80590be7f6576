"""The coarse facts known of the units of many decisions, and the barriers that they named."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from sqlalchemy import Connection

from engagement.signals.picture import Role
from engagement.store import setup
from engagement.store.decisions import Decision
from engagement.store.setup import Seated
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue, Group, Member
from engagement.strategy.stratum import Stratum


class Known(NamedTuple):
    """What is known of a unit. barriers : those it has; None of a group, and of a member nobody asked"""

    stratum: Stratum
    barriers: frozenset[str] | None = None


def known_of(
    conn: Connection, program_id: str, catalogue: Catalogue, decisions: Sequence[Decision]
) -> tuple[Known, ...]:
    """Of each decision's unit. The role is that of the day; all else is as it stands in the set-up now."""
    members = sorted({row.unit_id for row in decisions if row.unit_kind == "member"})
    people = setup.newest(conn, program_id, "member", members)
    groups = setup.newest(conn, program_id, "group", sorted({row.group_id for row in decisions}))
    seats = setup.memberships_of(conn, program_id, members)
    zone = catalogue.program.time_zone
    out = []
    for row in decisions:
        person = people[row.unit_id].thing if row.unit_kind == "member" and row.unit_id in people else None
        group = groups[row.group_id].thing if row.group_id in groups else None
        stratum = _stratum(row, person, group, _role(row, seats, zone), catalogue.program.language)
        out.append(Known(stratum, _barriers(person)))
    return tuple(out)


def strata_of(
    conn: Connection, program_id: str, catalogue: Catalogue, decisions: Sequence[Decision]
) -> tuple[Stratum, ...]:
    """The strata alone."""
    return tuple(one.stratum for one in known_of(conn, program_id, catalogue, decisions))


def _barriers(member: object) -> frozenset[str] | None:
    answers = member.barriers.known() if isinstance(member, Member) else ()
    return frozenset(name for name, has in answers if has) if answers else None


def _stratum(row: Decision, member: object, group: object, role: Role | None, language: str) -> Stratum:
    setting = group.setting if isinstance(group, Group) else None
    of_group = group.language if isinstance(group, Group) else None
    if row.unit_kind == "group" or not isinstance(member, Member):
        return Stratum(setting=setting, role=role, language=of_group or language)
    return Stratum(
        setting=setting,
        role=role,
        phone=member.phone,
        sex=member.sex,
        age_band=member.age_band,
        can_read=member.can_read,
        language=member.language or of_group or language,
    )


def _role(row: Decision, seats: Mapping[str, Sequence[Seated]], zone: str) -> Role | None:
    """What the member was on the decision's day; None of a group, and of whom no seat is known."""
    day = local_date(row.decided_at, zone)
    held = [seat for seat in seats.get(row.unit_id, ()) if seat.starts_on <= day and seat.group is not None]
    return cast("Role", held[-1].role) if row.unit_kind == "member" and held else None
