"""The probability that each of K correlated normal scores is the largest, by one fixed bank of normals.

No quadrature serves many correlated scores, so the share of a bank's points counts at which a score is the
largest. The bank is a lattice rule (Korobov; L'Ecuyer & Lemieux 2000, Management Science 46, 1214–1235),
shifted once by keyed uniforms and turned into normals. Integers and one inverse distribution function make
it, no library's generator: it is the same on every machine, so what was computed from it can be again.

Its error (root mean square .004, above .03 once in ten thousand, on problems like those of the tests) belongs
to the rule that takes these shares for its probabilities, never to the propensity: that is drawn from.
"""

from functools import cache

import numpy as np
from scipy.special import ndtri

from engagement.randomness import UNIFORM_BITS, uniform
from engagement.records import Bools, Floats

POINTS = 1021
"""A prime, so that every coordinate of the lattice takes every value once."""
MULTIPLIER = 76
"""Among a few multipliers one of small measured error, in 3 to 16 dimensions."""
SINGULAR = 1e-6
"""A pivot below this share of its variance is 0: the others tell the score to 1/1000 sd."""
CHUNK_NUMBERS = 2**18
"""Scores drawn at once; 2 MiB."""


def best_of_correlated(mean: Floats, covariance: Floats, available: Bools) -> Floats:
    """Share of the bank at which each available action's score is the largest, scores ~ N(mean, covariance).

    mean : (N, K)      covariance : (N, K, K), symmetric, may be singular: certain scores have rows of zeros
    available : (N, K), at least one a row; an unavailable action gets 0
    returns : (N, K), multiples of 1/1021 but where scores are equal and share; rows sum to 1
    raises : ValueError for other shapes, a row without an action, numbers that are not finite, and a
    matrix that is no covariance
    """
    rows, actions = mean.shape
    if available.shape != mean.shape or covariance.shape != (rows, actions, actions):
        raise ValueError("mean and available must be (N, K), covariance (N, K, K)")
    if not available.any(axis=1).all():
        raise ValueError("every row needs an available action")
    if not np.isfinite(mean).all():
        raise ValueError("the mean must be finite")
    shares = np.empty((rows, actions))
    factor, step = lower_factor(covariance), max(1, CHUNK_NUMBERS // (POINTS * actions))
    for first in range(0, rows, step):
        part = slice(first, first + step)
        drawn = mean[part, None, :] + bank(actions) @ np.swapaxes(factor[part], 1, 2)
        drawn = np.where(available[part, None, :], drawn, -np.inf)
        best = drawn == drawn.max(axis=2, keepdims=True)
        shares[part] = (best / best.sum(axis=2, keepdims=True)).mean(axis=1)
    return shares


def lower_factor(covariance: Floats) -> Floats:
    """L, (N, K, K), lower triangular with LL' = covariance; column j is 0 where s_j has no part of its own.

    Cholesky's, which unlike a root by eigenvectors is unique, so that the bank's points do not depend on a
    library's choice of signs (Golub & Van Loan 2013, section 4.2.8).

    covariance : (N, K, K)      raises : ValueError where it is none
    """
    if not np.isfinite(covariance).all():
        raise ValueError("a covariance is finite")
    lopsided = np.abs(covariance - np.swapaxes(covariance, 1, 2)).max(initial=0)
    if lopsided > SINGULAR * np.abs(covariance).max(initial=0):
        raise ValueError("a covariance is symmetric")
    factor = np.zeros_like(covariance)
    for j in range(covariance.shape[1]):
        before = factor[:, :, :j]
        left = covariance[:, :, j] - np.einsum("nij,nj->ni", before, before[:, j])
        least = SINGULAR * covariance[:, j, j]
        if (left[:, j] < -least).any():
            raise ValueError("a covariance has no negative variance in any direction")
        own = left[:, j] > least
        root = np.sqrt(np.where(own, left[:, j], 1))
        factor[:, j:, j] = np.where(own[:, None], left[:, j:] / root[:, None], 0)
    return factor


@cache
def bank(actions: int) -> Floats:
    """(POINTS, K) standard normals, the first K coordinates of the same bank for every K."""
    powers = np.array([pow(MULTIPLIER, j, POINTS) for j in range(actions)])
    shift = [uniform(bytes(16), "bank", "shift", "", str(j)) / 2**UNIFORM_BITS for j in range(actions)]
    place = np.arange(POINTS)[:, None] * powers % POINTS
    normals: Floats = np.asarray(ndtri((place / POINTS + np.array(shift)) % 1), dtype=np.float64)
    normals.flags.writeable = False
    return normals
