"""Expectations are rows that somebody has in mind: by hand, and as a law for every belief that takes them."""

import msgspec
import numpy as np
import pytest

from engagement.bandits.expected import Expected, imagined, in_order, learned
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.linear_unknown_noise import LinearUnknownNoise
from engagement.bandits.posteriors.logistic import Logistic
from support.rows import point, random_rows, rows

NAMES = ("none", "call", "story")
TOLD = (Expected("none", 0.5, 8), Expected("call", 0.6, 20), Expected("story"))
each_of_all = pytest.mark.parametrize(
    "belief", [BetaBernoulli, Gaussian, GaussianUnknownNoise, LinearGaussian, LinearUnknownNoise, Logistic]
)


def test_sixty_percent_worth_twenty_results_are_twelve_successes_and_eight_failures():
    # Beta(1 + 12, 1 + 8): mean 13/22, variance 13·9/(22²·23)
    scores = BetaBernoulli(expected=(Expected("none", 0.6, 20),)).scores({}, point(), 1)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2) == pytest.approx((13 / 22, 13 * 9 / (22**2 * 23)))


def test_a_mean_of_four_worth_three_results_stands_beside_the_prior():
    # precisions 1 of mean 0 and 3 of mean 4
    belief = Gaussian(0.0, 1.0, 1.0, expected=(Expected("none", 4, 3),))
    scores = belief.scores({}, point(), 1)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2) == pytest.approx((3, 1 / 4))


def test_an_expected_mean_says_nothing_of_an_unknown_noise():
    # κ = 1 + 3, ν = 4: variance 4/(4 − 2)/4
    belief = GaussianUnknownNoise(0.0, 1.0, 1.0, 4.0, expected=(Expected("none", 4, 3),))
    scores = belief.scores({}, point(), 1)
    assert (scores.mean[0, 0], scores.sd[0, 0] ** 2, scores.freedom[0, 0]) == pytest.approx((3, 1 / 2, 4))


def test_what_is_expected_of_two_actions_is_told_of_the_effect_by_a_linear_belief():
    # two rows, r_0 = α + e_0 = 1 and r_1 = α + β + e_1 = 2, all variances 1: Cov(β, r) = (0, 1),
    # Var r = [[2, 1], [1, 3]], so E β = (2·2 − 1)/5 and Var β = 1 − 2/5
    belief = LinearGaussian(1.0, 1.0, 1.0, expected=(Expected("none", 1, 1), Expected("call", 2, 1)))
    scores = belief.scores({}, point(), 2)
    assert (scores.mean[0, 1], scores.sd[0, 1] ** 2) == pytest.approx((3 / 5, 3 / 5))


@pytest.mark.parametrize("belief", [BetaBernoulli, Gaussian, LinearGaussian, Logistic])
def test_expecting_rows_is_believing_as_if_they_had_been_learned(belief):
    batch, at = random_rows(30, 3, 3), point(1, 0.5, -1)
    told, plain = belief(expected=TOLD), belief()
    seen = plain.fold(plain.fold({}, batch, 3), imagined(TOLD, 3), 3)
    a, b = told.scores(told.fold({}, batch, 3), at, 3), plain.scores(seen, at, 3)
    assert np.concatenate([a.mean, a.sd]) == pytest.approx(np.concatenate([b.mean, b.sd]), rel=1e-9)


@pytest.mark.parametrize(
    ("known", "unknown"), [(Gaussian, GaussianUnknownNoise), (LinearGaussian, LinearUnknownNoise)]
)
def test_an_unknown_noise_is_told_the_same_means_as_a_known_one(known, unknown):
    at = point(1, 0.5, -1)
    a, b = (belief(expected=TOLD).scores({}, at, 3) for belief in (known, unknown))
    assert b.mean == pytest.approx(a.mean)


def test_an_unknown_noise_that_nothing_was_seen_of_has_the_spread_of_a_known_one_times_its_own():
    # ν₀ = 6: √(6/4)
    at = point(1, 0.5, -1)
    a, b = (belief(expected=TOLD).scores({}, at, 3) for belief in (LinearGaussian, LinearUnknownNoise))
    assert b.sd == pytest.approx(a.sd * np.sqrt(1.5))


@each_of_all
def test_an_expectation_worth_nothing_changes_nothing(belief):
    a, b = (one.scores({}, point(), 3) for one in (belief(), belief(expected=in_order(TOLD[2:], NAMES))))
    assert (a.mean.tolist(), a.sd.tolist()) == (b.mean.tolist(), b.sd.tolist())


@each_of_all
def test_expectations_survive_json(belief):
    told = belief(expected=TOLD)
    assert msgspec.json.decode(msgspec.json.encode(told), type=belief) == told


@each_of_all
def test_expectations_of_another_number_of_actions_are_a_flaw(belief):
    assert belief(expected=TOLD).flaw(3) is None
    assert "expected of 3 actions" in belief(expected=TOLD).flaw(2)


def test_expectations_are_put_in_the_order_of_the_actions():
    assert in_order([TOLD[1], TOLD[0]], NAMES) == TOLD


def test_nothing_expected_stays_nothing():
    assert in_order((), NAMES) == ()


@pytest.mark.parametrize(
    ("expected", "words"),
    [((Expected("dance"),), "`dance`, which is not among"), ((TOLD[0], TOLD[0]), "twice")],
    ids=["unknown", "twice"],
)
def test_expectations_that_name_no_action_once_are_refused(expected, words):
    with pytest.raises(ValueError, match=words):
        in_order(expected, NAMES)


@pytest.mark.parametrize("mean", [float("nan"), float("inf")])
def test_an_expected_mean_that_is_not_finite_is_refused(mean):
    with pytest.raises(ValueError, match="`call` must be a finite number"):
        Expected("call", mean, 1)


@pytest.mark.parametrize("worth", [-1, float("nan"), float("inf")])
def test_an_expectation_that_is_worth_no_number_of_results_is_refused(worth):
    with pytest.raises(ValueError, match="`call` is worth 0 or more results"):
        Expected("call", 0.5, worth)


@pytest.mark.parametrize("belief", [BetaBernoulli, Logistic])
def test_an_expected_rate_above_one_is_refused_by_beliefs_about_rates(belief):
    with pytest.raises(ValueError, match="rate expected of `call` lies between 0 and 1"):
        belief(expected=(Expected("call", 60, 20),))


def test_what_was_learned_is_told_with_its_mean_and_worth():
    told = learned(("none", "call"), np.array([4.0, 0]), np.array([3.0, 0]), 50)
    assert told == (Expected("none", 0.75, 4), Expected("call", 0, 0))


def test_what_was_learned_is_worth_no_more_than_one_says():
    assert learned(("none",), np.array([400.0]), np.array([300.0]), 50) == (Expected("none", 0.75, 50),)


@pytest.mark.parametrize("belief", [BetaBernoulli, Gaussian])
def test_a_belief_as_a_prior_believes_what_it_believed(belief):
    told = belief(expected=TOLD)
    nodes = told.fold({}, rows([0, 1, 1, 2], [1, 0, 0.25, 1]), 3)
    a, b = told.scores(nodes, point(), 3), told.as_prior(nodes, NAMES, np.inf).scores({}, point(), 3)
    assert np.concatenate([a.mean, a.sd]) == pytest.approx(np.concatenate([b.mean, b.sd]))


def test_a_belief_with_unknown_noise_as_a_prior_has_its_means_and_none_of_its_noise():
    told = GaussianUnknownNoise(expected=TOLD)
    nodes = told.fold({}, rows([0, 1, 1, 2], [1, 0, 0.25, 1]), 3)
    prior = told.as_prior(nodes, NAMES, np.inf)
    a, b = told.scores(nodes, point(), 3), prior.scores({}, point(), 3)
    assert (b.mean.ravel(), b.freedom[0, 0]) == (pytest.approx(a.mean.ravel()), 6)
