"""How often something happened in so much time: a rate with an interval that is exact, or wider.

Exact for independent events, however few (Garwood 1936, Poisson): with n events in an exposure T the limits
are the α/2 and 1 − α/2 quantiles of a gamma distribution with shape n and n + 1, divided by T. Where events
come in clusters, a few groups having most of them, that is too narrow; so wherever there are enough of both
the interval reaches as far as that by cluster, too.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from engagement.errors import Invalid
from engagement.estimators.looking import at_look
from engagement.estimators.sample import Interval, Term, estimate
from engagement.records import Floats

FEWEST_EVENTS, FEWEST_CLUSTERS = 5, 10
"""With fewer the error by cluster is no better than a guess, and the exact interval stands alone. Guesses."""


class Rate(NamedTuple):
    """Events for each unit of exposure, with a 95 % interval."""

    events: int
    exposure: float
    value: float
    low: float
    high: float


def exact(events: int, exposure: float, alpha: float = 0.05) -> Interval:
    """Limits of a Poisson rate; from 0 where nothing happened. raises : Invalid without exposure"""
    if not exposure > 0:
        raise Invalid("a rate needs somebody to have been watched for some time")
    low = float(gammaincinv(events, alpha / 2)) / exposure if events else 0.0
    return Interval(low, float(gammaincinv(events + 1, 1 - alpha / 2)) / exposure)


def rate(events: Floats, exposure: Floats, alpha: float = 0.05) -> Rate:
    """The rate over G clusters. events, exposure : (G,)      raises : Invalid without exposure"""
    count, total = int(events.sum()), float(exposure.sum())
    low, high = exact(count, total, alpha)
    watched = exposure > 0
    if count >= FEWEST_EVENTS and watched.sum() >= FEWEST_CLUSTERS:
        by_cluster = estimate((Term(events[watched], exposure[watched]),), np.arange(int(watched.sum())))
        wide = by_cluster.interval(alpha)
        low, high = min(low, max(wide.low, 0.0)), max(high, wide.high)
    return Rate(count, total, count / total, low, high)


def shown_above(events: int, exposure: float, look: int, alpha: float = 0.05) -> float:
    """What the rate is at least, at the j-th look of however many, 0 where nothing happened.

    The one-sided exact limit at the look's share of alpha (`looking.at_look`): over any number of looks all
    of these limits hold together with probability 1 − alpha, if events are independent.
    """
    if not events:
        return 0.0
    return float(gammaincinv(events, at_look(alpha, look))) / exposure
