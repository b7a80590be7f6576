"""The picture of a member or a group: its index, what it is made of, and the months behind it."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engagement.errors import NotFound
from engagement.signals import index, tally
from engagement.signals.chains import goals
from engagement.signals.goals import GOAL_SET
from engagement.signals.history import months
from engagement.signals.index import Index
from engagement.signals.signal import Audience, may_see
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import phase
from engagement.workflows.tallies import event, link, standing
from engagement.workflows.tell import moment


class PartSeen(msgspec.Struct, frozen=True):
    """One part of the index; `value` from 0 to 1, null when nothing is known of it."""

    name: str
    value: float | None
    weight: float
    missing: bool
    sentence: str


class MonthSeen(msgspec.Struct, frozen=True):
    """What was reported of one calendar month (UTC). All zero: nothing said, not nothing done."""

    month: str
    held: int
    not_held: int
    came: int
    expected: int
    goals_set: int
    goals_met: int
    goals_missed: int


class GoalSeen(msgspec.Struct, frozen=True):
    """A goal whose end nobody has reported yet; category and time are null when its start was not told."""

    chain: str
    category: str | None
    set_at: datetime | None


class Engagement(msgspec.Struct, frozen=True):
    """How a member or a group is doing, in figures and in words.

    index : 0 to 100, null when nothing is known    trend : against eight weeks ago
    open_goals : a member's, those set first before the others; only goals reported with a chain
    """

    unit: str
    id: str
    group: str | None
    phase: str | None
    index: float | None
    trend: str
    sentence: str
    parts: tuple[PartSeen, ...]
    months: tuple[MonthSeen, ...]
    simulated: bool
    open_goals: tuple[GoalSeen, ...] = ()


def of_member(
    conn: Connection,
    kept: Kept,
    program_id: str,
    name: str,
    audience: Audience,
    now_ms: int,
    *,
    simulated: bool,
) -> Engagement:
    """The picture of a member, as far as a reader may see it."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    row = units.members(conn, program_id, [name], today).get(name)
    if row is None:
        raise NotFound(f"there is no member `{name}` in this program")
    stored = units.read_tally(conn, program_id, "member", name)
    found = index.of_member(tally.decoded(stored), now_ms)
    history = standing(conn, program_id, [name], [])
    seen = _seen("member", name, row.group, None, found, history, audience, now_ms, simulated=simulated)
    return msgspec.structs.replace(seen, open_goals=_open_goals(history, audience))


def of_group(
    conn: Connection,
    kept: Kept,
    program_id: str,
    name: str,
    audience: Audience,
    now_ms: int,
    *,
    simulated: bool,
) -> Engagement:
    """The picture of a group, as far as a reader may see it. It says how many came, never who."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    row = units.groups(conn, program_id, [name]).get(name)
    if row is None:
        raise NotFound(f"there is no group `{name}` in this program")
    stands = phase(catalogue.sites[row.group.site], local_date(now_ms, catalogue.program.time_zone))
    found = index.of_group(tally.decoded(row.tally), now_ms)
    history = [row for row in standing(conn, program_id, [], [name]) if row.group_id == name]
    return _seen("group", name, name, stands, found, history, audience, now_ms, simulated=simulated)


def _open_goals(history: list[Recorded], audience: Audience) -> tuple[GoalSeen, ...]:
    """The goals that wait to be followed up, for whoever may hear of a member's goals."""
    if not may_see(audience, GOAL_SET.audience):
        return ()
    return tuple(
        GoalSeen(goal.chain, goal.category, None if goal.set_at_ms is None else moment(goal.set_at_ms))
        for goal in goals(map(link, history))
        if goal.ending is None
    )


def _seen(
    unit: str,
    name: str,
    group: str | None,
    stands: str | None,
    found: Index,
    history: list[Recorded],
    audience: Audience,
    now_ms: int,
    *,
    simulated: bool,
) -> Engagement:
    """What a reader may see; the index stays out when one of its parts does."""
    parts = tuple(
        PartSeen(part.name, part.value, part.weight, part.missing, part.sentence)
        for part in found.parts
        if may_see(audience, part.audience)
    )
    whole = len(parts) == len(found.parts)
    return Engagement(
        unit=unit,
        id=name,
        group=group,
        phase=stands,
        index=None if found.value is None or not whole else round(found.value, 1),
        trend=found.trend if whole else "unknown",
        sentence="; ".join(part.sentence for part in parts if not part.missing) or "Nothing is known yet",
        parts=parts,
        months=tuple(
            MonthSeen(f"{row.year}-{row.month:02}", *row[2:]) for row in months(map(event, history), now_ms)
        ),
        simulated=simulated,
    )
