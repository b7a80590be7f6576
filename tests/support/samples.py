"""Small logs whose every number is known."""

import numpy as np
from numpy.typing import ArrayLike

from engagement.estimators.sample import Sample


def sample(
    action: ArrayLike,
    reward: ArrayLike,
    logged: ArrayLike,
    target: ArrayLike,
    *,
    predicted: ArrayLike | None = None,
    possible: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
) -> Sample:
    """A sample from lists; one cluster a row when none are given."""
    table = np.array(target, np.float64)
    n, actions = table.shape
    return Sample(
        np.array(action, np.int64),
        np.array(reward, np.float64),
        np.array(logged, np.float64),
        table,
        np.ones((n, actions), np.bool_) if possible is None else np.array(possible, np.bool_),
        np.zeros((n, actions)) if predicted is None else np.array(predicted, np.float64),
        np.arange(n) if cluster is None else np.array(cluster, np.int64),
    )


def twelve() -> Sample:
    """Twelve decisions among three actions, every number a small fraction."""
    logged = np.array([[1, 2, 1], [3, 1, 4], [2, 2, 4], [1, 6, 1]] * 3) / np.array([[4], [8], [8], [8]] * 3)
    target = np.array([[1, 1, 2], [0, 3, 1], [4, 0, 0]] * 4) / 4
    action = np.array([0, 1, 2, 1, 2, 0, 1, 1, 1, 2, 0, 2])
    reward = np.array([1, 1, 0.5, 0, 0, 1, 0.5, 1, 1, 1, 0, 0.5])
    predicted = np.array([[2, 5, 3], [1, 4, 6], [7, 2, 5], [3, 3, 8]] * 3) / 10
    drawn = np.take_along_axis(logged, action[:, None], axis=1)[:, 0]
    return Sample(action, reward, drawn, target, logged > 0, predicted, np.arange(12) % 6)
