"""When a group is expected to meet: its rhythm, each change of it with its day, and the days that follow.

A rhythm is part of the group's set-up. From the day on which it changes the new one holds; the days
before stay as they were, so that what was expected of a group is never rewritten by a new plan.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
WeekOfMonth = Literal["first", "second", "third", "fourth", "last"]
WEEKS_OF_MONTH: tuple[WeekOfMonth, ...] = get_args(WeekOfMonth)

_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
_HALF_A_MONTH = timedelta(days=17)  # from one second Saturday to the next it is four weeks or five


class EveryWeeks(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="weeks", tag_field="every"
):
    """Every so many weeks, on the weekday of the first meeting."""

    first_on: date
    weeks: Annotated[int, msgspec.Meta(ge=1, le=26)] = 4

    def __post_init__(self) -> None:
        """Refuses a first day beside which there is no room to count."""
        _refuse_unlikely(self.first_on)


class EveryMonth(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="month", tag_field="every"
):
    """Once a month: on the second Saturday, say, or without `week` and `weekday` on any day of it.

    first_on : from this day; when absent, from the day the group, or this change of it, was entered
    """

    first_on: date | None = None
    week: WeekOfMonth | None = None
    weekday: Weekday | None = None

    def __post_init__(self) -> None:
        """A week without a weekday names no day, nor the other way round; see also `EveryWeeks`."""
        _refuse_unlikely(self.first_on)
        if (self.week is None) != (self.weekday is None):
            raise ValueError("`week` and `weekday` come together, such as second and saturday")


def _refuse_unlikely(first_on: date | None) -> None:
    if first_on is not None and not within_reason(first_on):
        raise ValueError("first_on: a group meets between 1970 and 2999")


def within_reason(day: date) -> bool:
    """Whether a program can have such a day, with room to count back and ahead: there are years 1 to 9999."""
    return 1970 <= day.year <= 2999


AnyRhythm = EveryWeeks | EveryMonth


class Since(NamedTuple):
    """From this day on this rhythm holds; without one no meeting is expected."""

    day: date
    rhythm: AnyRhythm | None


class Expected(NamedTuple):
    """A meeting that is expected `on` a day. What is heard of `opens` to `closes` is heard of it."""

    on: date
    opens: date
    closes: date


def timeline(changes: Iterable[Since]) -> tuple[Since, ...]:
    """Which rhythm holds from which day on. changes : in the order in which they were made

    A change takes the place of all that was said before of its day and of later ones.
    """
    holds: list[Since] = []
    for change in changes:
        holds = [since for since in holds if since.day < change.day]
        holds.append(change)
    return tuple(holds)


def expected(holds: Sequence[Since], until: date) -> tuple[Expected, ...]:
    """The meetings expected up to a day, that day included, in order.

    holds : as `timeline` gives it      returns : windows that do not overlap, each around its own day

    A window reaches half the rhythm to either side, and no further than halfway to the neighbour's
    day; the day in the middle is the earlier one's. A meeting on any day of a month is expected on
    its last day, and its window is the month.
    """
    ends = [*(since.day - _DAY for since in holds[1:]), until]
    found = [
        meeting
        for since, end in zip(holds, ends, strict=False)  # of nothing there is one end and no beginning
        if since.rhythm is not None
        for meeting in _between(since.rhythm, since.day, min(end, until))
    ]
    for place, (earlier, later) in enumerate(pairwise(found)):
        if earlier.closes >= later.opens:
            middle = earlier.on + timedelta(days=(later.on - earlier.on).days // 2)
            found[place] = found[place]._replace(closes=min(earlier.closes, middle))
            found[place + 1] = later._replace(opens=max(later.opens, middle + _DAY))
    return tuple(found)


def first_expected(rhythm: AnyRhythm, heard_on: date) -> date:
    """The day of the expected meeting of which something heard on a day is heard; that day if of none."""
    near = expected([Since(heard_on - 5 * _WEEK, rhythm)], heard_on + 5 * _WEEK)
    return next((meeting.on for meeting in near if meeting.opens <= heard_on <= meeting.closes), heard_on)


def _between(rhythm: AnyRhythm, start: date, end: date) -> Iterator[Expected]:
    """The meetings of one rhythm from one day to another, both included."""
    begins = max(start, rhythm.first_on or start)
    if isinstance(rhythm, EveryWeeks):
        yield from _weekly(rhythm, begins, end)
        return
    month = begins.replace(day=1)
    while month <= end:
        meeting = _in_month(rhythm, month)
        if begins <= meeting.on <= end:
            yield meeting
        month = _next_month(month)


def _weekly(rhythm: EveryWeeks, begins: date, end: date) -> Iterator[Expected]:
    step = rhythm.weeks * _WEEK
    half = timedelta(days=step.days // 2)
    day = rhythm.first_on + -((rhythm.first_on - begins) // step) * step  # the first one not before
    while day <= end:
        yield Expected(day, day - half, day + half)
        day += step


def _in_month(rhythm: EveryMonth, first: date) -> Expected:
    """The month's meeting. first : the month's first day"""
    last = _next_month(first) - _DAY
    if rhythm.week is None or rhythm.weekday is None:
        return Expected(last, first, last)
    day = first + timedelta(days=(WEEKDAYS.index(rhythm.weekday) - first.weekday()) % 7)
    if rhythm.week == "last":
        day += ((last - day) // _WEEK) * _WEEK
    else:
        day += WEEKS_OF_MONTH.index(rhythm.week) * _WEEK
    return Expected(day, day - _HALF_A_MONTH, day + _HALF_A_MONTH)


def _next_month(first: date) -> date:
    """The first day of the month after the one that begins on this day."""
    return (first + timedelta(days=31)).replace(day=1)
