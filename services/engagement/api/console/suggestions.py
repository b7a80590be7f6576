"""Decisions as the pages of a group, a member and a recommendation show them."""

from collections.abc import Sequence

from engagement.api.console.charts.rows import Axis, Interval, axis_of
from engagement.workflows.why import ActionWeighed, Ranges, Weighed

LARGEST = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Where the axis of probabilities may end."""


def most_of(actions: Sequence[ActionWeighed]) -> float:
    """Where the one axis of a decision's probabilities ends."""
    most = max((row.probability or 0.0 for row in actions), default=1.0)
    return next(end for end in LARGEST if most <= end)


def points(found: Ranges) -> Interval:
    """A belief in points of a hundred."""
    sides = found.mean, found.low80, found.high80, found.low95, found.high95
    return Interval(*(100 * value for value in sides))


def scale_of(page: Weighed) -> Axis | None:
    """The one axis of a decision's beliefs, in points of a hundred; None where none was told."""
    known = [row.belief for row in page.actions if row.belief is not None]
    if not known:
        return None
    return axis_of([100 * value for one in known for value in (one.low95, one.high95)])
