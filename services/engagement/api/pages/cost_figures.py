"""Figures of what was gained, at what cost, and by whom."""

from collections.abc import Sequence
from math import cos, pi, sin, sqrt
from typing import TYPE_CHECKING

from engagement.api.pages.drawing import COLOURS, HAIRLINE, INK, NARROW, blank, colour, drawn, fitted, spanned
from engagement.workflows.gained import ArmGained, PlaneFound
from engagement.workflows.trial_found import Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MINOR = 100.0
"""Minor units in one of the currency."""
TWO_SDS = sqrt(5.991464547)
"""The 95 % quantile of χ² with two degrees of freedom, as a distance: −2·ln .05."""
STEPS = 90


def planes(found: Sequence[PlaneFound], currency: str) -> list[str]:
    """The incremental plane of each arm that others are compared with, which is its origin."""
    references = list(dict.fromkeys(row.first for row in found))
    return [_plane([row for row in found if row.first == name], name, currency) for name in references]


def _plane(rows: Sequence[PlaneFound], reference: str, currency: str) -> str:
    told = ", ".join(
        f"{row.second} {row.gain.value:+.1f} months and {row.cost.value / MINOR:+,.2f} {currency}"
        for row in rows
    )
    return drawn(
        lambda width: _drawn_plane(rows, reference, currency, width), f"Against {reference}, a group: {told}"
    )


def _drawn_plane(rows: Sequence[PlaneFound], reference: str, currency: str, width: float) -> "Figure":
    figure = blank(width, 3.9)
    axes = figure.subplots()
    rings = [ellipse(row) for row in rows]
    across, up = ([point[n] for ring in rings for point in ring] + [0.0] for n in (0, 1))
    left, right = _widened(across)
    bottom, top = _widened(up)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(0, color=INK, linewidth=0.8)
    for number, (row, ring) in enumerate(zip(rows, rings, strict=True), start=1):
        line = colour(number)
        axes.plot(
            [gain for gain, _ in row.cloud],
            [cost / MINOR for _, cost in row.cloud],
            ".",
            color=line,
            alpha=0.18,
            markersize=3,
        )
        axes.plot([gain for gain, _ in ring], [cost for _, cost in ring], color=line, linewidth=1.6)
        middle = row.gain.value, row.cost.value / MINOR
        axes.plot(*middle, "o", color=line, markersize=6)
        axes.annotate(row.second, middle, (7, 6), textcoords="offset points", color=line, weight="bold")
    axes.plot(0, 0, "s", color=COLOURS[0], markersize=6)
    axes.annotate(reference, (0, 0), (-8, 6), textcoords="offset points", ha="right", color=COLOURS[0])
    axes.set(xlim=(left, right), ylim=(bottom, top))
    for worth in rows[0].worths:
        _ray(axes, worth.worth_minor / MINOR, (left, right), (bottom, top), currency)
    axes.set_xlabel("more months that a group lived")
    axes.set_ylabel(f"more spent a group, {currency}" if width > NARROW else f"more spent, {currency}")
    return figure


def ellipse(row: PlaneFound) -> list[tuple[float, float]]:
    """(months, cost in whole units) around the middle, that holds 95 % of redraws if they are normal."""
    turn = [2 * pi * step / STEPS for step in range(STEPS + 1)]
    rest = sqrt(max(1 - row.correlation**2, 0.0))
    return [
        (
            row.gain.value + TWO_SDS * row.gain_sd * cos(angle),
            (row.cost.value + TWO_SDS * row.cost_sd * (row.correlation * cos(angle) + rest * sin(angle)))
            / MINOR,
        )
        for angle in turn
    ]


def _widened(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or 1.0
    return low - room, high + room


def _ray(
    axes: "Axes", slope: float, across: tuple[float, float], up: tuple[float, float], currency: str
) -> None:
    """A line of equal cost for each further month, named where it leaves the plane."""
    start = max(across[0], up[0] / slope)
    end = min(across[1], up[1] / slope)
    axes.plot([start, end], [slope * start, slope * end], color=INK, linewidth=0.7, linestyle=(0, (2, 3)))
    leaves_above = end < across[1]
    axes.annotate(
        f"{slope:,.0f} {currency}" if slope >= 1 else f"{slope:,.2g} {currency}",
        (end, slope * end),
        (0, 3) if leaves_above else (3, -3),
        textcoords="offset points",
        ha="center" if leaves_above else "left",
        fontsize=8,
        color=INK,
        annotation_clip=False,
    )


def quarters(rows: Sequence[tuple[str, Range, Range]], axis: str, scale: float = 100.0) -> str:
    """● the lower quarter and ○ all on one line each. rows : (name, lower quarter, all)"""
    label = f"{axis}, lower quarter and all: " + ", ".join(
        f"{name} {scale * low.value:.3g} and {scale * every.value:.3g}" for name, low, every in rows
    )
    return drawn(lambda width: _quarters(rows, axis, scale, width), label)


def of_arms(arms: Sequence[ArmGained]) -> list[tuple[str, Range, Range]]:
    """Arms of which attendance is known."""
    return [(arm.arm, arm.quarter, arm.everybody) for arm in arms if arm.quarter and arm.everybody]


def _quarters(rows: Sequence[tuple[str, Range, Range]], axis: str, scale: float, width: float) -> "Figure":
    figure = blank(width, 1.25 + 0.42 * len(rows))
    axes = figure.subplots()
    for height, (_, low, every) in enumerate(reversed(rows)):
        axes.plot([scale * low.value, scale * every.value], [height] * 2, color=HAIRLINE, linewidth=5)
        for told, filled, lift in ((low, True, -0.09), (every, False, 0.09)):
            line = colour(2 if filled else 1)
            spanned(axes, height + lift, told, scale, line)
            axes.plot(
                [scale * told.value],
                [height + lift],
                "o",
                color=line,
                markerfacecolor=line if filled else "white",
                markersize=7,
            )
    top = len(rows) - 1
    for told, word, number in ((rows[0][1], "● lower quarter", 2), (rows[0][2], "○ all", 1)):
        axes.annotate(
            word,
            (scale * told.value, top),
            (0, 13),
            textcoords="offset points",
            ha="center",
            color=colour(number),
        )
    axes.set_yticks(range(len(rows)), [name for name, _, _ in reversed(rows)])
    axes.set(ylim=(-0.6, len(rows) - 0.1), xlabel=fitted(axis, width))
    axes.set_xlim(left=0)
    return figure
