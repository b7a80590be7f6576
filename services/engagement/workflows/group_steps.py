"""How the groups of a program stood, step by step: what a plan learns from, and where each group is now."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.catalogue import BY_KIND
from engagement.signals.states import State
from engagement.signals.tally import Event
from engagement.store import setup, units
from engagement.store.decisions import Planned
from engagement.strategy.cadence import local_date
from engagement.strategy.clusters import Change, Cluster, Stand, stand
from engagement.strategy.planning import STATES, STEP_DAYS
from engagement.strategy.setup import Catalogue, Group, Site, phase
from engagement.strategy.standing import Heard
from engagement.workflows.states import CUT, by_month, gathered
from engagement.workflows.tallies import event, standing

STEPS_BACK = 13
"""Steps, a year, over which a plan looks back."""
STEP = timedelta(days=STEP_DAYS)


class Now(NamedTuple):
    """A group as a plan takes it. Build it with `now_and_before`.

    state : today's      last : the last that a chain knows, of so many steps ago; None where there was none
    changes : what was seen of it
    """

    group: Group
    state: State | None
    last: State | None
    unheard: int
    stand: Stand
    changes: tuple[Change, ...]


def now_and_before(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    names: Sequence[str],
    planned: Mapping[str, Sequence[Planned]],
    today: date,
) -> dict[str, Now]:
    """Every one of these groups, in as many statements for each `CUT` of them.

    planned : each group's decisions of the plans of the last year, the oldest first
    """
    out: dict[str, Now] = {}
    for start in range(0, len(names), CUT):
        out |= _part(conn, program_id, catalogue, names[start : start + CUT], planned, today)
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
        days = _days(today, [local_date(one.decided_at, zone) for one in decided])
        states = _states(heard[name], days, events[name], zone)
        site = catalogue.sites[row.group.site]
        out[name] = _now(row.group, site, barriers.get(name, ""), decided, states, today, zone)
    return out


def _states(
    heard: Heard, days: Sequence[date], events: Sequence[Event], zone: str
) -> dict[date, State | None]:
    return dict(zip(days, by_month(heard, events, days, zone), strict=True))


def _days(today: date, decided: Sequence[date]) -> list[date]:
    """Days whose states are looked at: steps back from today, and both ends of each decision's step."""
    grid = [today - STEP * back for back in range(STEPS_BACK + 1)]
    eves = [day - timedelta(days=1) for day in decided]
    return sorted({*grid, *eves, *(eve + STEP for eve in eves if eve + STEP <= today)})


def _now(
    group: Group,
    site: Site,
    barrier: str,
    decided: Sequence[Planned],
    states: Mapping[date, State | None],
    today: date,
    zone: str,
) -> Now:
    cluster = Cluster(group.setting, after=False, barrier=barrier)
    eves = [local_date(one.decided_at, zone) - timedelta(days=1) for one in decided]
    grid = [today - STEP * back for back in range(STEPS_BACK, -1, -1)]
    unplanned = [
        Change(
            cluster._replace(after=phase(site, before) == "sustaining"),
            states[before],
            False,
            states[after],
            planned=False,
        )
        for before, after in pairwise(grid)
        if not eves or after <= eves[0]
    ]
    begun = [
        Change(
            cluster._replace(after=one.phase == "sustaining"),
            states[eve],
            one.chosen,
            states[eve + STEP],
            planned=True,
        )
        for one, eve in zip(decided, eves, strict=True)
        if one.randomised and eve + STEP <= today
    ]
    known = next((back for back, day in enumerate(reversed(grid)) if states[day] in STATES), None)
    ended = phase(site, today) == "sustaining"
    left = None if site.ends_on is None else (site.ends_on - today).days
    return Now(
        group,
        states[today],
        None if known is None else states[today - STEP * known],
        known or 0,
        stand(cluster._replace(after=ended), left),
        (*unplanned, *begun),
    )


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
