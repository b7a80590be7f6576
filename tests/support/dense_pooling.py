"""The posterior of the pooled models by brute force: one joint normal of all rewards and effects."""

import numpy as np

from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.records import Batch, Floats, Points

Who = tuple[str, str]
"""Group and member; "" is the group itself."""


def dense(belief: Pooled, batch: Batch, asked: Points, actions: int) -> tuple[Floats, Floats]:
    """Mean and sd of each action's effect, without `none`, for whom it is asked: (N, K − 1) each."""
    who = list(zip(batch.groups, batch.members, strict=True))
    phi = _design(belief, batch, actions)
    d, rows = phi.shape[1], range(len(who))
    C = np.array([[phi[i] @ _covariance(belief, who[i], who[j], d) @ phi[j] for j in rows] for i in rows])
    age = batch.period.max() - batch.period
    kept = 0.5 ** (age / (belief.half_life_weeks or np.inf))
    weight = np.linalg.inv(C + np.diag(belief.noise_sd**2 / kept))
    expected = belief.effect_means or (0.0,) * (actions - 1)
    p = len(belief.offset)
    mu = np.array([belief.baseline_mean, *[0.0] * p, *expected * ((d - 1 - p) // (actions - 1))])
    mean, sd = [], []
    for pair in zip(asked.groups, asked.members, strict=True):
        cross = np.array([_covariance(belief, pair, who[j], d) @ phi[j] for j in rows])
        posterior = _covariance(belief, pair, pair, d) - cross.T @ weight @ cross
        mean.append((mu + cross.T @ weight @ (batch.reward - phi @ mu))[1 - actions :])
        sd.append(np.sqrt(np.diagonal(posterior)[1 - actions :]))
    return np.array(mean), np.array(sd)


def _design(belief: Pooled, batch: Batch, actions: int) -> Floats:
    """(N, d): φ of each row."""
    taken = np.eye(actions)[batch.action][:, 1:]
    x = batch.features[:, [batch.columns.index(name) for name in belief.offset]]
    one = np.hstack([np.ones((len(taken), 1)), x])
    if isinstance(belief, PooledCentred):
        shares = batch.probability[:, 1:]
        return np.hstack([one, shares, taken - shares])
    return np.hstack([one, taken])


def _covariance(belief: Pooled, a: Who, b: Who, d: int) -> Floats:
    """Cov of w of one with that of another."""
    shares = np.array([1.0, a[0] == b[0], a == b and a[1] != ""])
    p = len(belief.offset)
    spreads = (belief.baseline, *[belief.effect] * (d - 1 - p))
    squares = [[s.program**2, s.group**2, s.member**2] for s in spreads]
    squares[1:1] = [[belief.offset_sd**2, 0.0, 0.0]] * p
    covariance: Floats = np.diag(np.array(squares) @ shares)
    return covariance
