"""Whether a belief is in order, told from its scores alone, whatever kind of belief it is.

*Shift.* How far the belief moved between two versions where it is asked: the largest |mean₁ − mean₀|/sd₀ over
points and actions. Ordinary results move it by a fraction of an sd.

*Precision.* The smallest eigenvalue of the precision of what one action's score is made of, over actions:
how little the belief knows where it knows least. It begins at what the prior says and only ever grows where
nothing fades; one that falls towards 0 belongs to a matrix that will soon have no root. Where a score is
φ'β_k with sd √(φ'Vφ), V is found by polarisation: v(e_i) = V_ii, v(e_i + e_j) = V_ii + V_jj + 2V_ij. Where
scores look at no features, or at few beside much else (pooled beliefs), it is 1/sd² for somebody unknown of
whom no feature speaks.
"""

from typing import NamedTuple

import numpy as np

from engagement.bandits.linear import Linear
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.logistic import Logistic
from engagement.errors import Unusable
from engagement.records import Course, Floats, Nodes, Points

LEAST_SD = 1e-12
"""Below it a score is known exactly, as that of `none` is, and nothing can be said in its sds."""
NOBODY = "·"
"""In place of an id: no group and no member is called so."""


class Health(NamedTuple):
    """Shift in sds, and smallest eigenvalue of a precision; both None where the belief gives no numbers."""

    shift: float | None
    precision: float | None


class Version(NamedTuple):
    """A belief as one version has it."""

    posterior: AnyPosterior
    nodes: Nodes


def health(now: Version, before: Version, points: Points, actions: int) -> Health:
    """The belief's health.

    points : where it is asked, (N, d); with N = 0 nothing has shifted      actions : K
    """
    try:
        return Health(_shift(now, before, points, actions), _precision(now, points, actions))
    except Unusable:
        return Health(None, None)


def _shift(now: Version, before: Version, points: Points, actions: int) -> float:
    if not len(points.features):
        return 0.0
    new = now.posterior.scores(now.nodes, points, actions)
    old = before.posterior.scores(before.nodes, points, actions)
    told = old.sd > LEAST_SD
    return float(np.max(np.abs(new.mean - old.mean)[told] / old.sd[told], initial=0.0))


def _precision(now: Version, points: Points, actions: int) -> float | None:
    d = points.features.shape[1]
    if not d:
        return None
    asked = _along_axes(d) if isinstance(now.posterior, Linear | Logistic) else np.zeros((1, d))
    sd = now.posterior.scores(now.nodes, _strangers(asked, points.columns), actions).sd
    widest = [_largest_eigenvalue(sd[:, action] ** 2, d) for action in range(actions)]
    return 1 / max(widest) if max(widest) > LEAST_SD**2 else None


def _along_axes(d: int) -> Floats:
    """(d(d + 1)/2, d): e_i, then e_i + e_j for i < j."""
    identity = np.eye(d)
    i, j = np.triu_indices(d, 1)
    return np.concatenate([identity, identity[i] + identity[j]])


def _largest_eigenvalue(variance: Floats, d: int) -> float:
    """Of V, from the variances along `_along_axes`; or the one variance there is."""
    if len(variance) == 1:
        return float(variance[0])
    V = np.diag(variance[:d])
    i, j = np.triu_indices(d, 1)
    V[i, j] = V[j, i] = (variance[d:] - variance[i] - variance[j]) / 2
    return float(np.linalg.eigvalsh(V)[-1])


def _strangers(features: Floats, columns: tuple[str, ...]) -> Points:
    """Points at which nobody known stands: what is believed of the program as a whole."""
    number = len(features)
    course = Course(np.zeros(number, np.int64), np.ones(number))
    return Points(features, (NOBODY,) * number, (NOBODY,) * number, course, columns)
