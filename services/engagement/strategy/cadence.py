"""Decision points that nobody named: the day, week or month of the program's calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from engagement.errors import Invalid

Cadence = Literal["day", "week", "month"]
DAYS: dict[Cadence, float] = {"day": 1, "week": 7, "month": 30.44}
JUDGED_DAYS = 365
"""A program is judged by who still meets so long after it has left."""
UNKNOWN_REMAINING = 120.0
"""Decisions still to come where no end date says how many: ten years of months."""


class Calendar(NamedTuple):
    """A moment as the program's calendar sees it. Build it with `calendar`.

    today : local date    decision_point : its name    ends_ms : when the next one begins
    """

    today: date
    decision_point: str
    ends_ms: int


def midnight_ms(day: date, time_zone: str) -> int:
    """The first moment of a local day, in milliseconds since the epoch."""
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).timestamp() * 1000)


def local_date(now_ms: int, time_zone: str) -> date:
    """The local date at a moment given in milliseconds since the epoch."""
    return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(time_zone)).date()


def calendar(now_ms: int, time_zone: str, cadence: Cadence) -> Calendar:
    """The decision point that a moment falls into, and its end."""
    today = local_date(now_ms, time_zone)
    if cadence == "day":
        return Calendar(today, today.isoformat(), midnight_ms(today + timedelta(days=1), time_zone))
    if cadence == "week":
        year, week, weekday = today.isocalendar()
        following = today + timedelta(days=8 - weekday)
        return Calendar(today, f"{year}-W{week:02}", midnight_ms(following, time_zone))
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return Calendar(today, f"{today:%Y-%m}", midnight_ms(following, time_zone))


def monday_of(week: str) -> date:
    """The Monday of a week named like 2026-W17."""
    try:
        year, number = week.split("-W")
        if len(year) == 4 and len(number) == 2:
            return date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        pass
    raise Invalid(f"`{week}` is not a week; write it like 2026-W17")


def decisions_to_come(today: date, ends_on: date | None, cadence: Cadence) -> float:
    """Whole decisions of a unit until a year after its program's end, at least 1."""
    if ends_on is None:
        return UNKNOWN_REMAINING
    days = (ends_on - today).days + JUDGED_DAYS
    return float(max(1, days // DAYS[cadence]))


def week_number(moment_ms: int) -> int:
    """The week that a moment falls into, Monday to Sunday by UTC, counted from that of 1 January 1970."""
    return (moment_ms // 86_400_000 + 3) // 7  # that day was a Thursday


def budget_period(today: date, period: Literal["month", "quarter", "year", "program"]) -> str:
    """The name of the period of a budget that a day falls into."""
    match period:
        case "month":
            return f"{today:%Y-%m}"
        case "quarter":
            return f"{today.year}-Q{(today.month + 2) // 3}"
        case "year":
            return str(today.year)
        case "program":
            return "program"
