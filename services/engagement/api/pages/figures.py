"""Figures of a report as SVG that stands in the page: directly labelled, with intervals, for any eyes.

Colours are Okabe and Ito's, which the colour-blind can tell apart; shape and word come first all the same.
"""

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from engagement.errors import Invalid
from engagement.workflows.actions_over_time import ActionMonth
from engagement.workflows.trial_found import Analysis, ArmFound, Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#5f6368", "#0072b2", "#d55e00", "#009e73", "#8a5a00", "#56b4e9")
RISK_STEP_MONTHS = 6
MOST_TICKS = 8
MISSING = "figures need matplotlib; install engagement[research]"


def survival(found: Analysis) -> str:
    """Curves of all groups drawn, from the end of the program, with how many are watched below them."""
    arms = [arm for arm in found.arms if arm.curve]
    figure = _figure(7.2, 3.4 + 0.22 * len(arms))
    axes = figure.subplots()
    longest = max((point.months for arm in arms for point in arm.curve), default=1.0)
    for arm, colour in zip(arms, COLOURS, strict=False):
        axes.step(
            [point.months for point in arm.curve],
            [100 * point.alive for point in arm.curve],
            where="post",
            color=colour,
            linewidth=1.8,
        )
    _label_ends(axes, [(100 * arm.curve[-1].alive, arm.arm) for arm in arms], longest)
    axes.axvline(found.horizon_months, color="#1b1e22", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(xlim=(0, longest), ylim=(0, 102), xlabel="months since the program ended")
    axes.set_ylabel("groups alive, of 100 drawn")
    ticks = range(0, int(longest) + 1, RISK_STEP_MONTHS)
    axes.set_xticks(list(ticks))
    _risk_table(axes, arms, ticks)
    return _svg(figure)


def _label_ends(axes: "Axes", ends: Sequence[tuple[float, str]], last: float, apart: float = 6.0) -> None:
    """Each line named at its end, (height, name), pushed so far apart where lines end alike."""
    height = -100.0
    for end, number in sorted((end, number) for number, (end, _) in enumerate(ends)):
        height = max(end, height + apart)
        axes.annotate(
            ends[number][1], (last, height), (4, -3), textcoords="offset points", color=_colour(number)
        )


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _risk_table(axes: "Axes", arms: Sequence[ArmFound], ticks: Sequence[int]) -> None:
    for row, arm in enumerate(arms):
        height = -0.24 - 0.07 * row
        below = axes.get_xaxis_transform()
        for tick in ticks:
            watched = [point.at_risk for point in arm.curve if point.months <= tick]
            if watched:
                axes.text(
                    tick, height, str(watched[-1]), transform=below, ha="center", va="top", color=COLOURS[row]
                )
        axes.text(-0.03, height, arm.arm, transform=axes.transAxes, ha="right", va="top", color=COLOURS[row])
    axes.text(-0.03, -0.17, "watched", transform=axes.transAxes, ha="right", va="top")


def shares(months: Sequence[ActionMonth]) -> str:
    """How likely each action was, month by month, as a line; dots are what was picked."""
    figure = _figure(7.2, 3.4)
    axes = figure.subplots()
    places = range(len(months))
    lines = list(zip(*(one.shares for one in months), strict=True))
    for number, line in enumerate(lines):
        style = "-" if number < len(COLOURS) else "--"
        axes.plot(
            places, [100 * row.probability for row in line], style, color=_colour(number), linewidth=1.8
        )
        axes.plot(places, [100 * row.picked for row in line], "o", color=_colour(number), markersize=4)
    top = 110 * max(max(row.probability, row.picked) for line in lines for row in line)
    ends = [(100 * line[-1].probability, line[-1].action) for line in lines]
    _label_ends(axes, ends, len(months) - 1, 0.06 * top)
    every = -(-len(months) // MOST_TICKS)
    axes.set_xticks(list(places)[::every], [one.month for one in months][::every])
    axes.set(ylim=(-0.02 * top, top), ylabel="of 100 decisions")
    return _svg(figure)


def intervals(rows: Sequence[tuple[str, Range]], axis: str, scale: float = 1.0, nothing: float = 0.0) -> str:
    """Values with their intervals on one axis, a line each. nothing : where a line stands for no effect"""
    figure = _figure(7.2, 0.8 + 0.42 * len(rows))
    axes = figure.subplots()
    for height, (_, told) in enumerate(reversed(rows)):
        if told.low is not None and told.high is not None:
            axes.plot([scale * told.low, scale * told.high], [height] * 2, color=COLOURS[1], linewidth=2)
        axes.plot([scale * told.value], [height], "o", color=COLOURS[1], markersize=6)
    axes.axvline(nothing, color="#1b1e22", linewidth=0.9)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlabel=axis)
    return _svg(figure)


def _figure(width: float, height: float) -> "Figure":
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise Invalid(MISSING) from None
    return Figure(figsize=(width, height), layout="constrained")


def _svg(figure: "Figure") -> str:
    """The drawing, the same to the byte every time; text stays text."""
    import matplotlib as mpl  # noqa: PLC0415  # of an extra

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    out = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "engagement", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
