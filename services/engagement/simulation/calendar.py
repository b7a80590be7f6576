"""The days of a simulated program's months, all in UTC; months are counted from 0, January 2026."""

from datetime import UTC, date, datetime, timedelta

FIRST = datetime(2026, 1, 1, 6, tzinfo=UTC)
ASKED, CARRIED_OUT, REPORTED = 1, 8, 21
"""Days of the month on which recommendations are asked for, work is answered, meetings are reported."""
MEETINGS_FROM, MEETING_DAYS = 10, 11
CLOSING_DAYS = 60
"""After the last month: longer than any report is late and than any decision's window."""


def moment(month: int, day: int) -> datetime:
    """The hour at which things happen on a day of a month."""
    years, rest = divmod(month, 12)
    return FIRST.replace(year=FIRST.year + years, month=1 + rest, day=day)


def month_name(month: int) -> str:
    """A month as the service's calendar and budgets name it, such as 2026-01."""
    return f"{moment(month, 1):%Y-%m}"


def meeting(month: int, group: int) -> datetime:
    """When a group meets: each has its day."""
    return moment(month, MEETINGS_FROM + group * 7 % MEETING_DAYS) + timedelta(hours=3)


def last_day(months_running: int) -> date:
    """The program's last day."""
    return moment(months_running, 1).date() - timedelta(days=1)
