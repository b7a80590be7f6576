"""What a decision earned, read from the signals inside its window.

One proximal outcome for every action of a strategy. Learn on the proximal, judge on the distal.
"""

from collections.abc import Sequence
from typing import NamedTuple

GOAL_SHARE = 1 / 3
CENSORING = frozenset({"moved", "died"})
"""Kinds of signal after which nothing is known of an outcome."""


class Seen(NamedTuple):
    """A signal about the member, or about the member's group, that counts towards the outcome."""

    kind: str
    value: int
    occurred_at_ms: int


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
    inside = sorted((row for row in seen if from_ms < row.occurred_at_ms <= until_ms), key=_first)
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


def _with_goal(inside: Sequence[Seen], met_at_ms: int) -> float:
    """The reward of someone who came at a moment."""
    goals = (row.value for row in inside if row.kind == "goal_met" and row.occurred_at_ms >= met_at_ms)
    return (1 - GOAL_SHARE) + GOAL_SHARE * min(1, next(goals, 0))
