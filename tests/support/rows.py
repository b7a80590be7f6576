"""Rows and points for beliefs, of as few numbers as a test has something to say about."""

import numpy as np

from engagement.records import Batch, Floats, Integers, Points
from support.courses import ONE_ROW


def rows(
    action: list[int] | Integers,
    reward: list[float] | Floats,
    features: list[list[float]] | Floats | None = None,
    weight: list[float] | Floats | None = None,
    period: list[int] | Integers | None = None,
) -> Batch:
    """Closed decisions; by default of one feature that is always 1, of weight 1, in week 0."""
    n = len(action)
    return Batch(
        features=np.ones((n, 1)) if features is None else np.array(features, dtype=np.float64),
        action=np.array(action, dtype=np.int64),
        reward=np.array(reward, dtype=np.float64),
        weight=np.ones(n) if weight is None else np.array(weight, dtype=np.float64),
        probability=np.full((n, 2), 0.5),
        groups=("g",) * n,
        members=("m",) * n,
        period=np.zeros(n, np.int64) if period is None else np.array(period, dtype=np.int64),
    )


def point(*features: float) -> Points:
    """One decision point; by default of one feature that is 1."""
    return Points(np.array([features or (1.0,)]), ("g",), ("m",), ONE_ROW)


def random_rows(n: int, d: int, actions: int, seed: int = 3) -> Batch:
    """Rows with a constant and d − 1 normal features, and rewards between 0 and 1."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([np.ones(n), rng.normal(size=(n, d - 1))])
    return rows(rng.integers(0, actions, n), rng.random(n), features)
