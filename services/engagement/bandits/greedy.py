"""All for what looks best, shared where several look best alike."""

import numpy as np

from engagement.records import Bools, Floats


def greedy(value: Floats, available: Bools) -> Floats:
    """1 for the available action of the largest value, 1/n for each of n that are equally large.

    value : (N, K), not NaN      available : (N, K)      returns : (N, K), rows sum to 1
    raises : ValueError for a row without an available action
    """
    if not available.any(axis=1).all():
        raise ValueError("every row needs an available action")
    seen = np.where(available, value, -np.inf)
    best = available & (seen == seen.max(axis=1, keepdims=True))
    shared: Floats = best / best.sum(axis=1, keepdims=True)
    return shared
