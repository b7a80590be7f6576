"""Whom a plan may still send somebody to, and of whom it may tell a health worker: as people agree today."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.store import setup, units
from engagement.store.plans import Plan
from engagement.strategy.setup import Group, Member, Program
from engagement.workflows.safety import safety_of


def shared_with_health_workers(conn: Connection, program_id: str, plan: Plan) -> frozenset[str]:
    """The units of a plan of which health workers may know: all groups, and the members who agree to it."""
    evidence = plan.evidence
    names = [row.unit for row in evidence.placed] + [row.unit for row in evidence.barred]
    if evidence.level == "group":
        return frozenset(names)
    found = setup.newest(conn, program_id, "member", names).items()
    return frozenset(
        name for name, row in found if isinstance(row.thing, Member) and row.thing.consent.health_worker
    )


def languages_of(
    conn: Connection, program_id: str, program: Program, plan: Plan, day: date
) -> Mapping[str, str]:
    """The language of each unit in line to whom somebody may still go.

    A member is left out who does not agree to it any more or to being turned to at all, who sits in no
    group on the day, or of whom a safety case is open.
    """
    homes = {row.unit: row.group or row.unit for row in plan.evidence.placed}
    groups = setup.newest(conn, program_id, "group", sorted(set(homes.values())))
    spoken = {
        name: (isinstance(row.thing, Group) and row.thing.language) or program.language
        for name, row in groups.items()
    }
    if plan.evidence.level == "group":
        return spoken
    tallies = units.read_tallies(conn, program_id, "member", list(homes))
    safety = safety_of(conn, program_id, program, {name: tally.decoded(row) for name, row in tallies.items()})
    return {
        name: row.member.language or spoken[homes[name]]
        for name, row in units.members(conn, program_id, list(homes), day).items()
        if row.group is not None
        and row.member.consent.messages
        and row.member.consent.health_worker
        and safety[name].referral is None
    }
