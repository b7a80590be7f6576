"""The pure heart: a batch of decision points in, probabilities and picks out.

The same function serves the endpoint, the batch, the simulator and the benchmarks. Probabilities
are computed, bounded and counted in units of 2⁻³², and the action is drawn from those very
numbers, so the stored propensity is exact by construction.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from engagement.actions.action import NONE
from engagement.actions.availability import Reason, Refusals
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.propensity import bounded, in_units, pick
from engagement.errors import Unusable
from engagement.records import Course, Floats, Integers, Nodes, Points, Scores, Units
from engagement.strategy.arms import Arm
from engagement.strategy.prices import less
from engagement.strategy.purse import Purse, left_before, take, turns, within
from engagement.strategy.strategy import Strategy

CERTAIN = 1 << 32


class Asked(NamedTuple):
    """N decision points: what a belief sees, what is refused, and the keyed draws.

    refusals : (N, K) codes    uniforms : N integers in [0, 2⁵³)
    fixed : N flags, true where the unit declined chance
    price : (N, K) what is taken off the scores, None for nothing
    floor : (N,) least probability of an available action, None for the strategy's own everywhere
    arms : N, or nothing where the belief decides for all
    """

    points: Points
    refusals: Refusals
    uniforms: tuple[int, ...]
    fixed: tuple[bool, ...]
    price: Floats | None = None
    floor: Floats | None = None
    arms: tuple[Arm, ...] = ()


class Decided(NamedTuple):
    """The answer to `Asked`, row by row.

    scores : after prices
    refusals : as asked, with those of `Purse` added    fallback : why the fallback decided, or None
    beside : what the belief would have drawn from where it only watched, else 0
    """

    scores: Scores
    refusals: Refusals
    probability: Units
    picked: Integers
    fallback: tuple[str | None, ...]
    beside: Units


def decide(strategy: Strategy, nodes: Nodes, asked: Asked, purse: Purse) -> Decided:
    """Decides N points, so that each probability is true of what was left at its turn.

    The rows are in key order. Those that could use up together what they draw on take turns in that
    order; all others are decided at once.
    """
    everywhere: Arm = "learning"
    arms = asked.arms or (everywhere,) * len(asked.fixed)
    unpriced, broken = _believed(strategy, nodes, asked.points)
    scores = less(unpriced, asked.price)
    fallback = tuple(map(partial(_fallback, broken), asked.fixed, arms))
    everybody, course = np.arange(len(asked.refusals)), asked.points.course
    refusals = within(purse, everybody, purse.left, asked.refusals)
    probability = np.zeros(refusals.shape, np.uint64)
    believed = np.zeros_like(probability)
    picked = np.zeros(len(refusals), np.int64)
    left, turn_of = purse.left.copy(), turns(purse, refusals)
    for turn in range(turn_of.max(initial=0) + 1):
        rows = np.flatnonzero(turn_of == turn)
        refusals[rows] = within(purse, rows, left, refusals[rows])
        believed[rows] = shares(
            strategy,
            scores.rows(rows),
            refusals[rows],
            Course(course.made[rows], course.remaining[rows]),
            None if asked.floor is None else asked.floor[rows],
        )
        probability[rows] = _settled(
            strategy,
            believed[rows],
            refusals[rows],
            [fallback[row] for row in rows],
            [arms[row] for row in rows],
        )
        picked[rows] = pick(probability[rows], [asked.uniforms[row] for row in rows])
        take(purse, rows, picked[rows], left)
    refusals = within(purse, everybody, left_before(purse, picked), asked.refusals)
    watched = [arm == "shadow" and not (broken or why) for arm, why in zip(arms, fallback, strict=True)]
    believed[~np.array(watched, np.bool_)] = 0
    return Decided(_outside_control(scores, arms), refusals, probability, picked, fallback, believed)


def shares(
    strategy: Strategy, scores: Scores, refusals: Refusals, course: Course, floor: Floats | None = None
) -> Units:
    """The propensities that scores, availability and course lead to: (N, K) units of 2⁻³².

    floor : (N,), None for the strategy's own bounds everywhere
    """
    available = refusals == Reason.AVAILABLE
    rho = strategy.allocation.probabilities(scores, available, course)
    warming = (course.made < strategy.warm_up)[:, None]
    rho = np.where(warming, Uniform().probabilities(scores, available, course), rho)
    least = np.array(strategy.least) if floor is None else floor[:, None]
    return in_units(bounded(rho, available, least))


def fixed_choice(strategy: Strategy, refusals: Refusals) -> int:
    """Index of the fallback's action for one row: its first available one, else `none`.

    refusals : (K,)
    """
    columns = (1 + strategy.actions.index(action) for action in strategy.fallback.actions)
    return next((column for column in columns if refusals[column] == Reason.AVAILABLE), 0)


def baseline_shares(strategy: Strategy, arm: Arm, refusals: Refusals) -> Units:
    """The propensities of what decides in an arm instead of the belief: (N, K), all 0 where nothing does."""
    baseline = strategy.baseline(arm)
    if baseline is None:
        return np.zeros(refusals.shape, np.uint64)
    return in_units(baseline.probabilities((NONE, *strategy.actions), refusals == Reason.AVAILABLE))


def _believed(strategy: Strategy, nodes: Nodes, points: Points) -> tuple[Scores, str | None]:
    """The belief's scores, or zeros and the reason when it gives no usable numbers."""
    actions = 1 + len(strategy.actions)
    try:
        return strategy.posterior.scores(nodes, points, actions), None
    except Unusable:
        nothing = np.zeros((len(points.features), actions))
        return Scores("normal", nothing, nothing), "belief_unusable"


def _outside_control(scores: Scores, arms: Sequence[Arm]) -> Scores:
    """The scores, and zeros for control groups: there they have no part in anything."""
    inside = np.array([arm == "control" for arm in arms], np.bool_)[:, None]
    return scores._replace(mean=np.where(inside, 0.0, scores.mean), sd=np.where(inside, 0.0, scores.sd))


def _fallback(broken: str | None, fixed: bool, arm: Arm) -> str | None:
    """Why the fallback decides for a row, if it does: no belief is needed where a baseline decides."""
    if fixed:
        return broken or "chance_declined"
    return broken if arm == "learning" else None


def _settled(
    strategy: Strategy,
    believed: Units,
    refusals: Refusals,
    fallback: Sequence[str | None],
    arms: Sequence[Arm],
) -> Units:
    """Probabilities of rows whose availability is settled: the belief's, a baseline's or the fallback's."""
    probability = believed.copy()
    for arm in sorted(set(arms) - {"learning"}):
        rows = np.flatnonzero([other == arm for other in arms])
        probability[rows] = baseline_shares(strategy, arm, refusals[rows])
    for row, reason in enumerate(fallback):
        if reason is not None:
            probability[row] = 0
            probability[row, fixed_choice(strategy, refusals[row])] = CERTAIN
    return probability
