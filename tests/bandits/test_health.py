"""Whether a belief is in order, told from its scores, against matrices worked out otherwise."""

import numpy as np
import pytest

from engagement.bandits.health import Version, health
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import ROOT, Batch, Course, Points

ACTIONS = 3


def points(features):
    n = len(features)
    return Points(
        np.asarray(features, np.float64),
        ("g",) * n,
        ("m",) * n,
        Course(np.zeros(n, np.int64), np.ones(n)),
    )


def batch(rng, n, d):
    features = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    return Batch(
        features=features,
        action=rng.integers(0, ACTIONS, n),
        reward=rng.uniform(size=n),
        weight=np.ones(n),
        probability=np.full((n, ACTIONS), 1 / ACTIONS),
        groups=("g",) * n,
        members=("m",) * n,
        period=np.zeros(n, np.int64),
    )


def dense_precision(belief, rows):
    """The joint precision of (α, β₁, …) by the textbook: XᵀX/σ² and the prior's inverse variances."""
    n, d = rows.features.shape
    X = np.zeros((n, ACTIONS * d))
    X[:, :d] = rows.features
    for row, action in enumerate(rows.action):
        if action:
            X[row, action * d : (action + 1) * d] = rows.features[row]
    prior = np.r_[np.full(d, belief.baseline_sd**-2), np.full((ACTIONS - 1) * d, belief.effect_sd**-2)]
    return X.T @ X / belief.noise_sd**2 + np.diag(prior)


@pytest.mark.parametrize("d", [1, 4])
def test_the_precision_is_that_of_the_action_of_which_least_is_known_in_its_widest_direction(d):
    belief, rows = LinearGaussian(), batch(np.random.default_rng(3), 200, d)
    now = Version(belief, belief.fold({}, rows, ACTIONS))
    found = health(now, now, points(rows.features[:5]), ACTIONS)
    covariance = np.linalg.inv(dense_precision(belief, rows))
    widest = max(
        np.linalg.eigvalsh(covariance[k * d : (k + 1) * d, k * d : (k + 1) * d])[-1]
        for k in range(1, ACTIONS)
    )
    assert found.precision == pytest.approx(1 / widest, rel=1e-9)
    assert found.shift == 0


def test_before_anything_is_learned_it_is_the_priors():
    asked = points(np.zeros((0, 4)))
    # effects of sd 0.2; success rates from Beta(1, 1), whose variance is 1/12; means of sd 0.3
    for belief, precision in ((LinearGaussian(), 25), (BetaBernoulli(), 12), (Gaussian(), 1 / 0.09)):
        empty = Version(belief, {})
        assert health(empty, empty, asked, ACTIONS) == (0, pytest.approx(precision))


def test_the_shift_is_the_largest_in_the_sds_of_before():
    belief = Gaussian(prior_mean=0.5, prior_sd=0.3, noise_sd=0.45)
    # four results of 1 of the second action: its mean goes to (.5/.09 + 4/.2025)/(1/.09 + 4/.2025) = .82
    after = {ROOT: np.array([0.0, 4.0, 0.0, 0.0, 4.0, 0.0])}
    found = health(Version(belief, after), Version(belief, {}), points([[1.0]]), ACTIONS)
    assert found.shift == pytest.approx((0.82 - 0.5) / 0.3)


def test_nothing_is_said_of_a_belief_that_gives_no_numbers():
    belief = LinearGaussian()
    broken = Version(belief, {ROOT: np.full(ACTIONS * 5, np.nan)})
    assert health(broken, Version(belief, {}), points([[1.0]]), ACTIONS) == (None, None)


def test_of_a_pooled_belief_it_is_what_is_known_of_somebody_new():
    belief = PooledLinear()
    empty = Version(belief, {})
    found = health(empty, empty, points([[1.0]]), ACTIONS)
    effect = belief.effect
    assert found.precision == pytest.approx(1 / (effect.program**2 + effect.group**2 + effect.member**2))
