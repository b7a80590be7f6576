"""How long one group lived after its program ended, as survival is to see it.

Dissolution is dated at the first of the meetings missed in a row. It is known of only when the last of them
is over, so every group is censored by the span of three meetings before the data were cut. Silence is no
death: a silent group is censored at its last known meeting, and two bounds say what the silence could hide.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from typing import NamedTuple

from engagement.signals.rhythm import AnyRhythm, EveryWeeks
from engagement.signals.states import DISSOLVED_RUN, life
from engagement.strategy.setup import DAYS_A_MONTH
from engagement.strategy.standing import Heard, meetings_on

MONTHS_SPAN = timedelta(days=92)
"""Of three monthly meetings, and of three months of a virtual group."""


class Lived(NamedTuple):
    """months : from the end of the program, 0 for what was before it      died : or it was censored then"""

    months: float
    died: bool


class Lifetime(NamedTuple):
    """One group's life after the end of the program.

    seen : what is known      best, worst : if it went on, or ended, where nobody knows
    silent : nothing was known of its last meetings before the data were cut
    """

    seen: Lived
    best: Lived
    worst: Lived
    silent: bool


def span(rhythm: AnyRhythm) -> timedelta:
    """From the first to the last of the meetings whose failing dissolves a group."""
    return timedelta(weeks=DISSOLVED_RUN * rhythm.weeks) if isinstance(rhythm, EveryWeeks) else MONTHS_SPAN


def lifetime(heard: Heard, ends_on: date, cut_on: date) -> Lifetime:
    """What is known on the day of the cut.

    ends_on : the program's last day there      cut_on : the last day whose reports are looked at
    """
    group = heard.revisions[-1].group
    last = cut_on - (MONTHS_SPAN if group.type == "virtual" else span(group.rhythm))
    found = life(meetings_on(heard, cut_on))
    if found.dissolved_on is not None and found.dissolved_on <= last:
        died = Lived(_months(ends_on, found.dissolved_on), died=True)
        hidden = found.known_on if found.within and found.known_on is not None else found.dissolved_on
        return Lifetime(died, died, Lived(_months(ends_on, hidden), died=True), silent=False)
    known_on = found.known_on or found.began_on or ends_on
    through = Lived(_months(ends_on, last), died=False)
    if known_on >= last - _patience(heard):
        return Lifetime(through, through, through, silent=False)
    at = _months(ends_on, known_on)
    return Lifetime(Lived(at, died=False), through, Lived(at, died=True), silent=True)


def stay(came: AbstractSet[date], met: Sequence[date], ends_on: date, group: Lived) -> Lived:
    """How long one member stayed after the program's end: no longer than the group lived.

    A member is gone from the first of so many meetings held in a row without them as dissolve a group, if
    they did not come again. came, met : days      met : in order      group : what is known of its life
    """
    last = max(came, default=date.min)
    missed = [day for day in met if day > last]
    if len(missed) < DISSOLVED_RUN:
        return group
    gone = Lived(_months(ends_on, missed[0]), died=True)
    return gone if gone.months < group.months else group


def _patience(heard: Heard) -> timedelta:
    """How long before the last day looked at a meeting may lie that still says the group was alive then."""
    return span(heard.revisions[-1].group.rhythm) / DISSOLVED_RUN


def _months(ends_on: date, day: date) -> float:
    return max((day - ends_on).days, 0) / DAYS_A_MONTH
