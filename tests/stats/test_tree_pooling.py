"""Pooling on a tree equals the dense posterior of the same model, and small cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.randomness import generator
from engagement.stats.tree_pooling import (
    Likelihood,
    Normal,
    Variances,
    added,
    at_root,
    below,
    evidence,
    through,
)

D = 3


def tree(seed, groups=4, members=11):
    """Members with 0 to 5 observations each in some groups, and variances with zeros among them."""
    rng = generator(seed, "tree pooling")
    place = np.sort(np.concatenate([np.arange(groups), rng.integers(0, groups, members - groups)]))
    rows = rng.normal(size=(members, 5, D)) * (rng.random((members, 5, 1)) < 0.7)
    rows[0] = 0.0
    reward = rng.normal(size=(members, 5))
    seen = Likelihood(
        np.einsum("nki,nkj->nij", rows, rows) / 0.7, np.einsum("nki,nk->ni", rows, reward) / 0.7
    )
    prior = Variances(*(np.diag(rng.choice([0.0, 0.1, 0.5, 1.0], D)) for _ in range(3)))
    return seen, place, prior


def dense(seen, place, prior, groups=4):
    """Mean and covariance of all w, and −2 log p(y), from one multivariate normal over (θ, u, v)."""
    members = len(place)
    blocks = [prior.program, *[prior.group] * groups, *[prior.member] * members]
    S = np.zeros((D * len(blocks),) * 2)
    for number, block in enumerate(blocks):
        S[number * D : (number + 1) * D, number * D : (number + 1) * D] = block
    X = np.zeros((members * D, len(S)))
    Q = np.zeros((members * D,) * 2)
    for i, g in enumerate(place):
        row = slice(i * D, (i + 1) * D)
        for block in (0, 1 + g, 1 + groups + i):
            X[row, block * D : (block + 1) * D] = np.eye(D)
        Q[row, row] = seen.Q[i]
    precision, pull = X.T @ Q @ X, X.T @ seen.h.ravel()
    M = np.linalg.solve(np.eye(len(S)) + S @ precision, S)
    value = np.linalg.slogdet(np.eye(len(S)) + S @ precision)[1] - pull @ M @ pull
    return X @ M @ pull, X @ M @ X.T, value


def posterior_of_members(seen, place, prior, groups=4):
    to_groups = added(through(seen, prior.member), place, groups)
    to_program = through(to_groups, prior.group)
    program = at_root(Likelihood(to_program.Q.sum(0), to_program.h.sum(0)), prior.program)
    at_groups = below(program, to_groups, prior.group)
    return below(Normal(at_groups.mean[place], at_groups.cov[place]), seen, prior.member)


@given(st.integers(0, 10_000))
def test_messages_give_the_dense_posterior_of_every_member(seed):
    seen, place, prior = tree(seed)
    mean, cov, _ = dense(seen, place, prior)
    found = posterior_of_members(seen, place, prior)
    assert found.mean.ravel() == pytest.approx(mean, abs=1e-9)
    for i in range(len(place)):
        own = slice(i * D, (i + 1) * D)
        assert found.cov[i] == pytest.approx(cov[own, own], abs=1e-9)


@given(st.integers(0, 10_000))
def test_the_evidence_is_that_of_the_dense_model(seed):
    seen, place, prior = tree(seed)
    assert evidence(seen, place, 4, prior).value == pytest.approx(dense(seen, place, prior)[2], abs=1e-9)


@pytest.mark.parametrize("level", Variances._fields)
@pytest.mark.parametrize("j", range(D))
@pytest.mark.parametrize("seed", range(3))
def test_its_gradient_is_that_of_the_dense_model_also_at_zero_variance(level, j, seed):
    seen, place, prior = tree(seed)
    step = np.zeros((D, D))
    step[j, j] = 1e-6
    more = prior._replace(**{level: getattr(prior, level) + step})
    rise = (dense(seen, place, more)[2] - dense(seen, place, prior)[2]) / 1e-6
    # one-sided difference: its error is half the second derivative times the step, and rounding /1e-6
    assert getattr(evidence(seen, place, 4, prior), level)[j] == pytest.approx(rise, rel=1e-4, abs=1e-4)


def test_one_observation_shrinks_halfway_when_noise_and_prior_are_equal():
    # y = w + e, e ~ N(0, 1), w = v ~ N(0, 1), y = 2: the posterior is N(1, 1/2)
    one, zero = np.eye(1), np.zeros((1, 1))
    seen = Likelihood(np.ones((1, 1, 1)), np.array([[2.0]]))
    nothing = at_root(Likelihood(zero, np.zeros(1)), zero)
    found = below(nothing, seen, one)
    assert (found.mean.item(), found.cov.item()) == (1.0, 0.5)


def test_a_message_through_no_variance_is_the_likelihood_itself():
    seen, *_ = tree(1)
    sent = through(seen, np.zeros((D, D)))
    assert np.array_equal(sent.Q, seen.Q)
    assert np.array_equal(sent.h, seen.h)


def test_a_group_nobody_was_seen_in_gets_the_programs_posterior_and_its_own_variance():
    seen, place, prior = tree(2)
    to_groups = added(through(seen, prior.member), place, 5)
    to_program = through(to_groups, prior.group)
    program = at_root(Likelihood(to_program.Q.sum(0), to_program.h.sum(0)), prior.program)
    newcomer = below(program, Likelihood(to_groups.Q[4], to_groups.h[4]), prior.group)
    assert newcomer.mean == pytest.approx(program.mean)
    assert newcomer.cov == pytest.approx(program.cov + prior.group)


def test_the_order_of_the_messages_makes_no_difference():
    seen, place, _ = tree(3)
    other = np.random.default_rng(0).permutation(len(place))
    before, after = added(seen, place, 4), added(Likelihood(seen.Q[other], seen.h[other]), place[other], 4)
    assert pytest.approx(before.Q) == after.Q
    assert after.h == pytest.approx(before.h)
