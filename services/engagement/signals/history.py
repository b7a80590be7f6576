"""What a unit's signals say month by month, for the pages that show a history. Months are UTC."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from engagement.signals.goals import GOAL_MET, GOAL_SET
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.signals.tally import DAY_MS, Event

_FIRST_DAY = date(1970, 1, 1)
_CATEGORIES = range(GOAL_SET.low, GOAL_SET.high + 1)


class Month(NamedTuple):
    """One calendar month of a member or of a group.

    held, not_held : meetings (a group's)      came : of `expected` seats at meetings
    goals_met, goals_missed : among the goals followed up in the month, whenever they were set
    """

    year: int
    month: int
    held: int
    not_held: int
    came: int
    expected: int
    goals_set: int
    goals_met: int
    goals_missed: int


def months(events: Iterable[Event], now_ms: int, count: int = 12) -> tuple[Month, ...]:
    """The last `count` months, the one of `now_ms` among them, the oldest first.

    events : those that count (`corrections.effective`), in any order; others than these months' are
    left out. A month of which nothing was reported is all zeros: nothing said, not nothing done.
    """
    seen = Counter((_month_number(event.occurred_at_ms), event.code, event.value) for event in events)
    newest = _month_number(now_ms)
    return tuple(_month(number, seen) for number in range(newest - count + 1, newest + 1))


def _month_number(time_ms: int) -> int:
    """Months since the year 0, so that neighbours differ by one."""
    day = _FIRST_DAY + timedelta(days=time_ms // DAY_MS)
    return day.year * 12 + day.month - 1


def _month(number: int, seen: Counter[tuple[int, int, int]]) -> Month:
    came, stayed_away = seen[number, ATTENDANCE.code, 1], seen[number, ATTENDANCE.code, 0]
    return Month(
        year=number // 12,
        month=number % 12 + 1,
        held=seen[number, MEETING_HELD.code, 1],
        not_held=seen[number, MEETING_HELD.code, 0],
        came=came,
        expected=came + stayed_away,
        goals_set=sum(seen[number, GOAL_SET.code, value] for value in _CATEGORIES),
        goals_met=seen[number, GOAL_MET.code, 1],
        goals_missed=seen[number, GOAL_MET.code, 0],
    )
