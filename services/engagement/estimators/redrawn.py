"""Intervals of any number of values, by drawing whole clusters again."""

from collections.abc import Callable

import numpy as np

from engagement.estimators.cost import spread
from engagement.estimators.sample import Interval
from engagement.records import Floats, Integers

REDRAWS = 2000
QUARTER = 0.25


def redrawn(
    values: Floats,
    cluster: Integers,
    what: Callable[[Floats], float],
    rng: np.random.Generator,
    repeats: int = REDRAWS,
) -> Interval | None:
    """The middle 95 % of `what` over redraws of clusters (percentile bootstrap, Efron 1979).

    values, cluster : (n,)      returns : None with fewer than two clusters
    """
    inside = [values[cluster == number] for number in np.unique(cluster)]
    if len(inside) < 2:
        return None
    drawn = rng.integers(0, len(inside), (repeats, len(inside)))
    return spread(np.array([what(np.concatenate([inside[n] for n in one])) for one in drawn]))


def average(values: Floats) -> float:
    """The mean of (n,), n ≥ 1."""
    return float(values.mean())


def least(values: Floats) -> float:
    """The mean of the lowest quarter of (n,), n ≥ 1: rounded down, one at least."""
    count = max(1, int(len(values) * QUARTER))
    return float(np.partition(values, count - 1)[:count].mean())
