"""How many groups are alive month by month, and how many of them met."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from engagement.api.console.charts.svg import drawing, group, line, rect, steps, text, trail


class Size(NamedTuple):
    """Of a drawing: with room for labels on the right."""

    width: float
    height: float
    right: float


WIDE, NARROW = Size(640, 190, 92), Size(328, 180, 70)
TOP, LEFT, BELOW = 26.0, 4.0, 22.0
LETTER = 7.2
"""A letter is about so wide."""


class Words(NamedTuple):
    """What stands in the figure, and what it says to whoever does not see it."""

    label: str
    first: str
    alive: str
    met: str
    end: str
    from_month: str
    to_month: str


def alive(counts: Sequence[tuple[int, int]], end: int | None, words: Words, size: Size) -> Markup:
    """Counts : (alive, met) by month      end : how many of the months lie before the program's end"""
    most = max((row[0] for row in counts), default=1) or 1
    right, bottom = size.width - size.right, size.height - BELOW
    step = (right - LEFT) / max(len(counts), 1)

    def x(place: float) -> float:
        return LEFT + step * place

    def y(count: float) -> float:
        return bottom - (bottom - TOP) * count / most

    parts, free = [], right
    if end is not None:
        ended, wanted = x(end), LETTER * len(words.end)
        leftward = ended + 6 + wanted > size.width
        free = ended - (wanted + 12 if leftward else 6)
        parts += [
            rect(ended, TOP, right - ended, bottom - TOP, "ph-sus"),
            line(ended, 6, ended, bottom, "end"),
            text(ended + (-6 if leftward else 6), 15, words.end, "ts", "end" if leftward else ""),
        ]
    last_alive, last_met = counts[-1] if counts else (0, 0)
    apart = max(y(last_met), y(last_alive) + 15)
    parts += [
        line(LEFT, bottom, right, bottom, "ax"),
        steps([(x(n), y(row[0])) for n, row in enumerate(counts)], right, "l c-ink"),
        trail([(x(n + 0.5), y(row[1])) for n, row in enumerate(counts)], "l c-blue"),
        text(right + 8, y(last_alive) + 4, words.alive, "ts"),
        group("c-blue", text(right + 8, apart + 4, words.met, "f t")),
        text(LEFT, 20, words.first, "t") if free > LETTER * len(words.first) else "",
        text(LEFT, bottom + 16, words.from_month, "th"),
        text(right, bottom + 16, words.to_month, "th", "end"),
    ]
    return drawing(size.width, size.height, words.label, *parts)
