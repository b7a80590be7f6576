"""The posterior of the pooled model by brute force: one joint normal of all rewards and effects."""

import numpy as np

from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Batch, Floats, Points

Who = tuple[str, str]
"""Group and member; "" is the group itself."""


def dense(belief: PooledLinear, batch: Batch, asked: Points, actions: int) -> tuple[Floats, Floats]:
    """Mean and sd of each action's effect, without `none`, for whom it is asked: (N, K − 1) each."""
    who = list(zip(batch.groups, batch.members, strict=True))
    phi = np.eye(actions)[batch.action]
    phi[:, 0] = 1
    rows = range(len(who))
    C = np.array(
        [[phi[i] @ _covariance(belief, who[i], who[j], actions) @ phi[j] for j in rows] for i in rows]
    )
    age = batch.period.max() - batch.period
    kept = 0.5 ** (age / (belief.half_life_weeks or np.inf))
    weight = np.linalg.inv(C + np.diag(belief.noise_sd**2 / kept))
    mean, sd = [], []
    for pair in zip(asked.groups, asked.members, strict=True):
        cross = np.array([_covariance(belief, pair, who[j], actions) @ phi[j] for j in rows])
        posterior = _covariance(belief, pair, pair, actions) - cross.T @ weight @ cross
        mean.append((cross.T @ weight @ (batch.reward - belief.baseline_mean))[1:])
        sd.append(np.sqrt(np.diagonal(posterior)[1:]))
    return np.array(mean), np.array(sd)


def _covariance(belief: PooledLinear, a: Who, b: Who, actions: int) -> Floats:
    """Cov of w = (α, β_1, …) of one with that of another."""
    shares = np.array([1.0, a[0] == b[0], a == b and a[1] != ""])
    spreads = (belief.baseline, *[belief.effect] * (actions - 1))
    squares = np.array([[s.program**2, s.group**2, s.member**2] for s in spreads])
    covariance: Floats = np.diag(squares @ shares)
    return covariance
