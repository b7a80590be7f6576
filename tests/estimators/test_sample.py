"""Errors by group against regressions with clustered errors of statsmodels, and samples that are none."""

import numpy as np
import pytest
import statsmodels.api as sm

from engagement.errors import Invalid
from engagement.estimators.sample import Term, bootstrap, checked, estimate, mean, paired
from support.samples import sample

RNG = np.random.default_rng(20)
CLUSTER = np.repeat(np.arange(12), [3, 5, 2, 8, 4, 4, 6, 1, 9, 3, 2, 5])
EFFECT = RNG.normal(0, 1, 12)[CLUSTER]
REWARD = EFFECT + RNG.normal(0, 1, len(CLUSTER))
WEIGHT = RNG.gamma(2, 1, len(CLUSTER))


def regression(weights):
    model = sm.WLS(REWARD, np.ones(len(REWARD)), weights=weights)
    return model.fit(cov_type="cluster", cov_kwds={"groups": CLUSTER})


def test_a_mean_has_the_clustered_error_of_a_regression_on_a_constant():
    found, fitted = estimate(mean(REWARD), CLUSTER), regression(np.ones(len(REWARD)))
    assert found.value == pytest.approx(fitted.params[0])
    assert found.sd == pytest.approx(fitted.bse[0], rel=1e-12)
    assert found.freedom == 11


def test_a_paired_difference_is_the_mean_of_the_differences():
    other = REWARD * 0.5 + RNG.normal(0, 1, len(CLUSTER))
    found = paired(estimate(mean(REWARD), CLUSTER), estimate(mean(other), CLUSTER))
    direct = estimate(mean(REWARD - other), CLUSTER)
    assert (found.value, found.sd, found.freedom) == pytest.approx((direct.value, direct.sd, direct.freedom))


def test_a_ratio_has_the_clustered_error_of_a_weighted_regression_on_a_constant():
    found, fitted = estimate((Term(WEIGHT * REWARD, WEIGHT),), CLUSTER), regression(WEIGHT)
    assert found.value == pytest.approx(fitted.params[0])
    assert found.sd == pytest.approx(fitted.bse[0], rel=1e-12)


def test_the_error_of_a_sum_of_two_ratios_is_that_of_a_jackknife_of_many_small_clusters():
    rng = np.random.default_rng(7)
    n = 2000
    a, b, w = rng.normal(1, 1, n), rng.normal(2, 1, n), rng.gamma(3, 1, n)
    b = b + a
    terms = (*mean(a), Term(w * b, w))
    whole = estimate(terms, np.arange(n))
    left = a.sum() - a, (w * b).sum() - w * b, w.sum() - w
    without = left[0] / (n - 1) + left[1] / left[2]
    jackknife = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    # the two differ by O(1/n) of themselves
    assert whole.sd == pytest.approx(jackknife, rel=10 / n)


def test_intervals_use_the_t_distribution_with_clusters_less_one_degrees_of_freedom():
    found = estimate(mean(np.array([0.0, 1.0])), np.array([0, 1]))
    # s² = 2·((.25)² + (.25)²) = .25, t(1) at .975 is tan(.475π) = 12.706
    low, high = found.interval()
    assert (low, high) == pytest.approx((0.5 - 12.7062 * 0.5, 0.5 + 12.7062 * 0.5), abs=1e-3)


def test_one_group_has_no_error():
    with pytest.raises(Invalid, match="two groups"):
        estimate(mean(np.ones(3)), np.zeros(3, np.int64))


def test_a_term_without_weight_is_refused():
    with pytest.raises(Invalid, match="never have drawn"):
        estimate((Term(np.zeros(2), np.zeros(2)),), np.arange(2))


def test_bootstrap_of_a_mean_agrees_with_a_plain_loop_over_redrawn_groups():
    low, high = bootstrap(mean(REWARD), CLUSTER, np.random.default_rng(1), repeats=4000)
    rng, t = np.random.default_rng(2), []
    members = [np.flatnonzero(g == CLUSTER) for g in range(12)]
    there = estimate(mean(REWARD), CLUSTER)
    for _ in range(4000):
        groups = rng.integers(0, 12, 12)
        rows = np.concatenate([members[g] for g in groups])
        names = np.concatenate([np.full(len(members[g]), i) for i, g in enumerate(groups)])
        redraw = estimate(mean(REWARD[rows]), names)
        t.append((redraw.value - there.value) / redraw.sd)
    expected = there.value - np.quantile(t, [0.975, 0.025]) * there.sd
    # quantiles of 4,000 draws: sd √(.975·.025/4000)/f(q) ≈ .0025/.03 = .08 in t, twice that for two of them
    assert (low, high) == pytest.approx(tuple(expected), abs=4 * 0.12 * there.sd)


def test_bootstrap_without_any_spread_is_a_point():
    assert bootstrap(mean(np.ones(4)), np.arange(4), np.random.default_rng(0)) == (1.0, 1.0)


GOOD = sample([0, 1], [0.0, 1.0], [0.5, 0.5], [[0.5, 0.5], [0.2, 0.8]])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reward": np.ones(3)}, "`reward` has the shape"),
        ({"reward": np.array([np.nan, 0.0])}, "not a finite number"),
        ({"action": np.array([0, 2])}, "outside"),
        ({"logged": np.array([0.0, 0.5])}, "logged probability"),
        ({"logged": np.array([0.5, 1.1])}, "logged probability"),
        ({"target": np.array([[0.5, 0.4], [0.2, 0.8]])}, "not probabilities"),
        ({"target": np.array([[1.5, -0.5], [0.2, 0.8]])}, "not probabilities"),
        ({"possible": np.array([[False, True], [True, True]])}, "calls impossible"),
        ({"cluster": np.array([0, 2])}, "numbered from 0"),
    ],
)
def test_what_is_no_sample_is_refused_by_name(change, problem):
    assert checked(GOOD) is GOOD
    with pytest.raises(Invalid, match=problem):
        checked(GOOD._replace(**change))
