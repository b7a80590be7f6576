"""Whether intervals of effects hold when what is drawn follows from what was learned of all groups."""

import numpy as np
import pytest

from engagement.actions.availability import Reason
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.bandits.propensity import ONE
from engagement.estimators.each_action import each_action
from engagement.estimators.excursion import Excursions
from engagement.records import Batch, Course, Points
from engagement.strategy.decide import shares
from engagement.strategy.strategy import Strategy

GROUPS, SEATS, ROUNDS, ACTIONS = 20, 8, 12, 3
TRUTH = (0.1, 0.0)
REPEATS = 100
LEARNING = Strategy(
    id="learning",
    title="Learning",
    actions=("call", "story"),
    features=("intercept",),
    posterior=PooledLinear(),
)


def program(rng: np.random.Generator, strategy: Strategy) -> Excursions:
    """A year of synthetic groups that differ, with one fold a round, over all of them together."""
    units = GROUPS * SEATS
    cluster = np.repeat(np.arange(GROUPS), SEATS)
    groups, members = tuple(f"g{n}" for n in cluster), tuple(f"m{n}" for n in range(units))
    ones, refused = np.ones((units, 1)), np.full((units, ACTIONS), Reason.AVAILABLE, np.uint8)
    level = 0.5 + rng.normal(0, 0.15, GROUPS)[cluster] + rng.normal(0, 0.15, units)
    nodes: dict[str, np.ndarray] = {}
    seen = []
    for turn in range(ROUNDS):
        course = Course(np.full(units, turn), np.full(units, float(ROUNDS - turn)))
        scores = strategy.posterior.scores(nodes, Points(ones, groups, members, course), ACTIONS)
        drawn = shares(strategy, scores, refused, course) / ONE
        action = (rng.random(units)[:, None] > drawn.cumsum(axis=1)).sum(axis=1)
        reward = level + np.array([0.0, *TRUTH])[action] + rng.normal(0, 0.4, units)
        period = np.full(units, turn)
        batch = Batch(ones, action, reward, np.ones(units), drawn, groups, members, period, ("intercept",))
        nodes |= strategy.posterior.fold(nodes, batch, ACTIONS)
        seen.append((reward, action, drawn))
    reward, action, drawn = (np.concatenate(part) for part in zip(*seen, strict=True))
    n = len(reward)
    third = np.full((n, ACTIONS), 1 / ACTIONS)
    ones = np.ones((n, 1))
    return Excursions(reward, action, drawn, third, ones, ones, np.tile(cluster, ROUNDS))


@pytest.mark.slow
def test_intervals_miss_hardly_more_often_than_declared_while_a_pooled_belief_learns():
    rng, count = np.random.default_rng(77), np.zeros(len(TRUTH))
    for _ in range(REPEATS):
        rows = program(rng, LEARNING)
        everywhere = np.ones(rows.probability.shape, np.bool_)
        told = each_action(rows, everywhere, ("none", "call", "story"), "difference")
        count += [not row.size.low <= truth <= row.size.high for row, truth in zip(told, TRUTH, strict=True)]
    declared = 0.05 / len(TRUTH)
    allowed = declared + 3 * np.sqrt(declared * (1 - declared) / REPEATS)
    assert (count / REPEATS <= allowed).all(), count
