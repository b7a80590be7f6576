"""A group's two years on one line: its meetings, index and state, its goals, and what was tried.

Goals and who came are told by seat, reasons only to those they are meant for. Reading stores nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import NONE, Phase
from engagement.errors import Mistake, NotFound
from engagement.signals.catalogue import BY_KIND
from engagement.signals.chains import Ending, goals
from engagement.signals.expected import Meeting
from engagement.signals.goals import GOAL_SET
from engagement.signals.history import Month, months
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.reasons import ABSENCE_REASON
from engagement.signals.signal import Audience, may_see
from engagement.signals.states import State
from engagement.store import histories, setup, units
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status
from engagement.strategy.setup import Catalogue, Site, phase
from engagement.strategy.standing import meetings_on
from engagement.workflows.glance import LATELY, MONTHS
from engagement.workflows.leading import NOBODY, leads_of
from engagement.workflows.month_met import month_met
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.states import Moment, course, gathered
from engagement.workflows.tallies import event, link, standing
from engagement.workflows.tell import moment
from engagement.workflows.which_meeting import NextMeeting, next_meeting

MOST_GOALS = 6
"""Goals on the line: those set last."""
MOST_DECISIONS = 400
"""Decisions looked at: two years of a large group's."""
MEETINGS = 6
"""Of so many meetings it is told who came."""
CARRIED_OUT: tuple[Status, ...] = ("done",)


class CourseWanted(NamedTuple):
    """A group, for a reader."""

    group: str
    audience: Audience


class CourseMonth(msgspec.Struct, frozen=True):
    """One month. came : of `expected` seats, a meeting; null where nobody said who came

    held, missed : meetings      state, index : at the month's end or today; null before, or unknown
    phase : on the month's first day
    """

    month: str
    held: int
    missed: int
    came: int | None
    expected: int | None
    state: State | None
    index: float | None
    phase: Phase
    goals_met: int
    goals_missed: int

    @property
    def held_or_missed(self) -> bool:
        """Whether a meeting was heard of."""
        return bool(self.held or self.missed)


class CourseGoal(msgspec.Struct, frozen=True):
    """A goal by seat. from_month, to_month : places on the line, null where it has not ended"""

    seat: int | None
    category: str | None
    from_month: int
    to_month: int | None
    ending: Ending | None


class CourseAction(msgspec.Struct, frozen=True):
    """Actions of one kind carried out in a month. titles : each once, the most frequent first"""

    month: int
    kind: str
    count: int
    titles: tuple[str, ...]


class SeatSeen(msgspec.Struct, frozen=True):
    """Who sits where, and came to which of the last meetings, the oldest first; null where nobody said.

    reason : given last for not coming, null where none was or the reader is not meant to know
    """

    member: str
    seat: int | None
    role: str
    meetings: tuple[bool | None, ...]
    reason: str | None


class GroupCourse(msgspec.Struct, frozen=True):
    """The course of a group. ends_on : the program's last day at its site

    met_before, met_after : (meetings held, known) before the program's end and after it
    adviser : seats that lead      meetings : days of those of which `seats` tells who came
    """

    setting: str
    virtual: bool
    ends_on: date | None
    next_meeting: NextMeeting | None
    rhythm: str
    adviser: tuple[int, ...]
    tired: bool
    months: tuple[CourseMonth, ...]
    goals: tuple[CourseGoal, ...]
    open_goals: int
    actions: tuple[CourseAction, ...]
    meetings: tuple[date, ...]
    seats: tuple[SeatSeen, ...]
    told_at: datetime

    def met(self, *, after: bool) -> tuple[int, int]:
        """(held, known) of the meetings before the program's end or after it."""
        some = [row for row in self.months if (row.phase == "sustaining") == after]
        held = sum(row.held for row in some)
        return held, held + sum(row.missed for row in some)


def courses(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[CourseWanted], now_ms: int
) -> list[GroupCourse | Mistake]:
    """The course of each group; constantly many statements each."""
    out: list[GroupCourse | Mistake] = []
    for one in wanted:
        try:
            out.append(_course(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _course(conn: Connection, kept: Kept, program_id: str, wanted: CourseWanted, now_ms: int) -> GroupCourse:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    name, zone = wanted.group, catalogue.program.time_zone
    row = units.groups(conn, program_id, [name]).get(name)
    if row is None:
        raise NotFound(f"there is no group `{name}` in this program")
    today = local_date(now_ms, zone)
    site = catalogue.sites[row.group.site]
    history = [said for said in standing(conn, program_id, [], [name]) if said.group_id == name]
    heard = gathered(setup.history(conn, program_id, "group", [name]), history, zone)[name]
    seats = setup.members_of_group(conn, program_id, name, today)
    leads = leads_of(conn, program_id, catalogue, [name], today, now_ms).get(name, NOBODY)
    counted = [event(said) for said in history if said.unit_kind == "group" or BY_KIND[said.kind].in_group]
    seen = months(counted, now_ms, MONTHS)
    ends = [min(_last_day(month.year, month.month), today) for month in seen]
    line = course(heard, counted, ends, zone)
    first = seen[0].year * 12 + seen[0].month
    days = _meetings(history, zone)
    told = may_see(wanted.audience, ATTENDANCE.audience)
    sight = sight_of(conn, program_id, wanted.audience, (one.member for one in seats))
    set_goals = _goals(history, seats, first, zone) if may_see(wanted.audience, GOAL_SET.audience) else []
    return GroupCourse(
        row.group.setting,
        row.group.type == "virtual",
        site.ends_on,
        next_meeting(heard, today),
        str(row.group.rhythm.__struct_config__.tag),
        tuple(one.seat for one in leads.people if one.role == "adviser" and not one.state.over),
        leads.tired and may_see(wanted.audience, "staff"),
        tuple(_months(seen, line, meetings_on(heard, today), site)),
        tuple(set_goals[-MOST_GOALS:]),
        sum(goal.ending in (None, "not_followed_up") for goal in set_goals),
        tuple(_actions(conn, kept, program_id, catalogue, name, first)),
        tuple(days) if told else (),
        tuple(_seat(one, history, days, sight, today, zone) for one in seats) if told else (),
        moment(now_ms),
    )


def _last_day(year: int, month: int) -> date:
    return (date(year, month, 1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _months(
    seen: Sequence[Month], line: Sequence[Moment], meetings: Sequence[Meeting], site: Site
) -> Iterable[CourseMonth]:
    for row, stood in zip(seen, line, strict=True):
        yield CourseMonth(
            f"{row.year}-{row.month:02}",
            *month_met(row, meetings),
            stood.state,
            None if stood.value is None else round(stood.value, 1),
            phase(site, date(row.year, row.month, 1)),
            row.goals_met,
            row.goals_missed,
        )


def _goals(history: Sequence[Recorded], seats: Sequence[Seated], first: int, zone: str) -> list[CourseGoal]:
    """Every goal of those who sit there, in order of when it was set."""
    by_member: dict[str, list[Recorded]] = defaultdict(list)
    for row in history:
        if row.unit_kind == "member":
            by_member[row.unit_id].append(row)
    seat_of = {row.member: row.seat for row in seats}
    found = [
        (goal, seat_of[name])
        for name, rows in by_member.items()
        if name in seat_of
        for goal in goals(map(link, rows))
        if goal.set_at_ms is not None
    ]
    found.sort(key=lambda row: (row[0].set_at_ms or 0, row[1] or 0))
    return [
        CourseGoal(
            seat,
            goal.category,
            _place(goal.set_at_ms or 0, first, zone),
            None if goal.ended_at_ms is None else _place(goal.ended_at_ms, first, zone),
            goal.ending,
        )
        for goal, seat in found
    ]


def _place(moment_ms: int, first: int, zone: str) -> int:
    """The place of a moment's month on the line, below 0 before it begins."""
    day = local_date(moment_ms, zone)
    return day.year * 12 + day.month - first


def _actions(
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, name: str, first: int
) -> Iterable[CourseAction]:
    """What was carried out, by month and kind."""
    zone = catalogue.program.time_zone
    titles: Mapping[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for row in histories.decided(conn, program_id, "group", name, "", MOST_DECISIONS):
        place = _place(row.decided_at, first, zone)
        if row.action_id != NONE and row.status in CARRIED_OUT and place >= 0:
            action = setup.catalogue(conn, kept, program_id, row.catalogue).actions[row.action_id]
            titles[place, str(action.__struct_config__.tag)][action.title] += 1
    for (place, kind), count in sorted(titles.items()):
        yield CourseAction(place, kind, count.total(), tuple(title for title, _ in count.most_common()))


def _meetings(history: Iterable[Recorded], zone: str) -> list[date]:
    """The last days of which it is known who came."""
    days = {local_date(row.occurred_at, zone) for row in history if row.kind == ATTENDANCE.kind}
    return sorted(days)[-MEETINGS:]


def _seat(
    seated: Seated,
    history: Sequence[Recorded],
    days: Sequence[date],
    sight: Sight,
    today: date,
    zone: str,
) -> SeatSeen:
    own = [row for row in history if row.unit_id == seated.member and row.unit_kind == "member"]
    came = {local_date(row.occurred_at, zone): bool(row.value) for row in own if row.kind == ATTENDANCE.kind}
    reasons = [
        ABSENCE_REASON.word(row.value)
        for row in own
        if row.kind == ABSENCE_REASON.kind
        and row.value
        and today - LATELY < local_date(row.occurred_at, zone)
        and may_see(sight.of(seated.member), ABSENCE_REASON.audience)
    ]
    return SeatSeen(
        seated.member,
        seated.seat,
        seated.role,
        tuple(came.get(day) for day in days),
        reasons[-1] if reasons else None,
    )
