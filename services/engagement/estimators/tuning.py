"""A threshold chosen from the data: the one with the smallest estimated squared error."""

from collections.abc import Callable

import numpy as np

from engagement.estimators.sample import Sample, Terms, estimate
from engagement.records import Floats

CANDIDATES = 20


def thresholds(weight: Floats) -> Floats:
    """Candidates: quantiles of the positive weights from the median up, the largest last."""
    positive = weight[weight > 0]
    if not len(positive):
        return np.ones(1)
    return np.unique(np.quantile(positive, np.linspace(0.5, 1.0, CANDIDATES)))


def chosen(
    sample: Sample,
    candidates: Floats,
    terms: Callable[[float], Terms],
    dropped: Callable[[float], Floats],
) -> float:
    """The candidate with the smallest estimated mean squared error.

    terms : the estimator with a threshold      dropped : (n,), what the threshold leaves out of each row

    The mean of what is left out, over all rows, estimates the bias; its square is itself too large by
    its variance, so the square of the estimate is a bound on average (Su, Dimakopoulou, Krishnamurthy &
    Dudík 2020, section 4). The variance is the sandwich by cluster.
    """
    clusters = sample.clusters

    def squared_error(threshold: float) -> float:
        bias = float(dropped(threshold).mean())
        return bias**2 + estimate(terms(threshold), sample.cluster).sd ** 2

    if clusters < 2:
        return float(candidates[-1])
    return float(min(candidates, key=lambda candidate: squared_error(float(candidate))))
