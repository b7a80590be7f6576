"""Fitted variances are those that a dense likelihood of the same model would choose."""

import numpy as np
import pytest
from scipy.optimize import minimize

from engagement.bandits.empirical_bayes import (
    BASELINE_SCALE,
    EFFECT_SCALE,
    Fitted,
    Sums,
    badness,
    fit,
)
from engagement.randomness import generator

K = 3


def world(seed, groups, members, rows, baseline=(0.0, 0.2, 0.1), effect=(0.2, 0.1, 0.0), noise=0.3):
    """Synthetic rows: (member, group of member, action, reward), and their sums."""
    rng = generator(seed, "empirical bayes")
    spread = np.column_stack([baseline, *[effect] * (K - 1)])
    place = np.repeat(np.arange(groups), members)
    w = (
        rng.normal(size=K) * spread[0]
        + (rng.normal(size=(groups, K)) * spread[1])[place]
        + rng.normal(size=(len(place), K)) * spread[2]
    )
    member = np.repeat(np.arange(len(place)), rows)
    action = rng.integers(0, K, len(member))
    reward = w[member, 0] + np.where(action > 0, w[member, action], 0) + rng.normal(0, noise, len(member))
    cell = member * K + action
    count = np.bincount(cell, minlength=len(place) * K).reshape(-1, K).astype(float)
    total = np.bincount(cell, reward, len(place) * K).reshape(-1, K)
    return (member, place, action, reward), Sums(count, total, float(np.sum(reward**2)), place)


def dense_badness(rows, x):
    """−2 log N(y; 0, Z'ΣZ + noise) and the prior, without any message."""
    member, place, action, reward = rows
    noise, baseline, effect = x[0], x[1:4], x[4:7]
    group = place[member]
    same = np.array(
        [
            np.ones((len(member),) * 2),
            group[:, None] == group[None, :],
            member[:, None] == member[None, :],
        ]
    )
    both = (action[:, None] == action[None, :]) & (action[:, None] > 0)
    C = np.einsum("l,lij->ij", baseline, same) + np.einsum("l,lij->ij", effect, same) * both
    C += noise * np.eye(len(member))
    _, log_det = np.linalg.slogdet(C)
    prior = baseline.sum() / BASELINE_SCALE**2 + effect.sum() / EFFECT_SCALE**2
    return log_det + reward @ np.linalg.solve(C, reward) + prior


X = np.array([0.1, 0.05, 0.03, 0.0, 0.02, 0.0, 0.04])


def test_badness_is_that_of_the_dense_normal():
    rows, sums = world(1, groups=3, members=3, rows=5)
    found, _ = badness(sums, Fitted(X[0], X[1:4], X[4:7]))
    assert found == pytest.approx(dense_badness(rows, X), abs=1e-8)


@pytest.mark.parametrize("place", range(7))
def test_its_gradient_is_the_slope_of_the_dense_normal(place):
    rows, sums = world(2, groups=3, members=3, rows=5)
    step = np.zeros(7)
    step[place] = 1e-6
    rise = (dense_badness(rows, X + step) - dense_badness(rows, X)) / 1e-6
    _, slope = badness(sums, Fitted(X[0], X[1:4], X[4:7]))
    # one-sided: off by half the curvature times the step
    assert slope[place] == pytest.approx(rise, rel=1e-3, abs=1e-3)


def test_the_fit_is_as_good_as_a_search_on_the_dense_likelihood():
    rows, sums = world(3, groups=4, members=4, rows=6)
    ours = fit(sums, Fitted(0.1, np.full(3, 0.02), np.full(3, 0.02)))
    x = np.concatenate([[ours.noise], ours.baseline, ours.effect])
    theirs = minimize(
        lambda x: dense_badness(rows, x),
        np.full(7, 0.05),
        method="L-BFGS-B",
        bounds=[(1e-4, None), *[(0, None)] * 6],
    )
    assert dense_badness(rows, x) <= theirs.fun + 1e-3


def test_much_data_tell_the_true_variances():
    # 300 groups of 4 with 20 rows: the sampling sd of a variance v over n independent normals is v·√(2/n)
    _, sums = world(4, groups=300, members=4, rows=20)
    found = fit(sums, Fitted(0.2, np.full(3, 0.05), np.full(3, 0.05)))
    assert found.noise == pytest.approx(0.09, rel=0.05)
    assert found.baseline[1] == pytest.approx(0.04, rel=0.4)
    assert found.effect[1] == pytest.approx(0.01, rel=0.4)
    assert found.effect[2] < 0.002


def test_a_variance_the_data_do_not_ask_for_is_zero():
    _, sums = world(5, groups=40, members=4, rows=10, baseline=(0, 0, 0), effect=(0, 0, 0))
    found = fit(sums, Fitted(0.1, np.full(3, 0.02), np.full(3, 0.02)))
    assert found.baseline[2] < 0.002
    assert found.effect[1] < 0.002
