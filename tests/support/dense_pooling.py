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
    own = [slope.mean for slope in belief.slopes] * (2 if isinstance(belief, PooledCentred) else 1)
    p = len(belief.offset) + len(own)
    moved = [0.0] * len(belief.offset) + own
    mu = np.array([belief.baseline_mean, *moved, *expected * ((d - 1 - p) // (actions - 1))])
    contrasts = _contrasts(belief, asked, actions, d, p)
    mean, sd = [], []
    for of_actions, pair in zip(contrasts, zip(asked.groups, asked.members, strict=True), strict=True):
        cross = np.array([_covariance(belief, pair, who[j], d) @ phi[j] for j in rows])
        posterior = _covariance(belief, pair, pair, d) - cross.T @ weight @ cross
        mean.append(of_actions @ (mu + cross.T @ weight @ (batch.reward - phi @ mu)))
        sd.append(np.sqrt(np.diagonal(of_actions @ posterior @ of_actions.T)))
    return np.array(mean), np.array(sd)


def _contrasts(belief: Pooled, asked: Points, actions: int, d: int, p: int) -> Floats:
    """(N, K − 1, d): what of w an action's effect is made of: its own number, and the slopes' last ones."""
    out = np.zeros((len(asked.groups), actions - 1, d))
    for n in range(len(out)):
        for k in range(actions - 1):
            out[n, k, d - (actions - 1) + k] = 1.0
            for j, slope in enumerate(belief.slopes):
                name = slope.features[k]
                if name:
                    out[n, k, 1 + p - len(belief.slopes) + j] = asked.features[n, asked.columns.index(name)]
    return out


def _design(belief: Pooled, batch: Batch, actions: int) -> Floats:
    """(N, d): φ of each row."""
    taken = np.eye(actions)[batch.action][:, 1:]
    x = batch.features[:, [batch.columns.index(name) for name in belief.offset]]
    one = np.hstack([np.ones((len(taken), 1)), x])
    z = np.zeros((len(taken), actions - 1, len(belief.slopes)))
    for j, slope in enumerate(belief.slopes):
        for k, name in enumerate(slope.features):
            z[:, k, j] = batch.features[:, batch.columns.index(name)] if name else 0.0
    if isinstance(belief, PooledCentred):
        shares = batch.probability[:, 1:]
        parts = [np.einsum("nk,nkj->nj", weights, z) for weights in (shares, taken - shares)]
        return np.hstack([one, *parts, shares, taken - shares])
    return np.hstack([one, np.einsum("nk,nkj->nj", taken, z), taken])


def _covariance(belief: Pooled, a: Who, b: Who, d: int) -> Floats:
    """Cov of w of one with that of another."""
    shares = np.array([1.0, a[0] == b[0], a == b and a[1] != ""])
    slopes = [slope.sd for slope in belief.slopes] * (2 if isinstance(belief, PooledCentred) else 1)
    p = len(belief.offset) + len(slopes)
    spreads = (belief.baseline, *[belief.effect] * (d - 1 - p))
    squares = [[s.program**2, s.group**2, s.member**2] for s in spreads]
    squares[1:1] = [[sd**2, 0.0, 0.0] for sd in [belief.offset_sd] * len(belief.offset) + slopes]
    covariance: Floats = np.diag(np.array(squares) @ shares)
    return covariance
