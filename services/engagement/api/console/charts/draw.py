"""The one number that decided: the probabilities laid end to end, and where it fell."""

from collections.abc import Sequence

from markupsafe import Markup

from engagement.api.console import numbers
from engagement.api.console.charts.svg import fluid, group, line, percent, rect, text


def draw(chances: Sequence[tuple[str, float]], uniform: float, drawn: str, label: str) -> Markup:
    """Chances : (title, probability) in the order in which they were laid      uniform : 0 to 1"""
    parts, at = [], 0.0
    for title, share in chances:
        chosen = title == drawn
        bar = rect(percent(at), 26, percent(max(0.0, share - 0.003)), 16, "f" if chosen else "f faint")
        parts.append(group("c-blue" if chosen else "c-grey", bar))
        if chosen:
            late = at + share / 2 > 0.5
            parts.append(text(percent(at + share if late else at), 58, title, "ts", "end" if late else ""))
        at += share
    mark = percent(uniform)
    side = "end" if uniform > 0.85 else "" if uniform < 0.15 else "middle"
    parts += [
        line(mark, 18, mark, 46, "end"),
        text(mark, 12, f"u = {numbers.number(uniform, 4)}", "ts", side),
    ]
    return fluid(66, label, *parts)
