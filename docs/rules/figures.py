"""Draws each rule's figure: how often it takes an action, before bounds. No plotting library is needed.

    PYTHONPATH=services python docs/rules/figures.py        writes the pictures beside the pages

Three actions are there: `none`, whose score is certain and 0; a rival that looks 0.05 better, give or take
0.1; and the action of the picture. A rule for two actions has no rival.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.epsilon_greedy import EpsilonGreedy
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.kl_ucb import KlUcb
from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.bandits.allocations.smooth import Smooth
from engagement.bandits.allocations.smooth_logistic import SmoothLogistic
from engagement.bandits.allocations.softmax import Softmax
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.top_two import TopTwo
from engagement.bandits.allocations.ucb import Ucb
from engagement.bandits.allocations.uniform import Uniform
from engagement.records import Course, Floats, Scores

HERE = Path(__file__).parent
WIDTH, HEIGHT, LEFT, TOP, WIDE, HIGH = 420, 240, 48, 16, 352, 168
INKS = ("#0072b2", "#d55e00", "#009e73")  # told apart by the colour-blind too (Okabe & Ito 2008)
DASHES = ("none", "7 4", "2 3")
RIVAL, RIVAL_SD = 0.05, 0.1
ADVANTAGE = np.linspace(-0.5, 0.5, 101)


class Line(NamedTuple):
    """A curve, its places across and its words."""

    words: str
    x: Floats
    y: Floats


def by_advantage(rule: AnyAllocation, words: str, sd: float, remaining: float = 120) -> Line:
    """The action's probability as its believed advantage over `none` grows."""
    columns = [np.zeros(101), ADVANTAGE]
    spreads = [np.zeros(101), np.full(101, sd)]
    if rule.flaw(3) is None:
        columns.append(np.full(101, RIVAL))
        spreads.append(np.full(101, RIVAL_SD))
    scores = Scores("normal", np.column_stack(columns), np.column_stack(spreads))
    course = Course(np.zeros(101, np.int64), np.full(101, remaining))
    return Line(words, ADVANTAGE, rule.probabilities(scores, scores.mean == scores.mean, course)[:, 1])


def by_decision(rule: AnyAllocation, words: str) -> Line:
    """The action's probability at a unit's first twelve decisions, as steps."""
    made = np.arange(12)
    scores = Scores("normal", np.zeros((12, 3)), np.zeros((12, 3)))
    taken = rule.probabilities(scores, scores.mean == 0, Course(made, np.full(12, 120.0)))[:, 1]
    return Line(words, np.repeat(np.arange(13), 2)[1:-1].astype(float), np.repeat(taken, 2))


def two_sds(rule: AnyAllocation) -> list[Line]:
    """Curves of a belief that is sure and of one that is not."""
    return [by_advantage(rule, f"sd {sd}", sd) for sd in (0.05, 0.2)]


FIGURES: dict[str, Callable[[], list[Line]]] = {
    "uniform": lambda: [by_advantage(Uniform(), "whatever is believed", 0.1)],
    "fixed_schedule": lambda: [by_decision(FixedSchedule(order=(1, 1, 0, 2)), "order 1, 1, 0, 2")],
    "round_robin": lambda: [by_decision(RoundRobin(), "three available")],
    "thompson": lambda: two_sds(Thompson()),
    "horizon_thompson": lambda: [
        by_advantage(HorizonThompson(), f"{left:,} to come", 0.2, left) for left in (10, 120, 10_000)
    ],
    "top_two": lambda: two_sds(TopTwo()),
    "epsilon_greedy": lambda: [by_advantage(EpsilonGreedy(), "whatever the sd", 0.1)],
    "softmax": lambda: [
        by_advantage(Softmax(temperature), f"temperature {temperature}", 0.1)
        for temperature in (0.05, 0.1, 0.3)
    ],
    "ucb": lambda: two_sds(Ucb()),
    "kl_ucb": lambda: two_sds(KlUcb()),
    "smooth": lambda: two_sds(Smooth()),
    "smooth_logistic": lambda: two_sds(SmoothLogistic()),
}


def drawn(name: str) -> str:
    """The picture as SVG."""
    lines = FIGURES[name]()
    first, last = lines[0].x[0], lines[0].x[-1]
    across = "decision of the unit" if first == 0 else "believed advantage over none"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        f"<title>{name}: how often the action is taken</title>",
        "<style>text { font: 12px sans-serif; paint-order: stroke; stroke: #fff; stroke-width: 4px }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for share in (0, 0.5, 1):
        y = TOP + HIGH * (1 - share)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{WIDE}" stroke="#ccc"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:g}</text>')
    for place in np.linspace(first, last, 5):
        x = LEFT + WIDE * (place - first) / (last - first)
        parts.append(f'<text x="{x:.1f}" y="{TOP + HIGH + 18}" text-anchor="middle">{place:g}</text>')
    parts.append(f'<text x="{LEFT + WIDE / 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>')
    for number, (line, ink, dash) in enumerate(zip(lines, INKS, DASHES, strict=False)):
        xs, ys = LEFT + WIDE * (line.x - first) / (last - first), TOP + HIGH * (1 - line.y)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        style = f'stroke="{ink}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{points}" fill="none" {style}/>')
        height = TOP + 14 + 18 * number
        parts.append(f'<path d="M{LEFT + 8} {height}h26" {style}/>')
        parts.append(f'<text x="{LEFT + 40}" y="{height + 4}">{line.words}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    for figure in FIGURES:
        (HERE / f"{figure}.svg").write_text(drawn(figure))
