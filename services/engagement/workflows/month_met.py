"""What became of a group's meetings in a calendar month, as states and survival see them."""

from collections.abc import Iterable
from typing import NamedTuple

from engagement.signals.expected import Meeting
from engagement.signals.history import Month


class MonthMet(NamedTuple):
    """held, missed : meetings that were, and that were not      came : to the fullest of them

    expected : seats of which somebody said whether they came, a meeting; both None where nobody said
    """

    held: int
    missed: int
    came: int | None
    expected: int | None


def month_met(row: Month, meetings: Iterable[Meeting]) -> MonthMet:
    """One month. meetings : of all months; that somebody came says that one was held"""
    here = [one for one in meetings if one.known and (one.day.year, one.day.month) == (row.year, row.month)]
    held = sum(one.status == "held" for one in here)
    came = [one.came for one in here if one.status == "held" and one.came is not None]
    asked = round(row.expected / max(held, 1)) if row.expected else None
    return MonthMet(held, len(here) - held, max(came, default=None), asked)
