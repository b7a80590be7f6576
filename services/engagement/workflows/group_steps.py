"""How the groups of a program stood, step by step."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from engagement.signals.catalogue import BY_KIND
from engagement.signals.tally import Event
from engagement.store import setup, units
from engagement.store.decisions import Planned
from engagement.strategy.setup import Catalogue
from engagement.workflows.states import by_month, gathered
from engagement.workflows.steps import PART, Known, Now, days_of, stepped
from engagement.workflows.tallies import event, standing

OVER = frozenset({"dissolved", "ended"})
"""States of a group that nobody plans for."""


def groups_now(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    names: Sequence[str],
    planned: Mapping[str, Sequence[Planned]],
    today: date,
) -> dict[str, Now]:
    """Every one of these groups, in as many statements for each `PART` of them.

    planned : each group's decisions of the plans of the last year, the oldest first
    """
    out: dict[str, Now] = {}
    for start in range(0, len(names), PART):
        out |= _part(conn, program_id, catalogue, names[start : start + PART], planned, today)
    return out


def _part(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    names: Sequence[str],
    planned: Mapping[str, Sequence[Planned]],
    today: date,
) -> dict[str, Now]:
    zone = catalogue.program.time_zone
    rows = units.groups(conn, program_id, names)
    history = standing(conn, program_id, [], names)
    heard = gathered(setup.history(conn, program_id, "group", names), history, zone)
    events: dict[str, list[Event]] = defaultdict(list)
    for said in history:
        if said.group_id is not None and (said.unit_kind == "group" or BY_KIND[said.kind].in_group):
            events[said.group_id].append(event(said))
    barriers = _barriers(conn, program_id, names, today)
    out: dict[str, Now] = {}
    for name, row in rows.items():
        decided = planned.get(name, ())
        days = days_of(decided, today, zone)
        states = dict(zip(days, by_month(heard[name], events[name], days, zone), strict=True))
        site = catalogue.sites[row.group.site]
        unit = Known("group", row.group, None, site, barriers.get(name, ""), decided)
        out[name] = stepped(unit, states, today, zone)._replace(waits=states[today] not in OVER)
    return out


def _barriers(conn: Connection, program_id: str, names: Sequence[str], today: date) -> dict[str, str]:
    """The barrier that most of each group's members have; of several the first by name."""
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, names)}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in units.members(conn, program_id, sorted(ever), today).values():
        if row.group is not None:
            found[row.group].update(name for name, has in row.member.barriers.known() if has)
    return {
        group: min(count, key=lambda name: (-count[name], name)) for group, count in found.items() if count
    }
