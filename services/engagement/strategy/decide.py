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
from engagement.strategy.purse import Purse, left_before, take, turns, within
from engagement.strategy.strategy import Strategy

CERTAIN = 1 << 32


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

    refusals : as asked, with those of `Purse` added    fallback : why the fallback decided, or None
    """

    scores: Scores
    refusals: Refusals
    probability: Units
    picked: Integers
    fallback: tuple[str | None, ...]


def decide(strategy: Strategy, nodes: Nodes, asked: Asked, purse: Purse) -> Decided:
    """Decides N points, so that each probability is true of what was left at its turn.

    The rows are in key order. Those that could use up together what they draw on take turns in that
    order; all others are decided at once.
    """
    scores, broken = _believed(strategy, nodes, asked.points)
    fallback = tuple(broken or ("chance_declined" if fixed else None) for fixed in asked.fixed)
    everybody = np.arange(len(asked.refusals))
    refusals = within(purse, everybody, purse.left, asked.refusals)
    probability = np.zeros(refusals.shape, np.uint64)
    picked = np.zeros(len(refusals), np.int64)
    left, turn_of = purse.left.copy(), turns(purse, refusals)
    for turn in range(turn_of.max(initial=0) + 1):
        rows = np.flatnonzero(turn_of == turn)
        refusals[rows] = within(purse, rows, left, refusals[rows])
        probability[rows], picked[rows] = _drawn(
            strategy,
            scores.rows(rows),
            refusals[rows],
            asked.points.remaining[rows],
            [asked.uniforms[row] for row in rows],
            [fallback[row] for row in rows],
        )
        take(purse, rows, picked[rows], left)
    refusals = within(purse, everybody, left_before(purse, picked), asked.refusals)
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
    strategy: Strategy,
    scores: Scores,
    refusals: Refusals,
    remaining: Floats,
    uniforms: Sequence[int],
    fallback: Sequence[str | None],
) -> tuple[Units, Integers]:
    """Probabilities and picks of rows whose availability is settled."""
    probability = shares(strategy.allocation, strategy.floor, scores, refusals, remaining)
    for row, reason in enumerate(fallback):
        if reason is not None:
            probability[row] = 0
            probability[row, fixed_choice(strategy, refusals[row])] = CERTAIN
    return probability, pick(probability, uniforms)
