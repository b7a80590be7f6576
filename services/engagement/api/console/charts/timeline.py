"""A group's months on one line: who came, its index and state, its goals, and what was carried out.

All lanes share their x. On a phone the line is the last twelve months.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from engagement.api.console.charts.spark import FEWEST
from engagement.api.console.charts.svg import (
    circle,
    cross,
    drawing,
    group,
    line,
    rect,
    short,
    text,
    trail,
)

LEVELS = ("thriving", "wavering", "dormant")
COLOUR = {"thriving": "c-blue", "wavering": "c-ochre", "dormant": "c-verm"}
KINDS = ("nudge", "incentive", "chw_linkage")
ENDINGS = {"met": "c-blue", "partly": "c-blue", "missed": "c-verm", "dropped": "c-verm"}
LETTER = 6.6
"""A letter is about so wide."""
TALL = 10
"""People at the full height of a bar."""


class MonthDrawn(NamedTuple):
    """A month of the line. phase : on its first day      others as `GroupCourse` has them"""

    label: str
    came: int | None
    expected: int | None
    held: bool
    missed: bool
    value: float | None
    state: str | None
    phase: str
    goals_met: int
    goals_missed: int


class GoalDrawn(NamedTuple):
    """A goal from the month in which it was set to that of its ending; None while it is open."""

    words: str
    from_month: int
    to_month: int | None
    ending: str | None


class ActionDrawn(NamedTuple):
    """What was carried out of a kind in a month."""

    month: int
    kind: str
    number: int


class Words(NamedTuple):
    """What stands in the figure. phases, states, kinds : by their names"""

    label: str
    came: str
    came_unit: str
    picture: str
    picture_unit: str
    state: str
    goals: str
    goals_unit: str
    actions: str
    actions_unit: str
    end: str
    enrolled: Callable[[int], str]
    phases: dict[str, str]
    states: dict[str, str]
    kinds: dict[str, str]


class Size(NamedTuple):
    """Of a drawing: margins for the names of lanes and for last values, and how many months it shows."""

    width: float
    left: float
    right: float
    months: int


WIDE, MIDDLE, NARROW = Size(1120, 166, 124, 24), Size(720, 150, 100, 24), Size(328, 2, 84, 12)


class _Line:
    """One drawing in the making: strokes from top to bottom."""

    def __init__(self, months: Sequence[MonthDrawn], size: Size, words: Words) -> None:
        self.months, self.size, self.words = months, size, words
        self.step = (size.width - size.left - size.right) / max(len(months), 1)
        self.far = size.width - size.right
        self.y = 44.0
        self.parts: list[str] = []

    @property
    def narrow(self) -> bool:
        """Whether lanes are named above them instead of beside."""
        return self.size.left < 60

    def x(self, place: float) -> float:
        """The left of a month."""
        return self.size.left + self.step * place

    def middle(self, place: float) -> float:
        """Its middle."""
        return self.x(place + 0.5)

    def name(self, words: str, unit: str) -> None:
        """Names a lane, and leaves room where the name stands above it."""
        if self.narrow:
            self.parts.append(text(self.size.left, self.y + 10, f"{words}, {unit}" if unit else words, "ts"))
            self.y += 20
        else:
            self.parts += [text(0, self.y + 12, words, "ts"), text(0, self.y + 28, unit, "th")]

    def beside(self, y: float, words: str, kind: str = "t") -> None:
        """Says something at the right end of a lane."""
        self.parts.append(text(self.far + 6, y, words, kind))


def timeline(
    months: Sequence[MonthDrawn],
    goals: Sequence[GoalDrawn],
    actions: Sequence[ActionDrawn],
    words: Words,
    size: Size,
) -> Markup:
    """The figure. goals, actions : their months count from the first of `months`"""
    cut = max(0, len(months) - size.months)
    made = _Line(months[cut:], size, words)
    _came(made)
    _index(made)
    _state(made)
    _goals(made, [_moved(goal, cut) for goal in goals if (goal.to_month or cut) >= cut])
    _actions(made, [one._replace(month=one.month - cut) for one in actions if one.month >= cut])
    bottom = made.y + 4
    phases = _phases(made, bottom)
    _labels(made, bottom + 14)
    return drawing(size.width, bottom + 22, words.label, *phases, *made.parts)


def _moved(goal: GoalDrawn, cut: int) -> GoalDrawn:
    to = None if goal.to_month is None else goal.to_month - cut
    return goal._replace(from_month=max(goal.from_month - cut, 0), to_month=to)


def _phases(made: _Line, bottom: float) -> list[str]:
    """The band behind all lanes, each phase named once, and the line of the program's end."""
    parts, place = [], 0
    for phase, some in groupby(made.months, key=lambda month: month.phase):
        count = len(list(some))
        kind = {"handover": "ph-hand", "sustaining": "ph-sus"}.get(phase)
        if kind:
            parts.append(rect(made.x(place), 24, made.step * count, bottom - 24, kind))
        name = made.words.phases[phase]
        if made.step * count > 7.2 * len(name) + 8:
            parts.append(text(made.x(place) + 6, 38, name, "th"))
        if phase == "sustaining" and place:
            at = made.x(place)
            leftward = at + 6 + 7.2 * len(made.words.end) > made.size.width
            parts += [
                line(at, 4, at, bottom, "end"),
                text(at + (-6 if leftward else 6), 14, made.words.end, "ts", "end" if leftward else ""),
            ]
        place += count
    return parts


def _labels(made: _Line, y: float) -> None:
    every = max(1, round(34 / made.step))
    made.parts += [
        text(made.middle(place), y, month.label, "th", "middle")
        for place, month in enumerate(made.months)
        if (len(made.months) - 1 - place) % every == 0
    ]


def _came(made: _Line) -> None:
    made.name(made.words.came, made.words.came_unit)
    height, top = 72.0, made.y + (14 if made.narrow else 8)
    foot, width = top + height, made.step * 0.6
    inside = made.step >= 26
    for place, month in enumerate(made.months):
        x = made.middle(place)
        if not month.held and month.missed:
            made.parts.append(group("c-verm", cross(x, foot - 7)))
        elif month.held and month.came is not None:
            failed = month.came < FEWEST
            colour = "c-verm" if failed else "c-blue" if month.phase == "sustaining" else "c-grey"
            tall = max(2.0, height * min(month.came, TALL) / TALL)
            made.parts.append(rect(x - width / 2, foot - tall, width, tall, f"f {colour}"))
            within = inside and tall > 16
            y = foot - tall + 13 if within else foot - tall - 4
            made.parts.append(text(x, y, str(month.came), "onb" if within else "t", "middle"))
        elif month.held:
            made.parts.append(circle(x, foot - 7, 4, "hollow c-grey"))
    seats = [
        (made.x(place), foot - height * min(month.expected, TALL) / TALL)
        for place, month in enumerate(made.months)
        if month.expected
    ]
    if seats:
        made.parts.append(trail([*seats, (made.far, seats[-1][1])], "l1 c-ink"))
        last = next(month.expected for month in reversed(made.months) if month.expected)
        made.beside(seats[-1][1] + 4, made.words.enrolled(last))
    made.parts.append(line(made.size.left, foot, made.far, foot, "ax"))
    made.y = foot + 26


def _index(made: _Line) -> None:
    made.name(made.words.picture, made.words.picture_unit)
    top, height = made.y, 70.0 if made.narrow else 92.0

    def y(value: float) -> float:
        return top + height * (1 - value / 100)

    for value in (0, 50, 100):
        made.parts.append(line(made.size.left, y(value), made.far, y(value), "grid"))
        if not made.narrow:
            made.parts.append(text(made.size.left - 6, y(value) + 4, str(value), "th", "end"))
    points = [
        (made.middle(place), y(month.value))
        for place, month in enumerate(made.months)
        if month.value is not None
    ]
    if points:
        x, last = points[-1]
        made.parts.append(group("c-blue", trail(points, "l"), circle(x, last, 4, "dot")))
        latest = next(month.value for month in reversed(made.months) if month.value is not None)
        made.beside(last + 4, f"{latest:.0f}", "tl")
    made.y = top + height + 26


def _state(made: _Line) -> None:
    made.name(made.words.state, "")
    top, gap = made.y + 6, 17.0
    last = made.months[-1].state if made.months else None
    for row, name in enumerate(LEVELS):
        y = top + gap * row
        made.parts.append(line(made.size.left, y, made.far, y, "grid"))
        colour = COLOUR[name] if name == last else ""
        made.parts.append(
            group(colour, text(made.far + 6, y + 4, made.words.states[name], "f ts" if colour else "th"))
        )
    place, before = 0, None
    for state, some in groupby(made.months, key=lambda month: month.state):
        count = len(list(some))
        if state in COLOUR:
            y = top + gap * LEVELS.index(state)
            made.parts.append(rect(made.x(place), y - 3, made.step * count, 6, f"f {COLOUR[state]}"))
            if before is not None:
                made.parts.append(line(made.x(place), before, made.x(place), y, "ax"))
            before = y
        elif state in ("dissolved", "ended"):
            made.parts.append(group("c-grey", cross(made.middle(place), top + 2 * gap)))
            before = None
        else:
            before = None
        place += count
    made.y = top + 2 * gap + 28


def _goals(made: _Line, goals: Sequence[GoalDrawn]) -> None:
    made.name(made.words.goals, made.words.goals_unit)
    top, height = made.y, 26.0
    most = max((month.goals_met + month.goals_missed for month in made.months), default=0) or 1
    width, foot = made.step * 0.6, made.y + 26
    for place, month in enumerate(made.months):
        asked = month.goals_met + month.goals_missed
        if asked:
            x = made.middle(place) - width / 2
            made.parts.append(rect(x, foot - height * asked / most, width, height * asked / most, "track"))
            met = height * month.goals_met / most
            made.parts.append(rect(x, foot - met, width, met, "f c-blue"))
    made.parts.append(line(made.size.left, foot, made.far, foot, "ax"))
    last = next((row for row in reversed(made.months) if row.goals_met + row.goals_missed), None)
    if last is not None:
        made.beside(foot - 4, f"{last.goals_met}/{last.goals_met + last.goals_missed}")
    y = top + height + 18
    for goal in goals:
        _goal(made, goal, y)
        y += 21
    made.y = y + 10


def _goal(made: _Line, goal: GoalDrawn, y: float) -> None:
    last = len(made.months) - 1
    start = made.middle(goal.from_month)
    end = made.middle(min(last if goal.to_month is None else goal.to_month, last))
    colour = ENDINGS.get(goal.ending or "")
    mark = (
        circle(end, y, 5, "hollow")
        if colour is None or goal.ending == "partly"
        else circle(end, y, 5, "f")
        if goal.ending == "met"
        else cross(end, y)
    )
    made.parts.append(group(colour or "c-ink", line(start, y, end, y, "l1"), circle(start, y, 2, "f"), mark))
    wanted = LETTER * len(goal.words)
    if end + 12 + wanted <= made.size.width:
        made.parts.append(text(end + 10, y + 4, goal.words, "t halo"))
    elif start - made.size.left > wanted:
        made.parts.append(text(start - 8, y + 4, goal.words, "t halo", "end"))
    else:
        made.parts.append(text(end - 12, y - 7, goal.words, "t halo", "end"))


def _actions(made: _Line, actions: Sequence[ActionDrawn]) -> None:
    made.name(made.words.actions, made.words.actions_unit)
    top, gap = made.y + 8, 30.0
    for row, kind in enumerate(KINDS):
        y = top + gap * row
        made.parts.append(line(made.size.left, y, made.far, y, "grid"))
        made.beside(y + 4, made.words.kinds[kind], "th")
    for one in actions:
        if one.kind in KINDS:
            x, y = made.middle(one.month), top + gap * KINDS.index(one.kind)
            made.parts.append(group("c-ink", _mark(one.kind, x, y)))
            if one.number > 1:
                made.parts.append(text(x, y + 19, str(one.number), "th", "middle"))
    made.y = top + 2 * gap + 24


def _mark(kind: str, x: float, y: float) -> str:
    """◆ for a nudge, ▲ for an incentive, ■ for a link to a health worker."""
    strokes = {
        "nudge": f"M{short(x)} {short(y - 6)}l6 6l-6 6l-6-6z",
        "incentive": f"M{short(x)} {short(y - 6)}l6 11h-12z",
        "chw_linkage": f"M{short(x - 5)} {short(y - 5)}h10v10h-10z",
    }
    return f'<path d="{strokes[kind]}" class="f"/>'
