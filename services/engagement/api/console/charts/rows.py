"""Figures that stand in the rows of a table: as wide as their place, on one axis for the whole table."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from engagement.api.console import numbers
from engagement.api.console.charts.svg import circle, fluid, group, line, percent, rect, text

ROW, MIDDLE, BEYOND = 40, 20, 32
"""Lines of an axis reach beyond their row, since words beside it may take several lines."""


class Axis(NamedTuple):
    """One axis for all rows. low, high : its ends      ticks : values at which there is a line"""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value stands, 0 to 1; what lies beyond the ends stands at them."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


class Interval(NamedTuple):
    """A best guess with its 80 % and its 95 % range."""

    value: float
    low80: float
    high80: float
    low95: float
    high95: float


def axis_of(values: Sequence[float], *, zero: bool = True) -> Axis:
    """The axis with round ticks on which all these values fit. zero : whether 0 is among them"""
    known = [*values, *([0.0] if zero else [])] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        high = low + 1.0
    span = high - low
    power = 10 ** floor(log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 5)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(step * number, 10) for number in range(first, last + 1))
    margin = 0.04 * (ticks[-1] - ticks[0] or 1.0)
    return Axis(ticks[0] - margin, ticks[-1] + margin, ticks)


def axis(scale: Axis, words: Sequence[str] = (), *, left: str = "", right: str = "") -> Markup:
    """The axis itself, once above its rows. words : for the ticks      left, right : beside zero"""
    parts = []
    if left or right:
        zero = percent(scale.at(0))
        parts += [
            f'<svg x="{zero}" overflow="visible">',
            text(-8, 12, left, "t", "end"),
            text(8, 12, right, "t"),
            "</svg>",
        ]
    y = 28 if parts else 12
    labels = words or [_tick(value, scale) for value in scale.ticks]
    parts += [
        text(percent(scale.at(value)), y, label, "th", "middle")
        for value, label in zip(scale.ticks, labels, strict=True)
    ]
    return fluid(y + 4, "", *parts)


def _tick(value: float, scale: Axis) -> str:
    step = scale.ticks[1] - scale.ticks[0] if len(scale.ticks) > 1 else 1.0
    return numbers.number(value, max(0, -floor(log10(step) + 1e-9)))


def _lines(scale: Axis) -> list[str]:
    """The grid through a row, and zero in ink."""
    return [
        line(
            percent(scale.at(value)),
            -BEYOND,
            percent(scale.at(value)),
            ROW + BEYOND,
            "grid" if value else "zero",
        )
        for value in scale.ticks
    ]


def interval(
    found: Interval, scale: Axis, label: str, kind: str = "c-blue", *, hollow: bool = False
) -> Markup:
    """A dot with its ranges: thick 80 %, thin 95 %. hollow : of what was not available"""
    places = [percent(scale.at(value)) for value in found]
    return fluid(
        ROW,
        label,
        *_lines(scale),
        group(
            kind,
            line(places[3], MIDDLE, places[4], MIDDLE, "iv95"),
            line(places[1], MIDDLE, places[2], MIDDLE, "iv80"),
            circle(places[0], MIDDLE, 5.5, "hollow" if hollow else "dot"),
        ),
    )


def reference(scale: Axis, words: str) -> Markup:
    """What all others are compared with: an open circle at zero."""
    zero = percent(scale.at(0))
    return fluid(
        ROW,
        words,
        *_lines(scale),
        circle(zero, MIDDLE, 5.5, "hollow c-ink"),
        f'<svg x="{zero}" overflow="visible">{text(12, MIDDLE + 4, words, "th")}</svg>',
    )


def chance(probability: float, most: float, label: str, least: float | None, kind: str = "c-blue") -> Markup:
    """A probability as a bar on a track that ends at `most`, with a dashed mark at the floor."""
    share = min(1.0, probability / most)
    floor_at = percent(min(1.0, (least or 0) / most))
    mark = [] if least is None else [line(floor_at, 3, floor_at, 25, "floor")]
    return fluid(
        28, label, rect(0, 9, "100%", 10, "track"), rect(0, 9, percent(share), 10, f"f {kind}"), *mark
    )


def share(value: float, kind: str = "c-verm") -> Markup:
    """A thin bar below words, for what is counted."""
    return fluid(6, "", rect(0, 0, "100%", 6, "track"), rect(0, 0, percent(min(1.0, value)), 6, f"f {kind}"))


def parts(shares: Sequence[tuple[float, str]], label: str) -> Markup:
    """Shares of one whole, end to end, each in its colour."""
    drawn, at = [], 0.0
    for value, kind in shares:
        drawn.append(group(kind, rect(percent(at), 6, percent(max(0.0, value - 0.003)), 12, "f")))
        at += value
    return fluid(24, label, *drawn)


def gap_scale(limit: float) -> Axis:
    """The axis of differences in standard deviations, somewhat wider than what is in order."""
    return Axis(-1.5 * limit, 1.5 * limit, (-limit, 0.0, limit))


def gap_axis(limit: float) -> Markup:
    """The axis itself."""
    return axis(gap_scale(limit), [numbers.signed(value) if value else "0" for value in (-limit, 0, limit)])


def gap(value: float, limit: float, label: str) -> Markup:
    """A difference in standard deviations: what is in order shaded, what lies outside in orange."""
    scale = gap_scale(limit)
    low, high = scale.at(-limit), scale.at(limit)
    return fluid(
        ROW,
        label,
        rect(percent(low), 2, percent(high - low), ROW - 4, "lim"),
        line(percent(scale.at(0)), -BEYOND, percent(scale.at(0)), ROW + BEYOND, "zero"),
        group(
            "c-verm" if abs(value) > limit else "c-blue",
            circle(percent(scale.at(value)), MIDDLE, 5.5, "dot"),
        ),
    )


def measure(value: float, limit: float) -> Markup:
    """A quantity as a bar that ends at one and a half of its limit, which is dashed."""
    most = 1.5 * limit
    at = percent(limit / most)
    bar = rect(0, 9, percent(min(1.0, value / most)), 10, f"f {'c-verm' if value > limit else 'c-blue'}")
    return fluid(28, "", bar, line(at, 3, at, 25, "floor"))


def quarter(least: float, everybody: float, label: str, words: tuple[str, str]) -> Markup:
    """● those who gained least and ○ everybody on one line from 0 to 1. words : their names"""
    scale = (0.0, 0.25, 0.5, 0.75, 1.0)
    low, high = (percent(min(max(value, 0.0), 1.0)) for value in (least, everybody))
    return fluid(
        84,
        label,
        *(line(percent(tick), 24, percent(tick), 46, "grid") for tick in scale),
        *(text(percent(tick), 80, numbers.number(tick, 1), "th", _anchor(tick)) for tick in scale[::2]),
        group(
            "c-blue",
            line(low, 35, high, 35, "l1"),
            circle(low, 35, 5.5, "dot"),
            circle(high, 35, 5.5, "hollow"),
            text(low, 16, words[0], "f ts", _anchor(least)),
        ),
        text(high, 62, words[1], "t", _anchor(everybody)),
    )


def _anchor(place: float) -> str:
    """Words begin at the left edge and end at the right one."""
    return "" if place < 0.2 else "end" if place > 0.8 else "middle"
