"""How a group stands: thriving, wavering, dormant, silent or dissolved, as a function of its meetings.

    missed    = known meetings in a row, up to now, that were not held or had fewer than three present
    unheard   = expected meetings in a row, up to now, of which nothing was heard

Only known meetings lead towards *dissolved*; an unreported one neither makes that run longer nor breaks
it, and a postponed one does not count. A run of unreported ones makes a group *silent*: somebody is
asked to check, and in survival it is censored where it was last known, never counted as dissolved.

States are computed and never stored. A report that comes late changes them by itself, also backwards.
"""

from collections.abc import Sequence
from datetime import date
from itertools import dropwhile, takewhile
from typing import Literal, NamedTuple, get_args

from engagement.signals.expected import Meeting
from engagement.signals.index import Trend

State = Literal["new", "thriving", "wavering", "dormant", "silent", "dissolved", "ended"]
STATES: tuple[State, ...] = get_args(State)
ALIVE: tuple[State, ...] = ("thriving", "wavering", "dormant")

DISSOLVED_RUN = 3
SILENT_RUN = 2  # a guess: one form may be lost, of two in a row somebody should ask
LOW_INDEX = (
    50.0  # a guess: a group that holds every meeting, to which a quarter of its members come, is at 62
)


class Mood(NamedTuple):
    """The value of a group's engagement index, None when nothing is known, and where it is going."""

    value: float | None
    trend: Trend


class Standing(NamedTuple):
    """The state of a group on a day.

    since : the day of the meeting it dates from; None while new      known_on : last meeting known of
    missed, unheard : the two runs
    """

    state: State
    since: date | None
    known_on: date | None
    missed: int
    unheard: int


class Life(NamedTuple):
    """What survival sees of a group on a day.

    known_on : last known meeting at which it was alive; without a death it is censored there
    dissolved_on : the first of the meetings missed in a row, when it has dissolved
    within : whether unreported meetings lie between the two, so that it may have ended anywhere there
    """

    began_on: date | None
    known_on: date | None
    dissolved_on: date | None
    within: bool


def standing(meetings: Sequence[Meeting], mood: Mood, *, ended: bool = False) -> Standing:
    """The state after these meetings, given in order of their days.

    ended : the program has ended the group, or merged it into another
    """
    known = [meeting for meeting in meetings if meeting.known]
    run = _run(known)
    silence = _silence(meetings)
    last = known[-1].day if known else None
    state: State
    since: date | None
    if len(run) >= DISSOLVED_RUN:
        state, since = "dissolved", run[0].day
    elif ended:
        state, since = "ended", last
    elif len(silence) >= SILENT_RUN:
        state, since = "silent", silence[0].day
    elif last is None:
        state, since = "new", None
    else:
        state, since = _alive(known, run, mood)
    return Standing(state, since, last, len(run), len(silence))


def _alive(known: Sequence[Meeting], run: Sequence[Meeting], mood: Mood) -> tuple[State, date]:
    """The state, and since when, of a group that is neither silent nor dissolved."""
    if run:
        return "dormant" if len(run) > 1 else "wavering", run[0].day
    if mood.trend == "falling" or (mood.value is not None and mood.value < LOW_INDEX):
        return "wavering", known[-1].day
    good = list(takewhile(lambda meeting: not meeting.missed, reversed(known)))
    return "thriving", good[-1].day


def life(meetings: Sequence[Meeting]) -> Life:
    """The group's life up to the last of these meetings, for the analysis of survival."""
    run = _run([meeting for meeting in meetings if meeting.known])
    dissolved = len(run) >= DISSOLVED_RUN
    before = meetings[: meetings.index(run[0])] if dissolved else meetings
    unknown = list(takewhile(lambda meeting: not meeting.known, reversed(before)))
    return Life(
        began_on=meetings[0].day if meetings else None,
        known_on=next((meeting.day for meeting in reversed(before) if meeting.known), None),
        dissolved_on=run[0].day if dissolved else None,
        within=dissolved and any(meeting.status == "unreported" for meeting in unknown),
    )


def _run(known: Sequence[Meeting]) -> list[Meeting]:
    """The known meetings missed in a row up to now, the oldest first."""
    return list(takewhile(lambda meeting: meeting.missed, reversed(known)))[::-1]


def _silence(meetings: Sequence[Meeting]) -> list[Meeting]:
    """The unreported meetings in a row up to now, the oldest first, past those still expected."""
    due = dropwhile(lambda meeting: meeting.status == "expected", reversed(meetings))
    return list(takewhile(lambda meeting: meeting.status == "unreported", due))[::-1]
