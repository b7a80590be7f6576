"""Figures of a report as SVG that stands in the page: directly labelled, with intervals, for any eyes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engagement.api.pages.drawing import (
    COLOURS,
    INK,
    NARROW,
    WIDE,
    blank,
    colour,
    drawn,
    few_ticks,
    fitted,
    label_ends,
    spanned,
)
from engagement.workflows.actions_over_time import ActionMonth
from engagement.workflows.learning_curve import LearningMonth
from engagement.workflows.report_told import headline
from engagement.workflows.trial_found import Analysis, ArmFound, Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RISK_STEP_MONTHS = 6
MOST_TICKS, FEW_TICKS = 8, 4


def survival(found: Analysis) -> str:
    """Curves of all groups drawn, from the end of the program, with how many are watched below them.

    The two arms of the comparison that says most have a band; every arm has its interval at the horizon.
    """
    told = headline(found.comparisons)
    asked = [] if told is None else [told.first, told.second]
    arms = [arm for arm in found.arms if arm.curve]
    ends = [f"{arm.arm} {_of_100(arm.alive)}" for arm in arms]
    label = f"Groups alive after the program's end, of 100 drawn, at {found.horizon_months} months: "
    return drawn(lambda width: _survival(found, arms, asked, width), label + ", ".join(ends))


def _of_100(told: Range | None) -> str:
    if told is None:
        return "unknown"
    if told.low is None or told.high is None:
        return f"{100 * told.value:.0f}"
    return f"{100 * told.value:.0f} ({100 * told.low:.0f} to {100 * told.high:.0f})"


def _survival(found: Analysis, arms: Sequence[ArmFound], asked: Sequence[str], width: float) -> "Figure":
    figure = blank(width, 3.4 + 0.22 * len(arms))
    axes = figure.subplots()
    longest = max((point.months for arm in arms for point in arm.curve), default=1.0)
    for number, arm in enumerate(arms):
        months = [point.months for point in arm.curve]
        axes.step(
            months,
            [100 * point.alive for point in arm.curve],
            where="post",
            color=colour(number),
            linewidth=1.8,
        )
        if arm.arm in asked and all(point.low is not None for point in arm.curve):
            low, high = (
                [100 * (getattr(point, side) or 0) for point in arm.curve] for side in ("low", "high")
            )
            axes.fill_between(months, low, high, step="post", color=colour(number), alpha=0.13, linewidth=0)
    _at_horizon(axes, arms, found.horizon_months, 0.012 * longest * WIDE / width)
    label_ends(axes, [(100 * arm.curve[-1].alive, arm.arm) for arm in arms], longest)
    axes.axvline(found.horizon_months, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(xlim=(0, longest), ylim=(0, 102), xlabel="months since the program ended")
    axes.set_ylabel("groups alive, of 100 drawn")
    ticks = range(0, int(longest) + 1, RISK_STEP_MONTHS)
    axes.set_xticks(list(ticks))
    _risk_table(axes, arms, ticks)
    return figure


def _at_horizon(axes: "Axes", arms: Sequence[ArmFound], months: float, apart: float) -> None:
    """Each arm's value and interval at the horizon, side by side."""
    for number, arm in enumerate(arms):
        if arm.alive is None:
            continue
        place = months + apart * (number - (len(arms) - 1) / 2)
        if arm.alive.low is not None and arm.alive.high is not None:
            low, high = 100 * max(arm.alive.low, 0.0), 100 * min(arm.alive.high, 1.0)
            axes.plot([place] * 2, [low, high], color=colour(number), linewidth=2.2, solid_capstyle="butt")
        axes.plot([place], [100 * arm.alive.value], "o", color=colour(number), markersize=5.5)


def _risk_table(axes: "Axes", arms: Sequence[ArmFound], ticks: Sequence[int]) -> None:
    for row, arm in enumerate(arms):
        height = -0.24 - 0.07 * row
        below = axes.get_xaxis_transform()
        for tick in ticks:
            watched = [point.at_risk for point in arm.curve if point.months <= tick]
            if watched:
                axes.text(
                    tick, height, str(watched[-1]), transform=below, ha="center", va="top", color=colour(row)
                )
        _beside(axes, height, arm.arm, colour(row))
    _beside(axes, -0.17, "watched", INK)


def _beside(axes: "Axes", height: float, words: str, line: str) -> None:
    """Words left of the axis, clear of the number below its beginning."""
    axes.annotate(
        words,
        (0, height),
        (-14, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        color=line,
    )


def shares(months: Sequence[ActionMonth]) -> str:
    """How likely each action was, month by month, as a line; dots are what was picked."""
    last = ", ".join(f"{row.action} {row.probability:.0%}" for row in months[-1].shares)
    return drawn(lambda width: _shares(months, width), f"Mean probability of each action, last: {last}")


def _shares(months: Sequence[ActionMonth], width: float) -> "Figure":
    figure = blank(width, 3.4)
    axes = figure.subplots()
    places = range(len(months))
    lines = list(zip(*(one.shares for one in months), strict=True))
    for number, line in enumerate(lines):
        style = "-" if number < len(COLOURS) else "--"
        axes.plot(places, [100 * row.probability for row in line], style, color=colour(number), linewidth=1.8)
        axes.plot(places, [100 * row.picked for row in line], "o", color=colour(number), markersize=4)
    top = 110 * max(max(row.probability, row.picked) for line in lines for row in line)
    ends = [(100 * line[-1].probability, line[-1].action) for line in lines]
    label_ends(axes, ends, len(months) - 1, 0.06 * top)
    few_ticks(axes, places, [one.month for one in months], MOST_TICKS if width > NARROW else FEW_TICKS)
    axes.set(ylim=(-0.02 * top, top), ylabel="of 100 decisions")
    return figure


def learning(months: Sequence[LearningMonth]) -> str:
    """Mean reward by month above, and how likely the drawn and the likeliest action were below."""
    first, last = months[0], months[-1]
    label = (
        f"The likeliest action had a chance of {first.best.value:.0%} in {first.month} "
        f"and {last.best.value:.0%} in {last.month}"
    )
    return drawn(lambda width: _learning(months, width), label)


def _learning(months: Sequence[LearningMonth], width: float) -> "Figure":
    figure = blank(width, 4.6)
    above, below = figure.subplots(2, sharex=True)
    _curve(above, [one.reward for one in months], 1, 1.0)
    above.set(ylabel="mean reward")
    above.margins(y=0.15)
    _curve(below, [one.best for one in months], 2, 100.0)
    _curve(below, [one.chosen for one in months], 0, 100.0)
    for row, number, word in ((months[-1].best, 2, "the likeliest"), (months[-1].chosen, 0, "the drawn")):
        lift = 4 if number else -11
        below.annotate(
            word,
            (len(months) - 1, 100 * row.value),
            (6, lift),
            textcoords="offset points",
            color=colour(number),
        )
    below.set(ylim=(0, 102), ylabel="chance of the action, %")
    words = [f"{one.month}\nv. {_versions(one)}" for one in months]
    few_ticks(below, range(len(months)), words, MOST_TICKS if width > NARROW else FEW_TICKS)
    below.set_xlabel("month, and versions of the belief")
    return figure


def _versions(month: LearningMonth) -> str:
    first, last = month.first_version, month.last_version
    return str(first) if first == last else f"{first} to {last}"


def _curve(axes: "Axes", values: Sequence[Range | None], number: int, scale: float) -> None:
    """A value a month with its interval; a gap where there is none."""
    known = [(place, told) for place, told in enumerate(values) if told is not None]
    axes.plot(
        [place for place, _ in known],
        [scale * told.value for _, told in known],
        "-o",
        color=colour(number),
        linewidth=1.2,
        markersize=4,
    )
    for place, told in known:
        if told.low is not None and told.high is not None:
            low, high = scale * told.low, scale * told.high
            axes.plot([place] * 2, [low, high], color=colour(number), linewidth=1.8, alpha=0.7)


def intervals(
    rows: Sequence[tuple[str, Range]],
    axis: str,
    scale: float = 1.0,
    nothing: float | None = 0.0,
    marked: Sequence[str] = (),
) -> str:
    """Values with their intervals on one axis, a line each.

    nothing : where a line stands for no effect      marked : names of lines that ask for a look
    """
    label = f"{axis}: " + ", ".join(f"{name} {scale * told.value:.3g}" for name, told in rows)
    return drawn(lambda width: _intervals(rows, axis, scale, nothing, marked, width), label)


def _intervals(
    rows: Sequence[tuple[str, Range]],
    axis: str,
    scale: float,
    nothing: float | None,
    marked: Sequence[str],
    width: float,
) -> "Figure":
    figure = blank(width, 0.8 + 0.34 * len(rows))
    axes = figure.subplots()
    for height, (name, told) in enumerate(reversed(rows)):
        line = colour(2 if name in marked else 1)
        spanned(axes, height, told, scale, line)
        axes.plot([scale * told.value], [height], "D" if name in marked else "o", color=line, markersize=6)
    if nothing is not None:
        axes.axvline(nothing, color=INK, linewidth=0.9)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    axes.set(ylim=(-0.6, len(rows) - 0.4), xlabel=fitted(axis, width))
    return figure
