"""What a decision earned, read from the signals inside its window.

One proximal outcome for every action of a strategy. Learn on the proximal, judge on the distal.
"""

from collections.abc import Sequence
from typing import NamedTuple

GOAL_SHARE = 1 / 3
ENOUGH = 3
"""So many present make a meeting that counts for the group."""
DAY_MS = 86_400_000
CENSORING = frozenset({"moved", "died"})
"""Kinds of signal after which nothing is known of an outcome."""


class Seen(NamedTuple):
    """A signal about a member, or about their group, that counts towards an outcome.

    member : whom it is about, where several members of a group are looked at together
    """

    kind: str
    value: int
    occurred_at_ms: int
    member: str = ""


def came_to_next_meeting(seen: Sequence[Seen], from_ms: int, until_ms: int) -> float | None:
    """0, ⅔ or 1: came to the next expected meeting, with half as much again for the goal met.

    seen : signals of the member and meetings of the group, in any order
    from_ms, until_ms : the decision's time and the end of its window; the start is excluded
    returns : None when nothing is known of a meeting in the window (missing is not 0)

    Leaving is an outcome: whoever left or stopped messages before a meeting was reported earned 0.
    Moving away and dying are none: what would have been is not known, and the reward is missing.
    A meeting known not to have been held counts as missed by all. The goal is the first one
    followed up at or after that meeting, within the window.
    """
    inside = _inside(seen, from_ms, until_ms)
    for row in inside:
        if row.kind == "attendance":
            return _with_goal(inside, row.occurred_at_ms) if row.value else 0.0
        if row.kind in CENSORING:
            return None
        if row.kind in ("left", "stopped_messages") or (row.kind == "meeting_held" and not row.value):
            return 0.0
    return None


def _first(row: Seen) -> tuple[int, bool, bool, str, int]:
    """Order in time; at one moment having come says more than any other report, and yes more than no.

    Having moved or died explains whatever else is said of the same moment.
    """
    came = row.kind == "attendance" and row.value > 0
    return row.occurred_at_ms, not came, row.kind not in CENSORING, row.kind, -row.value


def next_meeting_held(seen: Sequence[Seen], from_ms: int, until_ms: int) -> float | None:
    """1 when the group's next meeting was held, 0 when it is known not to have been.

    seen : meetings of the group and attendance of anybody in it, in any order; see `came_to_next_meeting`
    returns : None when no meeting was reported. Somebody having come says that it was held
    """
    for row in _inside(seen, from_ms, until_ms):
        if row.kind == "meeting_held":
            return float(row.value > 0)
        if row.kind == "attendance" and row.value:
            return 1.0
    return None


def next_meeting_with_three(seen: Sequence[Seen], from_ms: int, until_ms: int) -> float | None:
    """1 when at least three came to the group's next meeting, 0 when fewer did or it was not held.

    seen : as for `next_meeting_held`, each attendance with its member
    returns : None when no meeting was reported, or a meeting and not who came

    Whoever is reported within a day after the first report of the meeting belongs to it.
    """
    inside = _inside(seen, from_ms, until_ms)
    first = next((row for row in inside if row.kind in ("meeting_held", "attendance")), None)
    if first is None:
        return None
    if first.kind == "meeting_held" and not first.value:
        return 0.0
    asked = [
        row
        for row in inside
        if row.kind == "attendance" and 0 <= row.occurred_at_ms - first.occurred_at_ms < DAY_MS
    ]
    if not asked:
        return None
    return float(len({row.member for row in asked if row.value}) >= ENOUGH)


def _inside(seen: Sequence[Seen], from_ms: int, until_ms: int) -> list[Seen]:
    """What lies in the window, in order; the start is excluded."""
    return sorted((row for row in seen if from_ms < row.occurred_at_ms <= until_ms), key=_first)


def _with_goal(inside: Sequence[Seen], met_at_ms: int) -> float:
    """The reward of someone who came at a moment."""
    goals = (row.value for row in inside if row.kind == "goal_met" and row.occurred_at_ms >= met_at_ms)
    return (1 - GOAL_SHARE) + GOAL_SHARE * min(1, next(goals, 0))
