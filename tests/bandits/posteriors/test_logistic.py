"""Modes worked by hand, and against a general optimiser and the dense curvature."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from engagement.bandits.posteriors.logistic import Logistic
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Points
from support.courses import course
from support.rows import point, random_rows, rows

# K = 2, d = 1: the week, the effect, its two roots
BEFORE_THE_TABLE = 4


def dense_laplace(belief, batch, actions):
    """Mode and covariance of (α, β_1, …) by BFGS on the log posterior and its dense second derivative."""
    n, d = batch.features.shape
    X = np.zeros((n, actions, d))
    X[:, 0] = batch.features
    X[np.arange(n), batch.action] = batch.features
    X = X.reshape(n, -1)
    precision = np.repeat([belief.baseline_sd] + [belief.effect_sd] * (actions - 1), d) ** -2.0

    def below(w):
        eta = X @ w
        value = np.logaddexp(0, eta).sum() - batch.reward @ eta + precision @ w**2 / 2
        return value, X.T @ (expit(eta) - batch.reward) + precision * w

    w = minimize(below, np.zeros(X.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    p = expit(X @ w)
    return w, np.linalg.inv(np.diag(precision) + (X * (p * (1 - p))[:, None]).T @ X)


def test_equal_successes_and_failures_give_the_curvature_worked_by_hand():
    # all p = ½, 2 rows each: (I + [[1, ½], [½, ½]])⁻¹ has 2/(2·1.5 − ¼) = 8/11 for the effect
    belief = Logistic(baseline_sd=1, effect_sd=1)
    scores = belief.scores(belief.fold({}, rows([0, 0, 1, 1], [0, 1, 0, 1]), 2), point(), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1] ** 2) == pytest.approx((0, 8 / 11))


@pytest.mark.parametrize(("n", "d", "actions"), [(1, 1, 2), (30, 3, 3), (400, 4, 5)])
@pytest.mark.parametrize("belief", [Logistic(), Logistic(5.0, 3.0)], ids=["default", "wide"])
def test_scores_agree_with_a_general_optimiser(belief, n, d, actions):
    batch = random_rows(n, d, actions)
    phi = np.random.default_rng(4).normal(size=(6, d))
    points = Points(phi, ("g",) * 6, ("m",) * 6, course(*[1.0] * 6))
    scores = belief.scores(belief.fold({}, batch, actions), points, actions)
    mode, covariance = dense_laplace(belief, batch, actions)
    for k in range(1, actions):
        block = slice(k * d, (k + 1) * d)
        # BFGS stops at a gradient of some 10⁻⁸, divided by a curvature of at least 5⁻²
        assert scores.mean[:, k] == pytest.approx(phi @ mode[block], rel=1e-4, abs=1e-5)
        variance = np.einsum("nd,de,ne->n", phi, covariance[block, block], phi)
        assert scores.sd[:, k] == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_a_thousand_successes_alone_end_at_a_finite_mode():
    belief = Logistic(baseline_sd=100, effect_sd=100)
    batch = rows([1] * 1000, [1.0] * 1000)
    scores = belief.scores(belief.fold({}, batch, 2), point(), 2)
    mode, _ = dense_laplace(belief, batch, 2)
    assert scores.mean[0, 1] == pytest.approx(mode[1], rel=1e-4)


def test_where_whole_newton_steps_would_run_away_the_mode_is_found_all_the_same():
    belief = Logistic(baseline_sd=4, effect_sd=14)
    times = [132, 25, 1, 234]
    features = np.repeat([[1, -2], [1, 10], [1, -5], [1, -2]], times, axis=0)
    batch = rows(np.repeat([1, 1, 1, 0], times), np.repeat([0.0, 0, 1, 1], times), features)
    scores = belief.scores(belief.fold({}, batch, 2), point(1, -2), 2)
    mode, _ = dense_laplace(belief, batch, 2)
    assert scores.mean[0, 1] == pytest.approx(mode[2:] @ [1, -2], rel=1e-4)


def test_equal_rows_are_kept_as_one_with_how_often_each_came_out():
    node = Logistic().fold({}, rows([1, 1, 0, 1], [1, 0.25, 0, 1]), 2)[ROOT]
    # feature, action, successes, failures
    assert node[BEFORE_THE_TABLE:].tolist() == [1, 0, 0, 1, 1, 1, 2.25, 0.75]


def test_a_row_taken_out_leaves_no_trace_in_the_table():
    belief = Logistic()
    nodes = belief.fold({}, rows([0, 1], [1, 1]), 2)
    node = belief.fold(nodes, rows([1], [1], weight=[-1]), 2)[ROOT]
    assert node[BEFORE_THE_TABLE:].tolist() == [1, 0, 1, 0]


def test_a_negative_zero_is_the_same_feature_as_zero():
    node = Logistic().fold({}, rows([0, 0], [1, 1], [[0.0], [-0.0]]), 2)[ROOT]
    assert node[BEFORE_THE_TABLE:].tolist() == [0, 0, 2, 0]


def test_doing_nothing_scores_exactly_zero_and_certain():
    belief = Logistic()
    scores = belief.scores(belief.fold({}, random_rows(20, 2, 3), 3), point(1, 5), 3)
    assert (scores.mean[0, 0], scores.sd[0, 0]) == (0, 0)


def test_an_empty_belief_has_the_priors_sd():
    # |φ| = 5
    assert Logistic(effect_sd=0.2).scores({}, point(3, 4), 2).sd[0, 1] == pytest.approx(1)


def test_a_point_that_is_not_finite_is_unusable():
    with pytest.raises(Unusable, match="not finite"):
        Logistic().scores({}, point(np.nan), 2)


@pytest.mark.parametrize("reward", [-0.1, 1.1, np.nan])
def test_a_reward_outside_zero_to_one_is_refused(reward):
    with pytest.raises(Invalid, match="between 0 and 1"):
        Logistic().fold({}, rows([0], [reward]), 2)


def test_a_feature_that_is_not_finite_is_refused():
    with pytest.raises(Invalid, match="features must be finite"):
        Logistic().fold({}, rows([0], [1], [[np.inf]]), 2)


@pytest.mark.parametrize("name", ["baseline_sd", "effect_sd"])
def test_an_sd_that_is_not_positive_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is a positive number"):
        Logistic(**{name: 0})
