"""A group's months in a line: how many came, and where the program ended."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from engagement.api.console.charts.svg import bars, drawing, line

WIDTH, HEIGHT, FOOT, TOP = 112.0, 30.0, 25.0, 10
FEWEST = 3
"""With fewer present a meeting counts as missed."""


class Bar(NamedTuple):
    """One month. came : to its fullest meeting, None where nothing was reported; held : whether one was

    after : whether the month lies after the program's end
    """

    came: int | None
    held: bool
    after: bool


def spark(months: Sequence[Bar], label: str, kind: str = "spark") -> Markup:
    """Bars of how many came, 0 to 10; a short orange one at the foot is a meeting that failed."""
    step = WIDTH / max(len(months), 1)
    width = max(1.0, step * 0.7)
    tall: dict[str, list[tuple[float, float, float, float]]] = {"c-grey": [], "c-blue": [], "c-verm": []}
    for place, bar in enumerate(months):
        x = place * step
        if bar.came is None and not bar.held:
            continue
        if not bar.held or (bar.came or 0) < FEWEST:
            tall["c-verm"].append((x, FOOT + 2, width, 3))
        else:
            height = (FOOT - 1) * min(bar.came or 0, TOP) / TOP
            tall["c-blue" if bar.after else "c-grey"].append((x, FOOT - height, width, height))
    first_after = next((place for place, bar in enumerate(months) if bar.after), None)
    end = (
        []
        if not first_after
        else [line(first_after * step - 0.7, 0, first_after * step - 0.7, HEIGHT, "end")]
    )
    return drawing(WIDTH, HEIGHT, label, *end, *(bars(some, name) for name, some in tall.items()), kind=kind)
