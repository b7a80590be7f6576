"""The one number that decided: the probabilities laid end to end, and where it fell."""

from collections.abc import Sequence

from markupsafe import Markup

from engagement.api.console import numbers
from engagement.api.console.charts.svg import fluid, group, line, percent, rect, text

LETTER, NARROWEST = 7.2, 310.0
"""About so wide are a letter, and the figure on a phone."""


def draw(chances: Sequence[tuple[str, float]], uniform: float, drawn: str, label: str) -> Markup:
    """Chances : (title, probability) in the order in which they were laid      uniform : 0 to 1"""
    parts, at = [], 0.0
    for title, share in chances:
        chosen = title == drawn
        bar = rect(percent(at), 26, percent(max(0.0, share - 0.003)), 16, "f" if chosen else "f faint")
        parts.append(group("c-blue" if chosen else "c-grey", bar))
        if chosen:
            parts.append(_named(title, at, share))
        at += share
    mark = percent(uniform)
    side = "end" if uniform > 0.85 else "" if uniform < 0.15 else "middle"
    parts += [
        line(mark, 18, mark, 46, "end"),
        text(mark, 12, f"u = {numbers.number(uniform, 4)}", "ts", side),
    ]
    return fluid(66, label, *parts)


def _named(title: str, at: float, share: float) -> str:
    """The name below its part: from its left edge, up to its right one, or else from the figure's left."""
    wanted = LETTER * len(title)
    if wanted <= (1 - at) * NARROWEST:
        return text(percent(at), 58, title, "ts")
    if wanted <= (at + share) * NARROWEST:
        return text(percent(at + share), 58, title, "ts", "end")
    return text("0", 58, title, "ts")
