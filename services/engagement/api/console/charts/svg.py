"""The strokes that every figure is made of."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Point = tuple[float, float]


def short(value: float) -> str:
    """A coordinate with at most one decimal place."""
    return f"{value:.1f}".removesuffix(".0")


def percent(value: float) -> str:
    """A place on a figure that is as wide as it may be, 0 to 1."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def line(x1: float | str, y1: float, x2: float | str, y2: float, kind: str) -> str:
    """A straight line; x may be a place in per cent."""
    return f'<line x1="{_at(x1)}" y1="{short(y1)}" x2="{_at(x2)}" y2="{short(y2)}" class="{kind}"/>'


def rect(x: float | str, y: float, width: float | str, height: float, kind: str) -> str:
    """A bar."""
    return f'<rect x="{_at(x)}" y="{short(y)}" width="{_at(width)}" height="{short(height)}" class="{kind}"/>'


def circle(x: float | str, y: float, radius: float, kind: str) -> str:
    """A dot."""
    return f'<circle cx="{_at(x)}" cy="{short(y)}" r="{short(radius)}" class="{kind}"/>'


def text(x: float | str, y: float, words: str, kind: str, anchor: str = "") -> str:
    """Words. anchor : `middle` or `end`, else they begin at x"""
    where = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{_at(x)}" y="{short(y)}" class="{kind}"{where}>{escape(words)}</text>'


def bars(places: Iterable[tuple[float, float, float, float]], kind: str) -> str:
    """Many bars (x, y, width, height) in one stroke; nothing where there is none."""
    drawn = "".join(
        f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"
        for x, y, width, height in places
    )
    return f'<path d="{drawn}" class="f {kind}"/>' if drawn else ""


def trail(points: Sequence[Point], kind: str, *, closed: bool = False) -> str:
    """A line through points, or an area."""
    if not points:
        return ""
    drawn = "M" + "L".join(f"{short(x)} {short(y)}" for x, y in points) + ("Z" if closed else "")
    return f'<path d="{drawn}" class="{kind}"/>'


def steps(points: Sequence[Point], until: float, kind: str) -> str:
    """A step line: each value holds until the next; the last until `until`."""
    if not points:
        return ""
    drawn = f"M{short(points[0][0])} {short(points[0][1])}"
    drawn += "".join(f"H{short(x)}V{short(y)}" for x, y in points[1:])
    return f'<path d="{drawn}H{short(until)}" class="{kind}"/>'


def cross(x: float, y: float, size: float = 4) -> str:
    """A small ×."""
    high = short(2 * size)
    return f'<path d="M{short(x - size)} {short(y - size)}l{high} {high}m0-{high}l-{high} {high}" class="l"/>'


def group(kind: str, *parts: str) -> str:
    """Strokes that share a colour."""
    return f'<g class="{kind}">{"".join(parts)}</g>'


def drawing(width: float, height: float, label: str, *parts: str, kind: str = "") -> Markup:
    """A figure of fixed proportions. label : "" for what only repeats figures beside it"""
    view = f'viewBox="0 0 {short(width)} {short(height)}"'
    size = f' width="{short(width)}" height="{short(height)}" class="{kind}"' if kind else ""
    return _svg(f"{view}{size}", label, parts)


def fluid(height: float, label: str, *parts: str) -> Markup:
    """A figure as wide as its place. label : as above"""
    return _svg(f'height="{short(height)}" class="rowsvg"', label, parts)


def _svg(form: str, label: str, parts: Iterable[str]) -> Markup:
    told = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    # every word in the parts was escaped where it was written
    return Markup(f"<svg {form} {told}>{''.join(parts)}</svg>")  # noqa: S704


def _at(place: float | str) -> str:
    return place if isinstance(place, str) else short(place)
