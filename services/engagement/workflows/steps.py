"""What a plan learns from, and where each unit is now: its states, step by step, back from today."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from engagement.store.decisions import Planned
from engagement.strategy.cadence import local_date
from engagement.strategy.clusters import Change, Cluster, Stand, stand
from engagement.strategy.planning import STATES, STEP_DAYS, PlanLevel, UnitState
from engagement.strategy.setup import Group, Member, Site, phase

STEPS_BACK = 13
"""Steps, a year, over which a plan looks back."""
STEP = timedelta(days=STEP_DAYS)
PART = 5
"""Groups whose whole history is in memory at once, about 1 kB for each report ever made of them."""


class Now(NamedTuple):
    """A unit as a plan takes it. Build it with `stepped`.

    group : the unit, or where the member sits      member : None where the unit is a group
    waits : whether it may be in a plan at all
    last : the last state that a chain knows, of so many steps ago; None where there was none
    changes : what was seen of it      family_unsafe : of a member
    """

    group: Group
    member: Member | None
    waits: bool
    last: UnitState | None
    unheard: int
    stand: Stand
    changes: tuple[Change, ...]
    family_unsafe: bool = False


class Known(NamedTuple):
    """A unit before its states are looked at; see `Now`. decided : its decisions of plans, oldest first"""

    level: PlanLevel
    group: Group
    member: Member | None
    site: Site
    barrier: str
    decided: Sequence[Planned]


def days_of(decided: Sequence[Planned], today: date, zone: str) -> list[date]:
    """Days whose states are looked at: steps back from today, and both ends of each decision's step."""
    grid = [today - STEP * back for back in range(STEPS_BACK + 1)]
    eves = _eves(decided, zone)
    return sorted({*grid, *eves, *(eve + STEP for eve in eves if eve + STEP <= today)})


def _eves(decided: Sequence[Planned], zone: str) -> list[date]:
    return [local_date(one.decided_at, zone) - timedelta(days=1) for one in decided]


def stepped(unit: Known, states: Mapping[date, UnitState | None], today: date, zone: str) -> Now:
    """The unit as it stands, and how it came there. states : of `days_of`, None where nobody knows"""
    site, eves = unit.site, _eves(unit.decided, zone)
    cluster = Cluster(unit.group.setting, after=False, barrier=unit.barrier)
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
        for one, eve in zip(unit.decided, eves, strict=True)
        if one.randomised and eve + STEP <= today
    ]
    known = next((back for back, day in enumerate(reversed(grid)) if states[day] in STATES[unit.level]), None)
    ended = phase(site, today) == "sustaining"
    left = None if site.ends_on is None else (site.ends_on - today).days
    return Now(
        unit.group,
        unit.member,
        True,
        None if known is None else states[today - STEP * known],
        known or 0,
        stand(cluster._replace(after=ended), left),
        (*unplanned, *begun),
    )
