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
