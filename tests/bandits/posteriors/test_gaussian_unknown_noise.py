"""Means and noises worked by hand."""

import numpy as np
import pytest

from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.errors import Unusable
from engagement.records import ROOT
from support.rows import point, rows

# κ₀ = (1/1)² = 1
UNIT = GaussianUnknownNoise(prior_mean=0, prior_sd=1, noise_sd=1, noise_worth=4)


def believed(belief, batch, actions):
    return belief.scores(belief.fold({}, batch, actions), point(), actions)


def test_sums_of_powers_are_kept_for_each_action():
    node = UNIT.fold({}, rows([0, 1, 1], [7, 2, -3]), 2)[ROOT]
    # Σ1, Σr and Σr², of 0 and 1 each
    assert node.tolist() == [1, 2, 7, -1, 49, 13]


def test_two_results_give_the_mean_spread_and_freedom_worked_by_hand():
    # κ = 3, m = 4/3, ν = 6, νs² = 4 + 2 + ⅔·2² = 26/3: variance 26/3/(6 − 2)/3 = 13/18
    scores = believed(UNIT, rows([0, 0], [1, 3]), 1)
    found = scores.mean[0, 0], scores.sd[0, 0] ** 2, scores.freedom[0, 0]
    assert found == pytest.approx((4 / 3, 13 / 18, 6))


def test_an_action_never_tried_has_the_first_guess():
    # ν₀s₀²/(ν₀ − 2)/κ₀ = 4/2
    scores = believed(UNIT, rows([0, 0], [1, 3]), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1] ** 2, scores.freedom[0, 1]) == pytest.approx((0, 2, 4))


def test_the_noise_of_one_action_says_nothing_of_another():
    calm, wild = (believed(UNIT, rows([0, 0, 1, 1], [1, 1, -r, r]), 2) for r in (0.1, 9))
    assert calm.sd[0, 0] == wild.sd[0, 0]


def test_results_that_are_all_alike_leave_what_the_guess_says_of_the_noise():
    # 10⁶ times 1000.1: Σr² − n·r̄² is rounding, of either sign; ν = 10⁶ + 4, κ = 10⁶ + 1
    node = UNIT.fold({}, rows([0], [1000.1]), 1)[ROOT] * 1e6
    apart = 1e6 / (1e6 + 1) * 1000.1**2
    expected = np.sqrt((4 + apart) / (1e6 + 2) / (1e6 + 1))
    # Σr² = 10¹² to 10⁻¹⁶ of it: 10⁻⁴, where apart is 10⁶
    assert UNIT.scores({ROOT: node}, point(), 1).sd[0, 0] == pytest.approx(expected, rel=1e-9)


def test_its_scores_are_students():
    assert UNIT.scores({}, point(), 2).family == "student"


def test_more_taken_out_than_was_there_is_unusable():
    with pytest.raises(Unusable, match="counts"):
        UNIT.scores({ROOT: np.array([-1.0, 0, 0])}, point(), 1)


@pytest.mark.parametrize("name", ["prior_sd", "noise_sd"])
def test_an_sd_that_is_not_positive_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is a positive number"):
        GaussianUnknownNoise(**{name: 0.0})


def test_a_prior_mean_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="prior_mean is a finite number"):
        GaussianUnknownNoise(prior_mean=float("inf"))


@pytest.mark.parametrize("worth", [2.9, float("nan"), float("inf")])
def test_a_guess_at_the_noise_that_is_worth_too_little_is_refused(worth):
    with pytest.raises(ValueError, match="at least 3"):
        GaussianUnknownNoise(noise_worth=worth)
