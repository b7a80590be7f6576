"""How a member stands: active, wavering, dormant, silent or gone, as a function of whether they came.

    missed    = known meetings in a row, up to now, to which the member did not come
    unheard   = meetings of the group since then that were held, or of which nothing was heard, and nobody
                said whether this member was there

As with groups (`states`), only what is known moves a member: an unreported meeting neither makes the run of
missed ones longer nor breaks it, and a meeting that was put off or not held says nothing of who would have
come. A run of meetings of which nothing is known makes a member *silent*, which is no state of a chain: they
are in one of the others, and nobody knows in which.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import takewhile
from typing import Literal, NamedTuple

from engagement.signals.expected import Meeting
from engagement.signals.states import SILENT_RUN

MemberState = Literal["active", "wavering", "dormant", "silent", "gone"]


class Attended(NamedTuple):
    """Whether a member came to the meeting of a day, as it counts once corrections have had their say."""

    day: date
    came: bool


def member_state(attended: Iterable[Attended], meetings: Sequence[Meeting]) -> MemberState:
    """The state of a member who sits in a group.

    attended : in order of what was said, up to the day; the last word on a day counts
    meetings : the group's up to the day, in order
    """
    said = {row.day: row.came for row in attended}
    days = sorted(said)
    last = days[-1] if days else None
    since = [row for row in meetings if row.status in ("held", "unreported")]
    unheard = sum(last is None or row.day > last for row in since)
    if last is None or unheard >= SILENT_RUN:
        return "silent"
    missed = len(list(takewhile(lambda day: not said[day], reversed(days))))
    return ("active", "wavering", "dormant")[min(missed, 2)]
