"""Kullback–Leibler bounds, by hand and by their definition."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from engagement.bandits.allocations.kl_ucb import KlUcb, upper_bounds
from engagement.records import Scores
from support.courses import ONE_ROW


def betas(*parameters):
    a, b = np.array(parameters, float).T
    mean = a / (a + b)
    return Scores("beta", mean[None, :], np.sqrt(mean * (1 - mean) / (a + b + 1))[None, :])


def bounds(scores, available=None):
    flags = np.ones(scores.mean.shape, bool) if available is None else np.array([available])
    return upper_bounds(scores, flags)[0]


def divergence(p, q):
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


def test_a_rate_seen_to_fail_and_succeed_equally_has_the_bound_of_its_count():
    # 4 + 4 observations: 4·d(½, q) = log 9 with d(½, q) = −½·log(4q(1 − q)), so q(1 − q) = ¼·9^(−½) = 1/12
    assert bounds(betas((2, 2), (2, 2)))[0] == pytest.approx((1 + sqrt(1 - 1 / 3)) / 2)


@given(st.lists(st.tuples(st.floats(0.5, 400), st.floats(0.5, 400)), min_size=2, max_size=6))
def test_a_bound_is_as_far_as_the_budget_reaches(parameters):
    counts = np.array(parameters).sum(axis=1)
    for (a, b), bound in zip(parameters, bounds(betas(*parameters)), strict=True):
        p, budget = a / (a + b), log(1 + counts.sum())
        expected = brentq(
            lambda q, a=a, b=b, p=p, budget=budget: (a + b) * divergence(p, q) - budget, p, 1 - 1e-15
        )
        assert bound == pytest.approx(expected, abs=1e-7)


def test_a_normal_score_counts_by_the_largest_noise_a_reward_can_have():
    # n = 1/(4·.1²) = 25 and 1/(4·.5²) = 1: U = m + v·√(2·log 27)
    scores = Scores("normal", np.array([[0.3, -0.1]]), np.array([[0.1, 0.5]]))
    reach = sqrt(2 * log(27))
    assert bounds(scores) == pytest.approx([0.3 + 0.1 * reach, -0.1 + 0.5 * reach])


@pytest.mark.parametrize("family", ["normal", "beta"])
def test_a_certain_score_is_its_own_bound_and_adds_nothing_to_the_budget(family):
    mean, sd = np.array([[0.4, 0.5]]), np.array([[0.0, 0.1]])
    alone = bounds(Scores(family, mean[:, 1:], sd[:, 1:]))
    assert bounds(Scores(family, mean, sd)).tolist() == [0.4, *alone]


def test_what_is_unavailable_adds_nothing_to_the_budget():
    pair = betas((2, 3), (40, 40))
    alone = betas((2, 3))
    assert bounds(pair, [True, False])[0] == bounds(alone)[0]


def test_of_two_equal_rates_the_less_known_is_taken():
    rho = KlUcb().probabilities(betas((20, 20), (2, 2)), np.array([[True, True]]), ONE_ROW)
    assert rho.tolist() == [[0, 1]]


def test_equal_bounds_share():
    rho = KlUcb().probabilities(betas((3, 4), (3, 4)), np.array([[True, True]]), ONE_ROW)
    assert rho.tolist() == [[0.5, 0.5]]


def test_a_score_known_as_well_as_float64_can_tell_has_a_finite_bound():
    scores = Scores("normal", np.array([[0.2, 0.1]]), np.array([[1e-300, 0.1]]))
    assert bounds(scores)[0] == pytest.approx(0.2, abs=1e-6)
