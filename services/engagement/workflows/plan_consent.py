"""Whom a plan may still send somebody to: as people agree today."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.store import setup, units
from engagement.store.plans import Plan
from engagement.strategy.setup import Group, Program
from engagement.workflows.safety import safety_of


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
