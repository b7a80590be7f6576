"""Arms of a trial compared: how many lived, how long, and whether that is enough to say so.

Everybody randomised is in the arm they were drawn into. Clusters are the units that were drawn.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtri

from engagement.errors import Invalid
from engagement.estimators.sample import Estimate, Interval
from engagement.estimators.survival import Lives, alive_at, contrast, restricted_mean
from engagement.records import Floats, Integers

Verdict = Literal["better", "worse", "no_difference_that_matters", "not_enough_data"]
POWER = 0.8


class ArmLived(NamedTuple):
    """One arm at the horizon; None where nobody was followed for so long.

    alive : share of all groups drawn into it      months : lived up to the horizon, on average
    """

    groups: int
    clusters: int
    alive: Estimate | None
    months: Estimate | None


class Compared(NamedTuple):
    """The second arm less the first.

    difference : of shares alive, or of months; None where one of the arms was not followed for so long
    interval : misses with the probability alpha that this comparison was given
    verdict : by the interval alone
    clusters_needed : in each arm, about, to find `smallest` with a power of .8; None when nothing was asked
    """

    first: str
    second: str
    difference: Estimate | None
    interval: Interval | None
    verdict: Verdict
    clusters_needed: int | None


def lived(lives: Lives, horizon: float) -> ArmLived:
    """One arm. horizon : months after the end of the program"""
    clusters = int(lives.cluster.max(initial=-1)) + 1
    try:
        alive, months = alive_at(lives, horizon), restricted_mean(lives, horizon)
    except Invalid:
        return ArmLived(len(lives.time), clusters, None, None)
    return ArmLived(len(lives.time), clusters, alive, months)


def compared(
    arms: Mapping[str, ArmLived],
    pairs: Sequence[tuple[str, str]],
    primary: Literal["alive", "months"],
    alpha: float,
    smallest: float | None = None,
) -> list[Compared]:
    """Pairs of arms, each with its share of alpha (Bonferroni).

    smallest : the difference that would matter
    """
    return [_compared(arms, pair, primary, alpha / len(pairs), smallest) for pair in pairs]


def _compared(
    arms: Mapping[str, ArmLived],
    pair: tuple[str, str],
    primary: Literal["alive", "months"],
    alpha: float,
    smallest: float | None,
) -> Compared:
    one, other = (getattr(arms[name], primary) if name in arms else None for name in pair)
    if one is None or other is None:
        return Compared(*pair, None, None, "not_enough_data", None)
    difference = contrast(other, one)
    interval = difference.interval(alpha)
    needed = None
    if smallest is not None:
        clusters = min(arms[name].clusters for name in pair)
        needed = clusters_needed(difference.sd, clusters, smallest, alpha)
    return Compared(*pair, difference, interval, _verdict(interval, smallest), needed)


def _verdict(interval: Interval, smallest: float | None) -> Verdict:
    if interval.low > 0:
        return "better"
    if interval.high < 0:
        return "worse"
    if smallest is not None and -smallest < interval.low and interval.high < smallest:
        return "no_difference_that_matters"
    return "not_enough_data"


def clusters_needed(sd: float, clusters: int, smallest: float, alpha: float, power: float = POWER) -> int:
    """Clusters an arm to find a difference with this power, from the error that so many an arm have.

    sd : of the difference, which shrinks with the root of their number: n·((z_{1−α/2} + z_power)·sd/δ)²
    """
    wanted = float(ndtri(1 - alpha / 2) + ndtri(power))
    return max(2, ceil(clusters * (wanted * sd / smallest) ** 2))


def icc(value: Floats, cluster: Integers) -> float:
    """How alike members of one cluster are: the intraclass correlation by analysis of variance, (n,) each.

    ρ = (B − W)/(B + (m₀ − 1)·W) with the mean squares between and within clusters and
    m₀ = (n − Σm_g²/n)/(G − 1) (Donner & Koval 1980); held to [0, 1]. nan with fewer than two clusters.
    """
    _, place, size = np.unique(cluster, return_inverse=True, return_counts=True)
    n, groups = len(value), len(size)
    if groups < 2 or n <= groups:
        return float("nan")
    means = np.bincount(place, value) / size
    between = float(size @ (means - value.mean()) ** 2) / (groups - 1)
    within = float(((value - means[place]) ** 2).sum()) / (n - groups)
    usual = (n - float(size @ size) / n) / (groups - 1)
    total = between + (usual - 1) * within
    return float(np.clip((between - within) / total, 0, 1)) if total > 0 else 0.0
