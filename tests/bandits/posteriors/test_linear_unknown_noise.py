"""Small posteriors by hand, larger ones against the dense normal equations."""

import numpy as np
import pytest

from engagement.bandits.expected import Expected
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.linear_unknown_noise import LinearUnknownNoise
from engagement.errors import Unusable
from engagement.records import ROOT, Points
from support.courses import course
from support.rows import point, random_rows, rows


def dense_posterior(belief, batch, actions):
    """Mean, covariance in units of σ², ν and s² of (α, β_1, …), by the full design matrix.

    The residual is taken with the marginal covariance of the rewards, XDX' + I, not with what is explained.
    """
    n, d = batch.features.shape
    X = np.zeros((n, actions, d))
    X[:, 0] = batch.features
    X[np.arange(n), batch.action] = batch.features
    X = X.reshape(n, -1)
    sd = np.repeat([belief.baseline_sd] + [belief.effect_sd] * (actions - 1), d) / belief.noise_sd
    covariance = np.linalg.inv(np.diag(sd**-2.0) + X.T @ X)
    freedom = belief.noise_worth + n
    left = batch.reward @ np.linalg.solve(X @ np.diag(sd**2) @ X.T + np.eye(n), batch.reward)
    square = (belief.noise_worth * belief.noise_sd**2 + left) / freedom
    return covariance @ X.T @ batch.reward, covariance, freedom, square


def test_one_row_gives_the_effect_worked_by_hand():
    # in units of σ r ~ N(0, 1 + 4 + 1): E β = 4/6·3, Var β = 4 − 16/6 = 4/3;
    # ν = 4 + 1, νs² = 4 + 3²/6 = 5.5: variance 5.5/(5 − 2)·4/3 = 22/9
    belief = LinearUnknownNoise(baseline_sd=1, effect_sd=2, noise_sd=1, noise_worth=4)
    scores = belief.scores(belief.fold({}, rows([1], [3]), 2), point(), 2)
    found = scores.mean[0, 1], scores.sd[0, 1] ** 2, scores.freedom[0, 1]
    assert found == pytest.approx((2, 22 / 9, 5))


@pytest.mark.parametrize(("n", "d", "actions"), [(1, 1, 2), (3, 4, 3), (200, 3, 5), (50, 2, 1)])
@pytest.mark.parametrize(
    "belief", [LinearUnknownNoise(), LinearUnknownNoise(2.0, 0.05, 0.3, 11)], ids=["default", "tight"]
)
def test_scores_agree_with_the_dense_posterior(belief, n, d, actions):
    batch = random_rows(n, d, actions)
    phi = np.random.default_rng(4).normal(size=(6, d))
    points = Points(phi, ("g",) * 6, ("m",) * 6, course(*[1.0] * 6))
    scores = belief.scores(belief.fold({}, batch, actions), points, actions)
    mean, covariance, freedom, square = dense_posterior(belief, batch, actions)
    for k in range(1, actions):
        block = slice(k * d, (k + 1) * d)
        # condition numbers here stay below 10⁶, so 10⁻⁸ leaves the dense inverses their rounding
        assert scores.mean[:, k] == pytest.approx(phi @ mean[block], rel=1e-8, abs=1e-11)
        variance = square * np.einsum("nd,de,ne->n", phi, covariance[block, block], phi)
        expected = np.sqrt(variance * freedom / (freedom - 2))
        assert scores.sd[:, k] == pytest.approx(expected, rel=1e-8)


def test_results_that_an_expectation_foretold_leave_the_noise_nothing_to_explain():
    # in units of σ: α ~ N(0, 1), and 4 imagined rows of 2 leave N(8/5, 1/5); a result of 2 is .4 from
    # there, of variance 6/5. ν = 4 + 1, νs² = 4 + .4²/1.2; β_1, never seen, has variance 1
    told = (Expected("none", 2, 4), Expected("call"))
    belief = LinearUnknownNoise(1, 1, 1, noise_worth=4, expected=told)
    scores = belief.scores(belief.fold({}, rows([0], [2]), 2), point(), 2)
    assert scores.sd[0, 1] ** 2 == pytest.approx((4 + 0.4**2 / 1.2) / (5 - 2))


def test_effects_are_means_as_with_a_known_noise():
    batch = random_rows(40, 3, 3)
    known, unknown = LinearGaussian(), LinearUnknownNoise()
    a, b = (belief.scores(belief.fold({}, batch, 3), point(1, 2, 3), 3) for belief in (known, unknown))
    # the prior is in units of σ: what σ is does not move a mean
    assert b.mean == pytest.approx(a.mean, rel=1e-9)


def test_doing_nothing_scores_exactly_zero_and_certain():
    belief = LinearUnknownNoise()
    scores = belief.scores(belief.fold({}, random_rows(20, 2, 3), 3), point(1, 5), 3)
    assert (scores.mean[0, 0], scores.sd[0, 0]) == (0, 0)


def test_its_scores_are_students_of_all_results_together():
    belief = LinearUnknownNoise(noise_worth=6)
    scores = belief.scores(belief.fold({}, rows([0, 1, 2], [1, 0, 1]), 3), point(), 3)
    assert (scores.family, scores.freedom.tolist()) == ("student", [[9, 9, 9]])


def test_sums_that_no_rows_could_have_are_unusable():
    node = np.array([0, 0, 0, 0, 0, -1000.0, 0, 0, 0, 1])
    with pytest.raises(Unusable, match="positive definite"):
        LinearUnknownNoise().scores({ROOT: node}, point(), 2)


def test_a_guess_at_the_noise_that_is_worth_too_little_is_refused():
    with pytest.raises(ValueError, match="at least 3"):
        LinearUnknownNoise(noise_worth=2)
