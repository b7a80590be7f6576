"""The picture of a member or a group: its index, what it is made of, and the months behind it."""

from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from engagement.errors import NotFound
from engagement.signals import index, tally
from engagement.signals.adviser import ADVISER_STEP
from engagement.signals.advising import advising
from engagement.signals.catalogue import BY_KIND
from engagement.signals.chains import goals
from engagement.signals.goals import GOAL_SET
from engagement.signals.history import months
from engagement.signals.index import Index, Trend
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.signal import Audience, may_see
from engagement.signals.states import State
from engagement.store import merges, setup, units
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import phase
from engagement.strategy.standing import standing_on
from engagement.workflows.adviser_candidates import PathTold, path
from engagement.workflows.leading import NOBODY, leads_of
from engagement.workflows.states import GroupState, by_month, gathered, mood, told
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
    """What was reported of one calendar month (UTC). All zero: nothing said, not nothing done.

    state : of a group at the month's end, or today, as all that is known by now has it
    """

    month: str
    held: int
    not_held: int
    came: int
    expected: int
    goals_set: int
    goals_met: int
    goals_missed: int
    state: State | None = None


class GoalSeen(msgspec.Struct, frozen=True):
    """A goal whose end nobody has reported yet; category and time are null when its start was not told."""

    chain: str
    category: str | None
    set_at: datetime | None


class AdvisingSeen(msgspec.Struct, frozen=True):
    """How an adviser is doing: an index of its own, made of what the adviser does in the group.

    step, refresher_due_at : null when nothing is known, or the reader is not meant to see it
    path : the same with the modules, and the refresher that is usual where no day was told
    """

    index: float | None
    trend: str
    parts: tuple[PartSeen, ...]
    step: str | None
    refresher_due_at: datetime | None
    path: PathTold | None = None


class Engagement(msgspec.Struct, frozen=True):
    """How a member or a group is doing, in figures and in words.

    index : 0 to 100, null when nothing is known    trend : against eight weeks ago
    standing : the state of a group today; a member has none
    open_goals : a member's, those set first before the others; only goals reported with a chain
    advising : of the group's adviser
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
    standing: GroupState | None = None
    open_goals: tuple[GoalSeen, ...] = ()
    advising: AdvisingSeen | None = None


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
    merge = merges.merged(conn, program_id, [name]).get(name)
    if merge is not None:
        raise NotFound(f"`{name}` was merged into `{merge.into}`; ask for that one")
    audience = row.member.consent.reader(audience)
    own = tally.decoded(units.read_tally(conn, program_id, "member", name))
    found = index.of_member(own, now_ms)
    history = standing(conn, program_id, [name], [])
    seen = _seen("member", name, row.group, None, found, history, audience, now_ms, simulated=simulated)
    shown = msgspec.structs.replace(seen, open_goals=_open_goals(history, audience))
    if row.role != "adviser" or row.group is None:
        return shown
    group = tally.decoded(units.read_tally(conn, program_id, "group", row.group))
    told_of = _advising(own, group, audience, now_ms)
    if may_see(audience, ADVISER_STEP.audience):
        leads = leads_of(conn, program_id, catalogue, [row.group], today, now_ms)
        lead = leads.get(row.group, NOBODY).of(name)
        weary = None if lead is None else lead.tired
        told_of = msgspec.structs.replace(
            told_of, path=path(catalogue.program, advising(own), weary, history, now_ms)
        )
    return msgspec.structs.replace(shown, advising=told_of)


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
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    stands = phase(catalogue.sites[row.group.site], today)
    found = index.of_group(tally.decoded(row.tally), now_ms)
    history = [row for row in standing(conn, program_id, [], [name]) if row.group_id == name]
    seen = _seen("group", name, name, stands, found, history, audience, now_ms, simulated=simulated)
    heard = gathered(setup.history(conn, program_id, "group", [name]), history, zone)[name]
    ends = [min(_last_day(month), today) for month in seen.months]
    counted = [event(row) for row in history if row.unit_kind == "group" or BY_KIND[row.kind].in_group]
    states = by_month(heard, counted, ends, zone)
    members = setup.seated_in(conn, program_id, [name], today)[name]
    now = standing_on(heard, today, mood(found))
    return msgspec.structs.replace(
        seen,
        months=tuple(
            msgspec.structs.replace(month, state=state)
            for month, state in zip(seen.months, states, strict=True)
        ),
        standing=told(now, members, row.group.site, stands),
    )


def _last_day(month: MonthSeen) -> date:
    """The last day of a calendar month."""
    first = date.fromisoformat(f"{month.month}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _advising(own: tally.Tally, group: tally.Tally, audience: Audience, now_ms: int) -> AdvisingSeen:
    """What a reader may see of an adviser; the path is for whoever may see its steps."""
    parts, value, trend = _shown(index.of_adviser(group, now_ms), audience)
    state = advising(own)
    due_ms = state.refresher_due_ms
    whole = may_see(audience, ADVISER_STEP.audience)
    return AdvisingSeen(
        value,
        trend,
        parts,
        step=state.step if whole else None,
        refresher_due_at=moment(due_ms) if whole and due_ms is not None else None,
    )


def _shown(found: Index, audience: Audience) -> tuple[tuple[PartSeen, ...], float | None, Trend]:
    """(parts, index, trend) as a reader may see them; the index stays out when one of its parts does."""
    parts = tuple(
        PartSeen(part.name, part.value, part.weight, part.missing, part.sentence)
        for part in found.parts
        if may_see(audience, part.audience)
    )
    whole = len(parts) == len(found.parts)
    value = None if found.value is None or not whole else round(found.value, 1)
    return parts, value, found.trend if whole else "unknown"


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
    """What a reader may see of a member or a group."""
    parts, value, trend = _shown(found, audience)
    return Engagement(
        unit=unit,
        id=name,
        group=group,
        phase=stands,
        index=value,
        trend=trend,
        sentence="; ".join(part.sentence for part in parts if not part.missing) or "Nothing is known yet",
        parts=parts,
        months=tuple(
            MonthSeen(f"{row.year}-{row.month:02}", *row[2:])
            for row in months(map(event, history), now_ms)
            if unit == "group" or may_see(audience, ATTENDANCE.audience)  # who came is not for everybody
        ),
        simulated=simulated,
    )
