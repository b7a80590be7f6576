"""Counts and rates worked by hand."""

import numpy as np
import pytest

from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Points
from support.courses import course


def rows(action, reward, weight=None):
    n = len(action)
    return Batch(
        features=np.zeros((n, 1)),
        action=np.array(action, dtype=np.int64),
        reward=np.array(reward, dtype=np.float64),
        weight=np.ones(n) if weight is None else np.array(weight, dtype=np.float64),
        probability=np.full((n, 2), 0.5),
        groups=("g",) * n,
        members=("m",) * n,
        period=np.zeros(n, np.int64),
    )


def points(n):
    return Points(np.zeros((n, 1)), ("g",) * n, ("m",) * n, course(*[1.0] * n))


def test_rewards_and_what_they_lack_are_counted_for_each_action():
    node = BetaBernoulli().fold({}, rows([0, 1, 1], [1, 0.25, 1]), 2)[ROOT]
    # successes of 0 and 1, then failures of 0 and 1
    assert node.tolist() == [1, 1.25, 0, 0.75]


def test_a_row_of_weight_minus_one_is_taken_out():
    node = BetaBernoulli().fold({ROOT: np.array([2.0, 1, 0, 3])}, rows([1], [0], [-1]), 2)[ROOT]
    assert node.tolist() == [2, 1, 0, 2]


def test_the_uniform_prior_has_mean_a_half_and_variance_a_twelfth():
    scores = BetaBernoulli().scores({}, points(1), 2)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2) == pytest.approx((1 / 2, 1 / 12))


def test_three_successes_and_one_failure_give_beta_4_2():
    # mean 4/6, variance 4·2/(6²·7)
    scores = BetaBernoulli().scores({ROOT: np.array([3.0, 1.0])}, points(1), 1)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2) == pytest.approx((4 / 6, 8 / 252))


def test_the_prior_counts_are_added():
    # Beta(.5 + 1, 2 + 0): mean 1.5/3.5
    belief = BetaBernoulli(prior_successes=0.5, prior_failures=2)
    assert belief.scores({ROOT: np.array([1.0, 0.0])}, points(1), 1).mean[0, 0] == pytest.approx(1.5 / 3.5)


def test_its_scores_are_betas():
    assert BetaBernoulli().scores({}, points(1), 2).family == "beta"


def test_it_keeps_one_node_whatever_the_groups():
    assert BetaBernoulli().keys(["a", "b"], ["m", "n"], {}) == (ROOT,)


def test_the_rounding_error_of_a_correction_is_no_negative_count():
    scores = BetaBernoulli().scores({ROOT: np.array([-1e-16, 0.0])}, points(1), 1)
    assert scores.mean[0, 0] == 0.5


def test_more_taken_out_than_was_there_is_unusable():
    with pytest.raises(Unusable, match="counts"):
        BetaBernoulli().scores({ROOT: np.array([-1.0, 0.0])}, points(1), 1)


@pytest.mark.parametrize("reward", [-0.1, 1.1, np.nan])
def test_a_reward_outside_zero_to_one_is_refused(reward):
    with pytest.raises(Invalid, match="between 0 and 1"):
        BetaBernoulli().fold({}, rows([0], [reward]), 2)


@pytest.mark.parametrize("count", [0, 0.49, -1, float("nan"), float("inf")])
def test_a_prior_that_is_no_count_is_refused(count):
    with pytest.raises(ValueError, match="prior_failures is a count of at least"):
        BetaBernoulli(prior_failures=count)
