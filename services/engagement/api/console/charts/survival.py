"""How long groups live after the program's end: one step line an arm, from 0 to all of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup

from engagement.api.console import numbers
from engagement.api.console.charts.svg import drawing, group, line, steps, text

COLOURS = ("c-ink", "c-blue", "c-teal", "c-ochre", "c-grey")
"""At most five arms in a figure; the reference comes first and is in ink."""
TICK = 6
"""Months between ticks."""


class Arm(NamedTuple):
    """One arm. points : (months, share alive) in order      words : beside its end"""

    name: str
    points: Sequence[tuple[float, float]]
    words: str


class Size(NamedTuple):
    """Of a drawing: with room for labels on the right."""

    width: float
    height: float
    right: float


WIDE, NARROW = Size(1120, 320, 260), Size(328, 280, 96)
LEFT, TOP, BELOW = 46.0, 14.0, 40.0
APART = 16.0


def survival(
    arms: Sequence[Arm], horizon: float, label: str, unit: str, at_horizon: str, size: Size
) -> Markup:
    """The curves. unit : what x is in, in words      at_horizon : what is said at the horizon's line"""
    far = max([horizon, *(time for arm in arms for time, _ in arm.points)])
    right, bottom = size.width - size.right, size.height - BELOW

    def x(months: float) -> float:
        return LEFT + (right - LEFT) * months / far

    def y(share: float) -> float:
        return bottom - (bottom - TOP) * share

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts += [
            line(LEFT, y(share), right, y(share), "ax" if not share else "grid"),
            text(LEFT - 6, y(share) + 4, numbers.percent(share), "th", "end"),
        ]
    every = TICK if far / TICK * 34 < right - LEFT else 2 * TICK
    parts += [text(x(tick), bottom + 16, str(tick), "th", "middle") for tick in range(0, int(far) + 1, every)]
    parts += [
        text(right, bottom + 32, unit, "th", "end"),
        line(x(horizon), TOP - 8, x(horizon), bottom, "floor"),
        text(x(horizon) - 4, TOP - 2, at_horizon, "t halo", "end"),
    ]
    for colour, arm in zip(COLOURS, arms, strict=False):
        points = [(x(time), y(share)) for time, share in arm.points]
        parts.append(group(colour, steps(points, points[-1][0] if points else LEFT, "l")))
    parts += _labels(arms, y, right)
    return drawing(size.width, size.height, label, *parts)


def _labels(arms: Sequence[Arm], y: Callable[[float], float], right: float) -> list[str]:
    """Each arm named at its end, in its colour, moved apart where two would meet."""
    ends = [
        (y(arm.points[-1][1]) if arm.points else y(0), colour, arm)
        for colour, arm in zip(COLOURS, arms, strict=False)
    ]
    parts, free = [], 0.0
    for at, colour, arm in sorted(ends, key=lambda row: row[0]):
        place = max(at + 4, free)
        parts.append(group(colour, text(right + 8, place, arm.name, "f ts")))
        parts.append(text(right + 8, place + 14, arm.words, "t"))
        free = place + 14 + APART
    return parts
