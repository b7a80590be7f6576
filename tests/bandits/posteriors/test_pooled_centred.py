"""Centring keeps what an effect is told free of what moved together with how often it was tried.

That it has the dense posterior of its model, fading and for groups too, stands in test_pooled_linear.
"""

import numpy as np
import pytest

from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.randomness import generator
from engagement.records import Batch, Points
from support.courses import ONE_ROW

TRUE_EFFECT = 0.1


def drifting_program(rows=4000):
    """Synthetic: rewards fall by ½ over time while the action is tried more and more; its effect is .1."""
    rng = generator(31, "drift")
    time = np.linspace(0, 1, rows)
    share = 0.1 + 0.8 * time
    action = (rng.random(rows) < share).astype(np.int64)
    reward = 0.8 - 0.5 * time + TRUE_EFFECT * action + rng.normal(0, 0.2, rows)
    group = np.arange(rows) % 10
    return Batch(
        features=np.ones((rows, 1)),
        action=action,
        reward=reward,
        weight=np.ones(rows),
        probability=np.column_stack([1 - share, share]),
        groups=tuple(f"g{g}" for g in group),
        members=tuple(f"m{n % 80}" for n in range(rows)),
        period=np.zeros(rows, np.int64),
    )


def believed(belief):
    """Mean and sd of the effect on somebody new."""
    nodes = belief.fold({}, drifting_program(), 2)
    found = belief.scores(nodes, Points(np.ones((1, 1)), ("new",), ("new",), ONE_ROW), 2)
    return float(found.mean[0, 1]), float(found.sd[0, 1])


def test_drift_does_not_bias_a_centred_effect():
    # 4,000 rows with a residual sd below .3 and Var(1[a] − π) of .18 on average: an sd of .011 at most
    assert believed(PooledCentred())[0] == pytest.approx(TRUE_EFFECT, abs=4 * 0.011)


def test_drift_biases_an_uncentred_effect():
    # slope of −½·time on the action: −½·Cov(time, a)/Var(a) = −½·(.8/12)/.25 = −.13
    assert believed(PooledLinear())[0] == pytest.approx(TRUE_EFFECT - 0.13, abs=0.04)


def test_a_share_of_actions_that_never_changes_leaves_both_beliefs_the_same():
    rng = generator(32, "steady")
    rows = 2000
    batch = drifting_program(rows)
    action = rng.integers(0, 2, rows)
    reward = 0.5 + TRUE_EFFECT * action + rng.normal(0, 0.2, rows)
    steady = batch._replace(action=action, reward=reward, probability=np.full((rows, 2), 0.5))
    asked = Points(np.ones((1, 1)), ("new",), ("new",), ONE_ROW)
    one, other = (
        belief.scores(belief.fold({}, steady, 2), asked, 2).mean[0, 1]
        for belief in (PooledCentred(), PooledLinear())
    )
    assert one == pytest.approx(other, abs=0.01)
