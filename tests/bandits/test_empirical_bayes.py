"""Fitted variances are those that a dense likelihood of the same model would choose."""

import numpy as np
import pytest
from scipy.optimize import minimize

from engagement.bandits.empirical_bayes import (
    FARTHEST,
    PRIOR_WEIGHT,
    Fitted,
    Observed,
    badness,
    fit,
    fitted,
    precision_form,
)
from engagement.randomness import generator
from engagement.stats.tree_pooling import Likelihood

K = 3


def observed(member, place, action, reward, personal=None):
    """What a belief keeps of rows: sums by member, or by group where a row is not personal."""
    members = len(place)
    cell = member * K + action
    count = np.bincount(cell, minlength=members * K).reshape(-1, K).astype(float)
    total = np.bincount(cell, reward, members * K).reshape(-1, K)
    personal = np.ones(members, bool) if personal is None else personal
    plain = precision_form(count, total, 1.0)
    return Observed(plain, float(len(action)), float(np.sum(reward**2)), place, personal)


def world(
    seed,
    groups,
    members,
    rows,
    baseline=(0.0, 0.2, 0.1),
    effect=(0.2, 0.1, 0.0),
    noise=0.3,
    personal=None,
):
    """Synthetic rows: (member, group of member, action, reward), and their sums.

    personal : flags by member; who is none has no part of their own
    """
    rng = generator(seed, "empirical bayes")
    spread = np.column_stack([baseline, *[effect] * (K - 1)])
    place = np.repeat(np.arange(groups), members)
    own = np.ones(len(place), bool) if personal is None else personal
    w = (
        rng.normal(size=K) * spread[0]
        + (rng.normal(size=(groups, K)) * spread[1])[place]
        + rng.normal(size=(len(place), K)) * spread[2] * own[:, None]
    )
    member = np.repeat(np.arange(len(place)), rows)
    action = rng.integers(0, K, len(member))
    reward = w[member, 0] + np.where(action > 0, w[member, action], 0) + rng.normal(0, noise, len(member))
    return (member, place, action, reward), observed(member, place, action, reward, personal)


def dense_badness(rows, x, personal=None, among=0.0):
    """−2 log N(y; 0, Z'ΣZ + noise) up to a constant, without any message. among : covariance besides"""
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
    if personal is not None:
        same[2] *= personal[member][:, None]
    both = (action[:, None] == action[None, :]) & (action[:, None] > 0)
    C = np.einsum("l,lij->ij", baseline, same) + np.einsum("l,lij->ij", effect, same) * both
    C += noise * np.eye(len(member)) + among
    _, log_det = np.linalg.slogdet(C)
    return log_det + reward @ np.linalg.solve(C, reward)


X = np.array([0.1, 0.05, 0.03, 0.0, 0.02, 0.0, 0.04])


MIXED = np.array([True, True, False] * 3)
"""The third row of each group is the group's own."""
each_kind_of_row = pytest.mark.parametrize("personal", [None, MIXED], ids=["members", "and groups"])


@each_kind_of_row
def test_badness_is_that_of_the_dense_normal(personal):
    rows, sums = world(1, groups=3, members=3, rows=5, personal=personal)
    found, _ = badness(sums, Fitted(X[0], X[1:4], X[4:7]))
    assert found == pytest.approx(dense_badness(rows, X, personal), abs=1e-8)


@each_kind_of_row
@pytest.mark.parametrize("place", range(7))
def test_its_gradient_is_the_slope_of_the_dense_normal(place, personal):
    rows, sums = world(2, groups=3, members=3, rows=5, personal=personal)
    step = np.zeros(7)
    step[place] = 1e-6
    rise = (dense_badness(rows, X + step, personal) - dense_badness(rows, X, personal)) / 1e-6
    _, slope = badness(sums, Fitted(X[0], X[1:4], X[4:7]))
    # one-sided: off by half the curvature times the step
    assert slope[place] == pytest.approx(rise, rel=1e-3, abs=1e-3)


SHARED = np.array([0.3, 0.15])
"""Variances of two slopes that everybody shares."""


def with_offset(rows, x):
    """What a belief keeps of rows that have features x besides: sums of zz' with z = (1, x, action)."""
    member, place, action, reward = rows
    z = np.column_stack([np.ones(len(action)), x, np.eye(K)[action][:, 1:]])
    Q, h = np.zeros((len(place), z.shape[1], z.shape[1])), np.zeros((len(place), z.shape[1]))
    np.add.at(Q, member, z[:, :, None] * z[:, None, :])
    np.add.at(h, member, z * reward[:, None])
    square = float(np.sum(reward**2))
    return Observed(Likelihood(Q, h), float(len(action)), square, place, np.ones(len(place), bool))


@pytest.mark.parametrize("place", range(7))
def test_badness_and_gradient_with_an_offset_are_those_of_the_dense_normal(place):
    rows, _ = world(6, groups=3, members=3, rows=5)
    x = generator(6, "offset").normal(size=(len(rows[0]), 2))
    among = (x * SHARED) @ x.T
    step = np.zeros(7)
    step[place] = 1e-6
    value, slope = badness(with_offset(rows, x), Fitted(X[0], X[1:4], X[4:7]), SHARED)
    there, beside = (dense_badness(rows, at, among=among) for at in (X, X + step))
    assert value == pytest.approx(there, abs=1e-8)
    assert slope[place] == pytest.approx((beside - there) / 1e-6, rel=1e-3, abs=1e-3)


DECLARED = Fitted(0.1, np.array([0.05, 0.02, 0.03]), np.array([0.04, 0.02, 0.01]))


def test_the_fit_is_as_good_as_a_search_on_the_dense_likelihood_with_the_prior():
    rows, sums = world(3, groups=4, members=4, rows=6)
    declared = DECLARED.vector()

    def dense(x):
        """Scaled inverse-χ², two numbers each."""
        v = np.exp(x)
        return dense_badness(rows, v) + 2 * np.sum(np.log(v) + declared / v)

    theirs = minimize(dense, np.log(declared), method="L-BFGS-B")
    ours = fit(sums, DECLARED)
    assert dense(np.log(ours.vector())) <= theirs.fun + 1e-3


def test_where_nothing_was_seen_the_declared_variances_are_the_most_plausible():
    nothing = observed(np.zeros(0, int), np.zeros(1, int), np.zeros(0, int), np.zeros(0))
    assert fit(nothing, DECLARED).vector() == pytest.approx(DECLARED.vector(), rel=1e-6)


def test_the_noise_of_equal_rewards_is_what_the_prior_leaves_of_it():
    # 38 rewards of 0 without any spread: mode of v at ν·v₀/(n + ν) = 2·.1/40
    declared = Fitted(0.1, np.zeros(3), np.zeros(3))
    zeros = observed(np.zeros(38, int), np.zeros(1, int), np.zeros(38, int), np.zeros(38))
    assert PRIOR_WEIGHT == 2
    assert fit(zeros, declared).noise == pytest.approx(0.005, rel=1e-4)


def test_what_is_declared_as_zero_stays_zero():
    _, sums = world(3, groups=4, members=4, rows=6)
    found = fit(sums, DECLARED._replace(effect=np.array([0.04, 0.0, 0.01])))
    assert found.effect[1] == 0
    assert (found.vector() > 0).sum() == 6


def test_much_data_tell_the_true_variances():
    # 300 groups of 4 with 20 rows: the sampling sd of a variance v over n independent normals is v·√(2/n)
    _, sums = world(4, groups=300, members=4, rows=20)
    found = fit(sums, Fitted(0.2, np.full(3, 0.05), np.full(3, 0.05)))
    assert found.noise == pytest.approx(0.09, rel=0.05)
    assert found.baseline[1] == pytest.approx(0.04, rel=0.4)
    assert found.effect[1] == pytest.approx(0.01, rel=0.4)
    # a variance of 0 measured with sd e is put where prior and likelihood balance, ν·v₀/v² = 2v/e²; two
    # effects of 1200 members, each known to .09·(1/7 + 1/7), give e = .026·√(2/2400) = .0008 and v = .0031
    assert found.effect[2] == pytest.approx(0.0031, abs=3 * 0.0008)


def test_a_variance_the_data_do_not_ask_for_becomes_small():
    _, sums = world(5, groups=40, members=4, rows=10, baseline=(0, 0, 0), effect=(0, 0, 0))
    found = fit(sums, Fitted(0.1, np.full(3, 0.02), np.full(3, 0.02)))
    # as above: baselines of 160 members, known to .09/10 at best, give v = .003 at least; declared is .02
    assert found.baseline[2] < 0.01
    assert found.effect[1] < 0.01


@pytest.mark.parametrize("seed", range(5))
def test_the_farthest_variances_of_the_search_still_have_a_likelihood(seed):
    _, sums = world(seed, groups=2, members=2, rows=1)
    far = np.exp(FARTHEST * np.array([-1, 1, 1, 1, 1, 1, 1]))  # little noise, great spreads
    value, slope = badness(sums, fitted(far * DECLARED.vector()))
    assert np.isfinite([value, *slope]).all()


def test_sums_that_are_no_numbers_are_not_fitted():
    _, sums = world(3, groups=4, members=4, rows=6)
    assert fit(sums._replace(square=np.nan), DECLARED) is None
