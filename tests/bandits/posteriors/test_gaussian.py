"""Normal means worked by hand."""

import numpy as np
import pytest

from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT
from support.rows import point, rows


def test_results_and_their_sum_are_kept_for_each_action():
    node = Gaussian().fold({}, rows([0, 1, 1], [7, 2, -3]), 2)[ROOT]
    # counts of 0 and 1, then sums
    assert node.tolist() == [1, 2, 7, -1]


def test_one_result_moves_the_mean_by_its_share_of_the_precision():
    # precisions ¼ + 1: mean 3/(5/4), variance 4/5
    belief = Gaussian(prior_mean=0, prior_sd=2, noise_sd=1)
    scores = belief.scores(belief.fold({}, rows([0], [3]), 1), point(), 1)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2) == pytest.approx((2.4, 0.8))


def test_an_action_never_tried_is_believed_as_beforehand():
    belief = Gaussian(prior_mean=5, prior_sd=2, noise_sd=1)
    scores = belief.scores(belief.fold({}, rows([0], [3]), 2), point(), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1]) == pytest.approx((5, 2))


def test_its_scores_are_normal():
    assert Gaussian().scores({}, point(), 2).family == "normal"


def test_more_taken_out_than_was_there_is_unusable():
    with pytest.raises(Unusable, match="counts"):
        Gaussian().scores({ROOT: np.array([-1.0, 0.0])}, point(), 1)


def test_a_sum_that_is_not_finite_is_unusable():
    with pytest.raises(Unusable, match="not finite"):
        Gaussian().scores({ROOT: np.array([1.0, np.nan])}, point(), 1)


def test_a_reward_that_is_not_finite_is_refused():
    with pytest.raises(Invalid, match="finite"):
        Gaussian().fold({}, rows([0], [np.inf]), 1)


def test_an_action_that_is_none_of_them_is_refused():
    with pytest.raises(Invalid, match="from 0 to 1"):
        Gaussian().fold({}, rows([2], [1]), 2)


@pytest.mark.parametrize("name", ["prior_sd", "noise_sd"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_an_sd_that_is_not_positive_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} is a positive number"):
        Gaussian(**{name: value})


def test_a_prior_mean_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="prior_mean is a finite number"):
        Gaussian(prior_mean=float("nan"))
