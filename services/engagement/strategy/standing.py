"""How a group stands on a day, from its set-up and all that counts of what was heard of it.

A pure function of the ledger: the revisions of the group (its rhythm, its kind, whether it has ended),
the reports of its meetings, for a virtual group what was written in it, and the day.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from engagement.signals import expected, states, virtual
from engagement.signals.expected import Meeting, Report
from engagement.signals.rhythm import Since, first_expected, timeline
from engagement.signals.rhythm import expected as expected_until
from engagement.signals.states import Mood, Standing
from engagement.signals.virtual import Month, Written
from engagement.strategy.setup import Group

LATER = timedelta(days=91)
"""Three months: what a decision earned is learned from, whether the group then lives is what it is for."""
_AHEAD = timedelta(days=200)  # a meeting may be held before its day by half the longest rhythm, 13 weeks


class Revision(NamedTuple):
    """The group as it was entered on a day."""

    group: Group
    entered_on: date


class Heard(NamedTuple):
    """What decides how one group stands.

    revisions : in order, at least one      reports, written : in any order, of any day
    """

    revisions: Sequence[Revision]
    reports: Sequence[Report] = ()
    written: Sequence[Written] = ()


def rhythms(revisions: Sequence[Revision], heard_on: date | None) -> tuple[Since, ...]:
    """Which rhythm held from when. heard_on : the first day anything was heard of a meeting

    A new rhythm holds from its `first_on`, or else from the day it was entered. What the group was
    entered with also holds for meetings that were heard of before. While the group has ended, none does.
    """
    changes: list[Since] = []
    before: Group | None = None
    for group, entered_on in revisions:
        if before is None:
            changes.append(Since(_began_on(group, entered_on, heard_on), group.rhythm))
            changes += [Since(entered_on, None)] if group.ended else []
        elif group.ended and not before.ended:
            changes.append(Since(entered_on, None))
        elif before.ended and not group.ended:
            changes.append(Since(entered_on, group.rhythm))
        elif group.rhythm != before.rhythm and not group.ended:
            changes.append(Since(group.rhythm.first_on or entered_on, group.rhythm))
        before = group
    return timeline(changes)


def meetings_on(heard: Heard, day: date) -> tuple[Meeting, ...]:
    """The group's meetings up to a day, or its months if it is virtual, as far as is known by now."""
    group = heard.revisions[-1].group
    if group.type == "virtual":
        return virtual.meetings(_months(heard, day), group.peer_k, day)
    first = min((report.day for report in heard.reports), default=None)
    planned = expected_until(rhythms(heard.revisions, first), day + _AHEAD)
    return expected.meetings(planned, heard.reports, day)


def standing_on(heard: Heard, day: date, mood: Mood) -> Standing:
    """The state of the group on a day. mood : of that day; a virtual group's is in what its members write"""
    entered = [revision.group for revision in heard.revisions if revision.entered_on <= day]
    ended = bool(entered) and entered[-1].ended
    if heard.revisions[-1].group.type == "virtual":
        mood = virtual.mood(_months(heard, day))
    return states.standing(meetings_on(heard, day), mood, ended=ended)


def alive_later(heard: Heard, decided_on: date, today: date) -> bool | None:
    """Whether the group was alive three months after a day, as is known by now.

    returns : None while the three months last, and where nobody knows: the group had fallen silent, nothing
    had been heard of it yet, or the program had ended it
    """
    later = decided_on + LATER
    if today < later:
        return None
    state = standing_on(heard, later, Mood(None, "unknown")).state
    return state in states.ALIVE if state in (*states.ALIVE, "dissolved") else None


def _months(heard: Heard, day: date) -> tuple[Month, ...]:
    """The months of a virtual group up to a day."""
    began_on = min([heard.revisions[0].entered_on, *(row.day for row in heard.written)])
    return virtual.months((row for row in heard.written if row.day <= day), began_on, day)


def _began_on(group: Group, entered_on: date, heard_on: date | None) -> date:
    """The first day on which a meeting can be expected."""
    if group.rhythm.first_on is not None:
        return group.rhythm.first_on
    if heard_on is None or heard_on >= entered_on:
        return entered_on
    return min(entered_on, first_expected(group.rhythm, heard_on))
