"""Intervals that stay honest however often one looks."""

from math import log, pi, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from engagement.errors import Invalid
from engagement.estimators.sample import Estimate, Interval
from engagement.records import Floats


def at_look(alpha: float, look: int) -> float:
    """The share of alpha for the j-th look, j from 1: α_j = 6α/(π²j²), which sum to α over all looks."""
    if look < 1:
        raise Invalid("looks are counted from 1")
    return 6 * alpha / (pi * look) ** 2


def spent(found: Estimate, look: int, alpha: float = 0.05) -> Interval:
    """The value for groups like these: the cluster t interval of the j-th look, at its share of alpha.

    Over any number of looks all intervals hold the truth with probability 1 − alpha, where each would
    alone (a union bound).
    """
    half = float(stdtrit(found.freedom, 1 - at_look(alpha, look) / 2)) * found.sd
    return Interval(found.value - half, found.value + half)


class Running(NamedTuple):
    """A lower and an upper bound after each period, (T,)."""

    low: Floats
    high: Floats


def confidence_sequence(
    earned: Floats, lost: Floats, *, alpha: float = 0.05, horizon: int = 52, overlap: int = 1
) -> Running:
    """The value on *these* groups at *these* decision points, period after period.

    earned : (T,), each period's mean of w·r over all units      lost : (T,), of w·(1 − r); r in [0, 1]
    horizon : periods after which it shall be tightest
    overlap : L, periods that a reward window covers; a period depends on those up to L − 1 before it

    returns : bounds that hold at all T together with probability 1 − alpha; for the mean over the
    periods so far of each period's expected mean reward, whatever the policies that logged it did, as
    long as each w is π/p with p known from the past

    For y ≥ −1 and 0 < λ < 1: exp(λy − y²·(−log(1 − λ) − λ)) ≤ 1 + λy (Fan, Grama & Liu 2015). With
    y = Z_i − c_i, where c_i ≤ 1 is the running mean before i, the products are a supermartingale, and
    Ville's inequality gives the lower bound (Waudby-Smith et al. 2022, arXiv 2210.10768, with weights
    that do not move, so that it is the plain mean that is covered). The upper bound is 1 less the lower
    one of what was lost. Overlapping windows: L interleaved streams, each at alpha/L, averaged.
    """
    if earned.shape != lost.shape or earned.ndim != 1:
        raise Invalid("what was earned and lost are two rows of equal length")
    if not ((earned >= 0).all() and (lost >= 0).all()):
        raise Invalid("rewards lie in [0, 1] and weights are positive, or these bounds do not hold")
    low = _streams(earned, alpha / 2, horizon, overlap)
    high = 1 - _streams(lost, alpha / 2, horizon, overlap)
    return Running(np.maximum(low, 0.0), np.minimum(high, 1.0))


def _streams(z: Floats, alpha: float, horizon: int, overlap: int) -> Floats:
    """Lower bounds of the mean after each period, from L streams of every L-th."""
    total, count = np.zeros(len(z)), np.zeros(len(z))
    for first in range(overlap):
        here = z[first::overlap]
        bound = _lower(here, alpha / overlap, max(2, horizon // overlap))
        periods = np.arange(first, len(z), overlap)
        # a stream's newest bound stands for all of its periods until its next one
        newest = np.searchsorted(periods, np.arange(len(z)), side="right") - 1
        started = newest >= 0
        total[started] += (bound * np.arange(1, len(here) + 1))[newest[started]]
        count[started] += newest[started] + 1
    return total / np.maximum(count, 1)


def _lower(z: Floats, alpha: float, horizon: int) -> Floats:
    """Lower bound of the mean so far after each of these independent, non-negative periods, (T,)."""
    if not len(z):
        return np.zeros(0)
    steps = np.arange(1, len(z) + 1)
    before = np.concatenate(([0.5], np.cumsum(z)[:-1] / steps[:-1]))
    centre = np.minimum(before, 1.0)
    square = np.cumsum((z - centre) ** 2)
    bounds = []
    for strength in STRENGTHS:
        rate = min(0.9, sqrt(2 * log(len(STRENGTHS) / alpha) / horizon) / strength)
        cost = -log(1 - rate) - rate
        bounds.append((rate * np.cumsum(z) - cost * square - log(len(STRENGTHS) / alpha)) / (rate * steps))
    best: Floats = np.max(bounds, axis=0)
    return best


STRENGTHS = (0.05, 0.15, 0.4)
"""Standard deviations of a period's mean for which λ is made; each has a third of alpha."""
