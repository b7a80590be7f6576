"""A work list with its sums: what fits into the time there is, and what may be sent to which phone."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from engagement.actions.action import Carrier
from engagement.signals.signal import Audience
from engagement.store import units
from engagement.strategy.cadence import local_date
from engagement.strategy.crew import minutes_in
from engagement.workflows.tell import moment
from engagement.workflows.week_tasks import Scene, Task

ANSWERED = timedelta(days=7)
"""So long what was answered stays on the list, so that one can see what one has said."""
Period = Literal["week", "month"]


class WeekList(msgspec.Struct, frozen=True):
    """What one carrier does now.

    carrier : the kind      of : the person, null for the list of a kind      audience : whose eyes it is for
    tasks : open, in order of when they are due      answered : in the last seven days, the latest first
    minutes : of the tasks, as far as known      unknown_minutes : of how many tasks they are not
    done_minutes : of this week or month already      capacity_minutes : there are in all, null for no limit
    beyond_minutes : more than there are      period : what the limit holds for
    shared_phone : others read what the person is sent, so that goes there without a word of a member
    withheld : things about members that are not told for that reason
    language : the person's, null where nobody has said      next : go on behind it; null when this is all
    """

    carrier: Carrier
    of: str | None
    audience: Audience
    as_of: datetime
    tasks: tuple[Task, ...]
    answered: tuple[Task, ...]
    minutes: int
    unknown_minutes: int
    done_minutes: int
    capacity_minutes: int | None
    beyond_minutes: int
    period: Period | None
    shared_phone: bool
    withheld: int
    language: str | None
    next: str | None


def summed(scene: Scene, tasks: Sequence[Task], answered: Sequence[Task], following: str | None) -> WeekList:
    """The list with what fits and what does not: each health worker's and each group's time on its own."""
    mine, period = scene.whose, _period(scene)
    spent: Counter[str] = Counter()
    for one in answered:
        if one.status == "done" and period is not None and _began(scene, period) <= _day(scene, one):
            spent[_account(scene, one)] += one.minutes or 0
    done = spent.total()
    over = 0
    out: list[Task] = []
    for one in tasks:
        account, minutes = _account(scene, one), one.minutes or 0
        limit = _limit(scene, account)
        spent[account] += minutes
        more = 0 if limit is None else max(0, min(minutes, spent[account] - limit))
        over += more
        out.append(msgspec.structs.replace(one, beyond=more > 0))
    lately = moment(scene.now_ms) - ANSWERED
    return WeekList(
        carrier=mine.kind,
        of=mine.adviser if mine.worker is None else mine.worker.id,
        audience=scene.audience,
        as_of=moment(scene.now_ms),
        tasks=tuple(out),
        answered=tuple(one for one in answered if one.answered_at is not None and one.answered_at >= lately),
        minutes=_minutes(tasks),
        unknown_minutes=sum(one.minutes is None for one in tasks),
        done_minutes=done,
        capacity_minutes=_capacity(scene),
        beyond_minutes=over,
        period=period,
        shared_phone=mine.shared_phone,
        withheld=0,
        language=mine.language,
        next=following,
    )


def _minutes(tasks: Sequence[Task]) -> int:
    return sum(one.minutes or 0 for one in tasks)


def _period(scene: Scene) -> Period | None:
    """What a carrier's time is counted by; None where it has no limit."""
    match scene.whose.kind:
        case "health_worker":
            return "week"
        case "adviser":
            return "month"
        case "staff":
            return None if scene.catalogue.program.staff_minutes is None else "month"
        case _:
            return None


def _began(scene: Scene, period: Period) -> date:
    """The first day of the present week or month."""
    today = scene.today
    return today.replace(day=1) if period == "month" else today - timedelta(days=today.weekday())


def _day(scene: Scene, one: Task) -> date:
    """The day on which a task was answered."""
    if one.answered_at is None:
        return date.min
    return local_date(int(one.answered_at.timestamp() * 1000), scene.catalogue.program.time_zone)


def _account(scene: Scene, one: Task) -> str:
    """Whose time a task takes: a health worker's, the adviser's of a group, all staff's; "" for nobody's."""
    match scene.whose.kind:
        case "health_worker" if scene.whose.worker is not None:
            return scene.whose.worker.id
        case "health_worker":
            return one.who[0] if len(one.who) == 1 else ""
        case "adviser":
            return one.group or ""
        case _:
            return ""


def _limit(scene: Scene, account: str) -> int | None:
    """The minutes of an account in its period, None where there is no limit."""
    match scene.whose.kind:
        case "health_worker" if account in scene.workers:
            return minutes_in(scene.workers[account], _began(scene, "week"))
        case "adviser":
            return _of_adviser(scene, account)
        case "staff":
            return scene.catalogue.program.staff_minutes
        case _:
            return None


def _of_adviser(scene: Scene, group: str) -> int:
    """The minutes of a month that may be asked of the adviser of a group."""
    program = scene.catalogue.program
    return program.advisers.minutes(program.adviser_minutes, tired=group in scene.tired)


def _capacity(scene: Scene) -> int | None:
    """What there is in all: of a person, or of staff. In a kind of people each has time of their own."""
    mine = scene.whose
    if mine.kind == "adviser":
        return None if mine.groups is None else sum(_of_adviser(scene, group) for group in mine.groups)
    return _limit(scene, "" if mine.worker is None else mine.worker.id)


def for_members(scene: Scene, found: WeekList) -> WeekList:
    """An app's list, without what it would show to a member on a phone that others read."""
    names = sorted({one.member for one in (*found.tasks, *found.answered) if one.member is not None})
    people = units.members(scene.conn, scene.program_id, names, scene.today)
    return _without(found, {name for name, row in people.items() if row.member.phone == "shared"})


def for_phone(found: WeekList) -> WeekList:
    """The list as it may be sent to the person's phone: where others read it, without a word of a member."""
    if not found.shared_phone:
        return found
    return _without(found, {one.member for one in (*found.tasks, *found.answered)} - {None})


def _without(found: WeekList, members: set[str | None] | set[str]) -> WeekList:
    tasks = tuple(one for one in found.tasks if one.member not in members)
    return msgspec.structs.replace(
        found,
        tasks=tasks,
        answered=tuple(one for one in found.answered if one.member not in members),
        minutes=_minutes(tasks),
        unknown_minutes=sum(one.minutes is None for one in tasks),
        withheld=len(found.tasks) - len(tasks),
    )
