"""Small posteriors by hand, larger ones against the dense normal equations."""

import numpy as np
import pytest

from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Points
from support.courses import course


def rows(features, action, reward):
    n = len(action)
    return Batch(
        features=np.array(features, dtype=np.float64),
        action=np.array(action, dtype=np.int64),
        reward=np.array(reward, dtype=np.float64),
        weight=np.ones(n),
        probability=np.full((n, 2), 0.5),
        groups=("g",) * n,
        members=("m",) * n,
        period=np.zeros(n, np.int64),
    )


def points(features):
    n = len(features)
    return Points(np.array(features, dtype=np.float64), ("g",) * n, ("m",) * n, course(*[1.0] * n))


def dense_posterior(belief, batch, actions):
    """Mean and covariance of (α, β_1, …, β_{K−1}), by the normal equations of the full design matrix."""
    n, d = batch.features.shape
    X = np.zeros((n, actions, d))
    X[:, 0] = batch.features
    taken = np.arange(n), batch.action
    X[taken] = batch.features  # for `none` this writes the baseline once more
    X = X.reshape(n, -1)
    prior_sd = np.repeat([belief.baseline_sd] + [belief.effect_sd] * (actions - 1), d)
    covariance = np.linalg.inv(np.diag(prior_sd**-2.0) + X.T @ X / belief.noise_sd**2)
    return covariance @ X.T @ batch.reward / belief.noise_sd**2, covariance


def random_rows(n, d, actions, seed=3):
    rng = np.random.default_rng(seed)
    features = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    return rows(features, rng.integers(0, actions, n), rng.random(n))


def test_the_node_holds_the_sums_of_each_action():
    node = LinearGaussian().fold({}, rows([[2], [3]], [1, 1], [0.5, 1]), 2)[ROOT]
    # none: nothing; action 1: [[Σφφ, Σφr], [Σrφ, Σrr]] and n
    assert node.tolist() == [0, 0, 0, 0, 0, 13, 4, 4, 1.25, 2]


def test_one_row_moves_the_effect_by_its_share_of_the_variance():
    # r ~ N(0, 1 + 4 + 1), Cov(β, r) = 4: E β = 4/6·r, Var β = 4 − 16/6
    belief = LinearGaussian(baseline_sd=1, effect_sd=2, noise_sd=1)
    scores = belief.scores(belief.fold({}, rows([[1]], [1], [3]), 2), points([[1]]), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1] ** 2) == pytest.approx((2, 4 - 16 / 6))


def test_a_row_of_doing_nothing_alone_says_nothing_of_an_effect():
    belief = LinearGaussian(baseline_sd=1, effect_sd=2, noise_sd=1)
    scores = belief.scores(belief.fold({}, rows([[1]], [0], [3]), 2), points([[1]]), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1]) == pytest.approx((0, 2))


def test_doing_nothing_scores_exactly_zero_and_certain():
    belief = LinearGaussian()
    scores = belief.scores(belief.fold({}, random_rows(20, 2, 3), 3), points([[1, 5], [1, -2]]), 3)
    assert [scores.mean[:, 0].tolist(), scores.sd[:, 0].tolist()] == [[0, 0], [0, 0]]


def test_an_empty_belief_has_the_priors_sd():
    # |φ| = 5
    assert LinearGaussian(effect_sd=0.2).scores({}, points([[3, 4]]), 2).sd[0, 1] == pytest.approx(1)


@pytest.mark.parametrize(("n", "d", "actions"), [(1, 1, 2), (3, 4, 3), (200, 3, 5), (5000, 8, 4), (50, 2, 1)])
@pytest.mark.parametrize(
    "belief", [LinearGaussian(), LinearGaussian(2.0, 0.05, 0.3)], ids=["default", "tight"]
)
def test_scores_agree_with_the_dense_posterior(belief, n, d, actions):
    batch = random_rows(n, d, actions)
    phi = np.random.default_rng(4).normal(size=(6, d))
    scores = belief.scores(belief.fold({}, batch, actions), points(phi), actions)
    mean, covariance = dense_posterior(belief, batch, actions)
    effects = [slice(k * d, (k + 1) * d) for k in range(1, actions)]
    for k, block in enumerate(effects, start=1):
        # condition numbers here stay below 10⁶, so 10⁻⁹ leaves the dense inverse its rounding
        assert scores.mean[:, k] == pytest.approx(phi @ mean[block], rel=1e-9, abs=1e-11)
        variance = np.einsum("nd,de,ne->n", phi, covariance[block, block], phi)
        assert scores.sd[:, k] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_features_that_repeat_each_other_are_no_trouble():
    belief = LinearGaussian()
    nodes = belief.fold({}, rows([[1, 1]] * 50, [0, 1] * 25, [0, 1] * 25), 2)
    assert np.isfinite(belief.scores(nodes, points([[1, 1]]), 2).mean).all()


def test_a_million_rows_leave_a_positive_variance():
    belief = LinearGaussian()
    node = belief.fold({}, random_rows(1000, 3, 2), 2)[ROOT]
    # the same thousand rows, a thousand times
    assert (belief.scores({ROOT: 1000 * node}, points([[1, 0, 0]]), 2).sd[:, 1] > 0).all()


def test_it_keeps_one_node_whatever_the_groups():
    assert LinearGaussian().keys(["a", "b"], ["m", "n"], {}) == (ROOT,)


def test_sums_that_no_rows_could_have_are_unusable():
    # Σφ² = −1000: the precision is negative
    node = np.array([0, 0, 0, 0, 0, -1000.0, 0, 0, 0, 1])
    with pytest.raises(Unusable, match="positive definite"):
        LinearGaussian().scores({ROOT: node}, points([[1]]), 2)


def test_a_point_that_is_not_finite_is_unusable():
    with pytest.raises(Unusable, match="not finite"):
        LinearGaussian().scores({}, points([[np.nan]]), 2)


@pytest.mark.parametrize("reward", [np.nan, np.inf])
def test_a_reward_that_is_not_finite_is_refused(reward):
    with pytest.raises(Invalid, match="finite"):
        LinearGaussian().fold({}, rows([[1]], [0], [reward]), 2)


@pytest.mark.parametrize("name", ["baseline_sd", "effect_sd", "noise_sd"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_an_sd_that_is_not_positive_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is a positive number"):
        LinearGaussian(**{name: value})
