"""Beliefs are as sure as they should be: simulation-based calibration (Talts et al. 2018, arXiv 1804.06788).

A truth is drawn from the prior and rows from the truth; where in the posterior does the truth lie then?
Its rank among draws, of which the posterior's distribution function at the truth is the limit, is uniform
if mean, sd and family are right, whatever the number of rows. Variances are those declared: a refit would
use the data twice. A check that cannot fail is worth nothing: with variances half as large again each does.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import betainc, chdtrc, expit, ndtr, stdtr

from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.linear_unknown_noise import LinearUnknownNoise
from engagement.bandits.posteriors.logistic import Logistic
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Batch, Points
from support.courses import ONE_ROW

WORLDS = 2_000
BINS = 10
ACTIONS = 3
ROWS = 24
D = 3
TOO_WIDE = np.sqrt(1.5)
"""Of an sd whose variance is half as large again."""
ASKED = 1
"""The action whose score is compared."""


class World(NamedTuple):
    """A truth, what was seen of it, and at which point it is asked for."""

    truth: float
    batch: Batch
    points: Points


def seen(action, reward, features, probability, groups=None, members=None):
    n = len(action)
    return Batch(
        features, action, reward, np.ones(n), probability, groups or ("g",) * n, members or ("m",) * n,
        np.zeros(n, np.int64),
    )  # fmt: skip


def asked(*features):
    return Points(np.array([features]), ("g0",), ("m0",), ONE_ROW)


def uniformly_tried(rng):
    return rng.integers(0, ACTIONS, ROWS), np.full((ROWS, ACTIONS), 1 / ACTIONS)


def of_rates(belief, rng):
    rate = rng.beta(belief.prior_successes, belief.prior_failures, ACTIONS)
    action, shares = uniformly_tried(rng)
    reward = (rng.random(ROWS) < rate[action]).astype(float)
    return World(rate[ASKED], seen(action, reward, np.ones((ROWS, 1)), shares), asked(1.0))


def of_means(belief, rng):
    """With the noise that is declared, or one drawn for each action around it."""
    worth = getattr(belief, "noise_worth", None)
    noise = np.full(ACTIONS, belief.noise_sd)
    if worth is not None:
        noise = noise * np.sqrt(worth / rng.chisquare(worth, ACTIONS))
    mean = belief.prior_mean + rng.normal(0, noise * belief.prior_sd / belief.noise_sd)
    action, shares = uniformly_tried(rng)
    reward = rng.normal(mean[action], noise[action])
    return World(mean[ASKED], seen(action, reward, np.ones((ROWS, 1)), shares), asked(1.0))


def coefficients(belief, rng, scale):
    """(K, d) of log-odds or rewards: the baseline's, then each effect's."""
    sd = np.array([belief.baseline_sd] + [belief.effect_sd] * (ACTIONS - 1))
    return rng.normal(0, scale * sd[:, None], (ACTIONS, D))


def linear_predictor(w, features, action):
    effect = np.where(np.arange(ACTIONS)[:, None] > 0, w, 0)
    return features @ w[0] + np.einsum("nd,nd->n", features, effect[action])


def some_features(rng):
    return np.column_stack([np.ones(ROWS), rng.normal(size=(ROWS, D - 1))])


def of_effects(belief, rng):
    worth = getattr(belief, "noise_worth", None)
    scale = 1.0 if worth is None else np.sqrt(worth / rng.chisquare(worth))
    w, features = coefficients(belief, rng, scale), some_features(rng)
    action, shares = uniformly_tried(rng)
    reward = rng.normal(linear_predictor(w, features, action), scale * belief.noise_sd)
    return World(w[ASKED] @ [1, 0.5, -1], seen(action, reward, features, shares), asked(1.0, 0.5, -1.0))


def of_log_odds(belief, rng):
    w, features = coefficients(belief, rng, 1.0), some_features(rng)
    action, shares = uniformly_tried(rng)
    reward = (rng.random(ROWS) < expit(linear_predictor(w, features, action))).astype(float)
    return World(w[ASKED] @ [1, 0.5, -1], seen(action, reward, features, shares), asked(1.0, 0.5, -1.0))


def of_people(belief, rng):
    """Three groups of two: (α, β_1, β_2), or (α, γ_1, γ_2, β_1, β_2) where the belief is centred."""
    centred = isinstance(belief, PooledCentred)
    effects = (2 if centred else 1) * (ACTIONS - 1)
    sd = {
        level: np.array([getattr(belief.baseline, level)] + [getattr(belief.effect, level)] * effects)
        for level in ("program", "group", "member")
    }
    mean = np.array([belief.baseline_mean] + [0.0] * effects)
    group = rng.normal(rng.normal(mean, sd["program"]), sd["group"], (3, 1 + effects))
    person = rng.normal(group.repeat(2, axis=0), sd["member"])
    who, shares = np.arange(ROWS) % 6, rng.dirichlet(np.ones(ACTIONS) * 3, ROWS)
    action = (shares.cumsum(axis=1) > rng.random((ROWS, 1))).argmax(axis=1)
    taken = np.eye(ACTIONS)[action][:, 1:]
    design = np.hstack([shares[:, 1:], taken - shares[:, 1:]]) if centred else taken
    phi = np.column_stack([np.ones(ROWS), design])
    reward = rng.normal(np.einsum("nd,nd->n", phi, person[who]), belief.noise_sd)
    groups, members = tuple(f"g{i // 2}" for i in who), tuple(f"m{i}" for i in who)
    truth = person[0, 1 + effects - (ACTIONS - 1)]
    return World(truth, seen(action, reward, np.ones((ROWS, 1)), shares, groups, members), asked(1.0))


EXACT = [
    (BetaBernoulli(), of_rates),
    (Gaussian(), of_means),
    (GaussianUnknownNoise(), of_means),
    (LinearGaussian(), of_effects),
    (LinearUnknownNoise(), of_effects),
    (PooledLinear(refit=False), of_people),
    (PooledCentred(refit=False), of_people),
]
each_exact = pytest.mark.parametrize(
    ("belief", "world"), EXACT, ids=[type(belief).__name__ for belief, _ in EXACT]
)


def below(scores, truth, width):
    """The belief's distribution function at the truth, its sd multiplied by a width."""
    mean, sd = scores.mean[0, ASKED], width * scores.sd[0, ASKED]
    if scores.family == "beta":
        total = mean * (1 - mean) / sd**2 - 1
        return betainc(mean * total, (1 - mean) * total, truth)
    if scores.family == "student":
        freedom = scores.freedom[0, ASKED]
        return stdtr(freedom, (truth - mean) / sd * np.sqrt(freedom / (freedom - 2)))
    return ndtr((truth - mean) / sd)


@cache
def lived_through(belief, world):
    """Scores and truth of each world."""
    rng = np.random.default_rng(20_180_418)
    truths, batches, points = zip(*(world(belief, rng) for _ in range(WORLDS)), strict=True)
    believed = (
        belief.scores(belief.fold({}, batch, ACTIONS), at, ACTIONS)
        for batch, at in zip(batches, points, strict=True)
    )
    return tuple(zip(believed, truths, strict=True))


def share_in_each_bin(belief, world, width):
    """(BINS,): how often the truth lay in each tenth of the belief."""
    places = [below(scores, truth, width) for scores, truth in lived_through(belief, world)]
    return np.histogram(places, BINS, (0, 1))[0] / WORLDS


def oddness(shares):
    """How probable so uneven shares are by chance: χ² of BINS − 1 degrees of freedom."""
    return chdtrc(BINS - 1, WORLDS * BINS * np.square(shares - 1 / BINS).sum())


@each_exact
def test_the_truth_lies_anywhere_in_the_belief_equally_often(belief, world):
    # the seed is fixed: it passes always or never, and one seed in a thousand would be as odd as this
    assert oddness(share_in_each_bin(belief, world, 1.0)) > 1e-3


@each_exact
def test_variances_half_as_large_again_would_be_noticed(belief, world):
    assert oddness(share_in_each_bin(belief, world, TOO_WIDE)) < 1e-6


LAPLACE = 0.02
"""Of a tenth: three standard errors of a share of 2,000, and nearly nothing for the approximation."""


def test_laplaces_approximation_is_calibrated_to_two_percentage_points():
    assert share_in_each_bin(Logistic(), of_log_odds, 1.0) == pytest.approx(np.full(BINS, 0.1), abs=LAPLACE)


def test_two_percentage_points_would_not_let_variances_half_as_large_again_pass():
    shares = share_in_each_bin(Logistic(), of_log_odds, TOO_WIDE)
    assert shares != pytest.approx(np.full(BINS, 0.1), abs=LAPLACE)
