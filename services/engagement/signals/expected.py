"""What became of each expected meeting: held, not held, postponed, unreported, or still expected.

A report is heard of the expected meeting in whose window its day lies, whatever order reports come
in and however late. Silence is a state of its own and never stands for a meeting that failed.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from engagement.signals.meetings import ATTENDANCE, MEETING_HELD, MEETING_POSTPONED
from engagement.signals.rhythm import Expected

SILENT_AFTER = timedelta(days=21)
"""When nothing is heard so long after its day, a meeting is unreported."""
FEWEST = 3
"""With fewer present a meeting counts as missed."""
KINDS = tuple(signal.kind for signal in (MEETING_HELD, ATTENDANCE, MEETING_POSTPONED))
"""What can be heard of a meeting."""

Status = Literal["held", "not_held", "postponed", "unreported", "expected"]


class Report(NamedTuple):
    """Something heard of a meeting, as it counts once corrections have had their say.

    day : local date      at_ms : the same moment, to tell what was said last
    who : the member whose attendance it is, "" for what is said of the group
    """

    day: date
    at_ms: int
    code: int
    value: int
    who: str = ""


class Meeting(NamedTuple):
    """An expected meeting and what became of it.

    came : how many different members came; None when nobody said who      heard_on : last day with a report
    """

    on: date
    status: Status
    came: int | None = None
    heard_on: date | None = None

    @property
    def day(self) -> date:
        """The day it was heard of, which is when it was held or failed; else the day it is expected on."""
        return self.heard_on or self.on

    @property
    def known(self) -> bool:
        """Whether it is known to have been held, or not."""
        return self.status in ("held", "not_held")

    @property
    def missed(self) -> bool:
        """Known not to have been held, or to have been held with fewer than three present."""
        few = self.came is not None and self.came < FEWEST
        return self.status == "not_held" or (self.status == "held" and few)


def meetings(
    expected: Sequence[Expected],
    reports: Iterable[Report],
    today: date,
    silent_after: timedelta = SILENT_AFTER,
) -> tuple[Meeting, ...]:
    """What became of the meetings expected so far, and of later ones already heard of, in order.

    expected : in order, windows apart      reports : in any order; those of later days are left out
    """
    opens = [meeting.opens for meeting in expected]
    heard: dict[int, list[Report]] = defaultdict(list)
    for report in reports:
        place = bisect_right(opens, report.day) - 1
        if report.day <= today and place >= 0 and report.day <= expected[place].closes:
            heard[place].append(report)
    return tuple(
        _became(meeting, heard[place], today, silent_after)
        for place, meeting in enumerate(expected)
        if meeting.on <= today or place in heard
    )


def _became(meeting: Expected, heard: Sequence[Report], today: date, silent_after: timedelta) -> Meeting:
    """One meeting. That somebody came says it was held; otherwise the last word on it counts."""
    came = _came(heard)
    said = [report for report in heard if report.code != ATTENDANCE.code]
    held = any(report.code == MEETING_HELD.code and report.value for report in said)
    last = max((report.day for report in heard), default=None)
    if held or came:
        return Meeting(meeting.on, "held", came, last)
    if said:
        final = max(said, key=lambda report: (report.at_ms, report.code))  # of one moment: postponed
        postponed = final.code == MEETING_POSTPONED.code
        return Meeting(meeting.on, "postponed" if postponed else "not_held", None, last)
    return Meeting(meeting.on, "unreported" if today - meeting.on > silent_after else "expected")


def _came(heard: Sequence[Report]) -> int | None:
    """How many different members came on the day of the window on which most did."""
    days: dict[date, set[str]] = defaultdict(set)
    for report in heard:
        if report.code == ATTENDANCE.code:
            days[report.day] |= {report.who} if report.value else set()
    return max(map(len, days.values()), default=None)
