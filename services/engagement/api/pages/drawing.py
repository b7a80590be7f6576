"""What every figure of a report shares: two widths, colours for any eyes, labels on the lines.

Colours are Okabe and Ito's, moved until they can be read as text; shape and word come first all the same.
"""

import re
from collections.abc import Callable, Sequence
from html import escape
from io import StringIO
from textwrap import wrap
from typing import TYPE_CHECKING

from engagement.errors import Invalid
from engagement.workflows.trial_found import Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#5f6368", "#0072b2", "#c44e00", "#00795a", "#8a5a00", "#3b8fc4")
INK, HAIRLINE = "#1b1e22", "#d9dbde"
WIDE, NARROW = 7.2, 3.5
"""Inches: a page of a journal, and a phone."""
NUMBERED = re.compile(r' id="[\w.]+_\d+"')
"""Ids that matplotlib counts anew in every figure, and that nothing refers to."""
MISSING = "figures need matplotlib; install engagement[research]"


def drawn(draw: Callable[[float], "Figure"], label: str) -> str:
    """A figure in both widths, of which the page shows one. label : what a sighted reader takes away"""
    both = (("wide", WIDE), ("narrow", NARROW))
    return "".join(f'<div class="{name}">{svg(draw(width), label, name)}</div>' for name, width in both)


def blank(width: float, height: float) -> "Figure":
    """An empty figure. raises : Invalid where matplotlib is not installed"""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError:
        raise Invalid(MISSING) from None
    return Figure(figsize=(width, height), layout="constrained")


def svg(figure: "Figure", label: str, name: str) -> str:
    """The drawing, the same to the byte every time; text stays text. name : apart from the other widths'"""
    import matplotlib as mpl  # noqa: PLC0415  # of an extra

    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    out = StringIO()
    apart = f"engagement {name} {label}"  # ids inside a page must not meet
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": apart, "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = NUMBERED.sub("", text[text.index("<svg") :].strip())
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def colour(number: int) -> str:
    """Of the n-th line."""
    return COLOURS[number % len(COLOURS)]


def label_ends(axes: "Axes", ends: Sequence[tuple[float, str]], last: float, apart: float = 6.0) -> None:
    """Each line named at its end, (height, name), pushed so far apart where lines end alike."""
    height = -float("inf")
    for end, number in sorted((end, number) for number, (end, _) in enumerate(ends)):
        height = max(end, height + apart)
        axes.annotate(
            ends[number][1], (last, height), (4, -3), textcoords="offset points", color=colour(number)
        )


def few_ticks(axes: "Axes", places: Sequence[int], words: Sequence[str], most: int) -> None:
    """As many of the words below the axis as have room."""
    every = -(-len(words) // most)
    axes.set_xticks(list(places)[::every], list(words)[::every])


def spanned(axes: "Axes", height: float, told: Range, scale: float, line: str) -> None:
    """A value's interval as a line along the x axis, where there is one."""
    if told.low is not None and told.high is not None:
        axes.plot(
            [scale * told.low, scale * told.high],
            [height] * 2,
            color=line,
            linewidth=2,
            solid_capstyle="butt",
        )


def fitted(words: str, width: float) -> str:
    """Words of an axis on as many lines as a figure's width asks for."""
    return "\n".join(wrap(words, 34)) if width <= NARROW else words
