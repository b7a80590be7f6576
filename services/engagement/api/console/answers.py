"""What effects and differences say, and where they stand on an axis."""

from collections.abc import Sequence
from typing import Literal

from engagement.api.console.charts.rows import Axis, Interval, axis_of
from engagement.estimators.each_action import ActionEffect, Size
from engagement.workflows.effects import ActionsFound
from engagement.workflows.trial_found import Range

Answer = Literal["helps", "harms", "open", "not_enough"]


def answer_of(row: ActionEffect, found: ActionsFound) -> Answer:
    """What an effect's interval says."""
    if row.size is None:
        return "not_enough"
    none = 1.0 if found.scale == "ratio" else 0.0
    if row.size.low > none:
        return "helps"
    return "harms" if row.size.high < none else "open"


def counted(found: ActionsFound, wanted: Answer) -> int:
    """How many actions have an answer."""
    return sum(answer_of(row, found) == wanted for row in found.effects)


def in_points(size: Size, found: ActionsFound) -> Interval:
    """An effect with its interval: in points of a hundred, or as a ratio less one in the same."""
    none, value, low, high = (
        100 * number for number in (1.0 if found.scale == "ratio" else 0.0, size.value, size.low, size.high)
    )
    return Interval(value - none, low - none, high - none, low - none, high - none)


def effect_scale(found: ActionsFound) -> Axis:
    """The one axis of all effects."""
    sides = [in_points(row.size, found) for row in found.effects if row.size is not None]
    return axis_of([value for side in sides for value in (side.low95, side.high95)])


def range_points(found: Range, times: float = 100.0) -> Interval:
    """A difference between arms, without its side where that is not known."""
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    value, low, high = (times * number for number in (found.value, low, high))
    return Interval(value, low, high, low, high)


def range_scale(found: Sequence[Range | None], times: float = 100.0) -> Axis:
    """The one axis of such differences."""
    sides = [range_points(one, times) for one in found if one is not None]
    return axis_of([value for side in sides for value in (side.low95, side.high95)])
