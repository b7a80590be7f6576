"""Which meeting is meant: the next one, and the one that a report without a date is about."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import islice

import msgspec

from engagement.signals.rhythm import Expected
from engagement.signals.rhythm import expected as expected_until
from engagement.strategy.standing import Heard, meetings_on, rhythms

AHEAD = timedelta(days=400)
"""A rhythm of at most 26 weeks and a group that begins later: further ahead nothing is looked for."""
LATE_DAYS = 10
"""Where a group meets on any day of a month, what comes until this day of the next is of the one before."""


class NextMeeting(msgspec.Struct, frozen=True):
    """When a group meets next. any_day : on some day of that month, of which `on` is the last"""

    on: date
    any_day: bool


def next_meeting(heard: Heard, today: date) -> NextMeeting | None:
    """The first expected meeting from today on that has not been heard of; None where none is expected."""
    return next(iter(coming_meetings(heard, today, 1)), None)


def coming_meetings(heard: Heard, today: date, most: int) -> tuple[NextMeeting, ...]:
    """The first expected meetings from today on that have not been heard of, in order."""
    known = ("held", "not_held", "postponed")
    told = {meeting.on for meeting in meetings_on(heard, today) if meeting.status in known}
    planned = (row for row in _expected(heard, today + most * AHEAD) if row.on >= today)
    found = (NextMeeting(row.on, any_day=_any_day(row)) for row in planned if row.on not in told)
    return tuple(islice(found, most))


def meeting_meant(heard: Heard, today: date, told_here: Iterable[date]) -> date:
    """The day of the meeting that a report without a date is about.

    told_here : days of meetings of which was told in this way before

    It is the last expected one up to today. A day in its window that was told before is kept, so that the
    same report, sent again later, is about the same day.
    """
    meant = _meant(_expected(heard, today + AHEAD), today)
    if meant is None:
        return today
    days = [day for day in told_here if meant.opens <= day <= min(meant.closes, today)]
    return max(days, default=min(meant.on, today))


def _meant(planned: Sequence[Expected], today: date) -> Expected | None:
    now = next((row for row in planned if row.opens <= today <= row.closes), None)
    if now is not None and _any_day(now) and today.day > LATE_DAYS:
        return now
    past = [row for row in planned if row.on <= today]
    return past[-1] if past else now


def _expected(heard: Heard, until: date) -> tuple[Expected, ...]:
    first = min((report.day for report in heard.reports), default=None)
    return expected_until(rhythms(heard.revisions, first), until)


def _any_day(meeting: Expected) -> bool:
    """Whether its window is a whole month, as it is of a rhythm that names no day."""
    return meeting.opens.day == 1 and meeting.closes == meeting.on and meeting.opens.month == meeting.on.month
