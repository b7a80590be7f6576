"""The pure heart: a batch of decision points in, probabilities and picks out.

The same function serves the endpoint, the batch, the simulator and the benchmarks. Probabilities
are computed, bounded and counted in units of 2⁻³², and the action is drawn from those very
numbers, so the stored propensity is exact by construction.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engagement.actions.availability import Reason, Refusals
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.errors import Unusable
from engagement.records import Floats, Integers, Nodes, Points, Scores, Units
from engagement.strategy.strategy import Strategy

CERTAIN = 1 << 32


class Purse(NamedTuple):
    """What the actions draw on, and what is left of it.

    resource : (K,) index into `left`, −1 for none    cost : (K,)    left : (R,), minor units
    """

    resource: Integers
    cost: Integers
    left: Integers


class Asked(NamedTuple):
    """N decision points: what a belief sees, what is refused, and the keyed draws.

    refusals : (N, K) codes    uniforms : N integers in [0, 2⁵³)
    fixed : N flags, true where the unit declined chance
    """

    points: Points
    refusals: Refusals
    uniforms: tuple[int, ...]
    fixed: tuple[bool, ...]


class Decided(NamedTuple):
    """The answer to `Asked`, row by row.

    refusals : as asked, with the budget's added    fallback : why the fallback decided, or None
    """

    scores: Scores
    refusals: Refusals
    probability: Units
    picked: Integers
    fallback: tuple[str | None, ...]


def decide(strategy: Strategy, nodes: Nodes, asked: Asked, purse: Purse) -> Decided:
    """Decides N points in key order, so that each probability is true of what was left at its turn."""
    refusals = _within(purse, purse.left, asked.refusals)
    scores, broken = _believed(strategy, nodes, asked.points)
    fallback = tuple(broken or ("chance_declined" if fixed else None) for fixed in asked.fixed)
    if _covers_the_worst_case(purse, refusals):
        probability, picked = _drawn(strategy, scores, refusals, asked, fallback)
        return Decided(scores, refusals, probability, picked, fallback)
    probability = np.zeros(refusals.shape, np.uint64)
    picked = np.zeros(len(refusals), np.int64)
    left = purse.left.copy()
    for row in range(len(refusals)):
        one = slice(row, row + 1)
        refusals[row] = _within(purse, left, refusals[row])
        probability[one], picked[one] = _drawn(
            strategy,
            Scores(scores.family, scores.mean[one], scores.sd[one]),
            refusals[one],
            _part(asked, one),
            fallback[one],
        )
        action = picked[row]
        if purse.resource[action] >= 0:
            left[purse.resource[action]] -= purse.cost[action]
    return Decided(scores, refusals, probability, picked, fallback)


def shares(
    allocation: AnyAllocation, floor: float, scores: Scores, refusals: Refusals, remaining: Floats
) -> Units:
    """The propensities that scores and availability lead to: (N, K) units of 2⁻³²."""
    available = refusals == Reason.AVAILABLE
    return in_units(bounded(allocation.probabilities(scores, available, remaining), available, floor))


def fixed_choice(strategy: Strategy, refusals: Refusals) -> int:
    """Index of the fallback's action for one row: its first available one, else `none`.

    refusals : (K,)
    """
    columns = (1 + strategy.actions.index(action) for action in strategy.fallback.actions)
    return next((column for column in columns if refusals[column] == Reason.AVAILABLE), 0)


def _believed(strategy: Strategy, nodes: Nodes, points: Points) -> tuple[Scores, str | None]:
    """The belief's scores, or zeros and the reason when it gives no usable numbers."""
    actions = 1 + len(strategy.actions)
    try:
        return strategy.posterior.scores(nodes, points, actions), None
    except Unusable:
        nothing = np.zeros((len(points.features), actions))
        return Scores("normal", nothing, nothing), "belief_unusable"


def _drawn(
    strategy: Strategy, scores: Scores, refusals: Refusals, asked: Asked, fallback: Sequence[str | None]
) -> tuple[Units, Integers]:
    """Probabilities and picks of rows whose availability is settled."""
    probability = shares(strategy.allocation, strategy.floor, scores, refusals, asked.points.remaining)
    for row, reason in enumerate(fallback):
        if reason is not None:
            probability[row] = 0
            probability[row, fixed_choice(strategy, refusals[row])] = CERTAIN
    return probability, pick(probability, asked.uniforms)


def _covers_the_worst_case(purse: Purse, refusals: Refusals) -> bool:
    """Whether every row could take its dearest available action and still leave something."""
    for resource, left in enumerate(purse.left):
        costs = np.where(purse.resource == resource, purse.cost, 0)
        if np.where(refusals == Reason.AVAILABLE, costs, 0).max(axis=1).sum() > left:
            return False
    return True


def _within(purse: Purse, left: Integers, refusals: Refusals) -> Refusals:
    """Refusals of one row or all, with the actions that what is left no longer pays for."""
    drawing = purse.resource >= 0
    if not drawing.any():
        return refusals.copy()
    dear = drawing & (purse.cost > left[np.where(drawing, purse.resource, 0)])
    return np.where(dear & (refusals == Reason.AVAILABLE), np.uint8(Reason.BUDGET), refusals)


def _part(asked: Asked, rows: slice) -> Asked:
    """The same question for a part of the rows."""
    points = Points(
        asked.points.features[rows],
        asked.points.groups[rows],
        asked.points.members[rows],
        asked.points.remaining[rows],
    )
    return Asked(points, asked.refusals[rows], asked.uniforms[rows], asked.fixed[rows])
