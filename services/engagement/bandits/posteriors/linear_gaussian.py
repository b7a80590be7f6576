"""Rewards are linear in the features, with one baseline and an effect for each action.

    r = φ'α + Σ_k 1[a = k]·φ'β_k + ε,   ε ~ N(0, σ²),   α ~ N(0, τ₀²I),   β_k ~ N(0, τ²I),   β_none = 0

with `none` the action 0. An action's score is its *effect* φ'β_k, what it adds to doing nothing, so
the score of `none` is exactly 0 and its sd 0. What every action shares, α, is learned from all rows.

The posterior in precision form. With Q_k = Σ_{a=k} φφ'/σ² and h_k = Σ_{a=k} φr/σ², the joint precision
of (α, β_1, …) is an arrow: each β_k meets α in the block Q_k and no other β. With P_k = I/τ² + Q_k,

    Q_k − Q_k P_k⁻¹ Q_k = P_k⁻¹Q_k/τ²   and   h_k − Q_k P_k⁻¹ h_k = P_k⁻¹h_k/τ²                     (1)

(Q_k and P_k commute; the right sides subtract nothing), so that the Schur complement of the β is

    S = I/τ₀² + Q_0 + Σ P_k⁻¹Q_k/τ²,   α̂ = S⁻¹(h_0 + Σ P_k⁻¹h_k/τ²),                               (2)
    β̂_k = P_k⁻¹(h_k − Q_k α̂),   Var β_k = P_k⁻¹ + G_k S⁻¹ G_k',   G_k = P_k⁻¹Q_k.                  (3)

Normal equations with a normal prior: Gelman et al., Bayesian Data Analysis, 3rd ed., section 14.8;
the inverse of a partitioned matrix: Golub & Van Loan, Matrix Computations, 4th ed., section 2.1.4.
O(K·d³) a call and O(K·d²) a row, where the dense posterior needs O(K³d³).
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Floats, Nodes, Points, Scores


class LinearGaussian(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="linear_gaussian"
):
    """A baseline and an effect for each action, linear in the features, noise known.

    baseline_sd, effect_sd : prior sd of each coefficient, in units of reward per unit of its feature
    noise_sd : sd of a reward around its mean, in units of reward; known, not learned
    The defaults suit rewards in [0, 1] (no such reward has an sd above .5) and features of order 1,
    among them a constant 1: effects beyond ±.4 are thought rare.

    The node: for each action the sums Σ w·zz' of z = (φ, r), a (d + 1, d + 1) matrix in C order that
    holds Σφφ', Σφr and Σr², then Σ w: K·((d + 1)² + 1) numbers.
    """

    baseline_sd: float = 0.5
    effect_sd: float = 0.2
    noise_sd: float = 0.5

    def __post_init__(self) -> None:
        for name in ("baseline_sd", "effect_sd", "noise_sd"):
            value = getattr(self, name)
            if not 0 < value < inf:
                raise ValueError(f"{name} is a positive number in units of the reward, not {value}")

    def flaw(self, actions: int) -> None:
        """None: it is a prior of any number of actions."""

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:  # noqa: ARG002  one node whoever asks
        """The program's node alone."""
        return (ROOT,)

    def turns(self, nodes: Nodes, batch: Batch) -> bool:  # noqa: ARG002  nothing fades
        """Never."""
        return False

    def refitted(self, nodes: Nodes, actions: int) -> None:
        """Nothing is fitted."""

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:  # noqa: ARG002  sums hold no hyper-parameter
        """No node."""
        return {}

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The sums with the batch's rows in (weight +1) or out again (−1); see `Posterior.fold`."""
        if not len(batch.action):
            return {}
        z = np.column_stack([batch.features, batch.reward])
        if not np.isfinite(z).all():
            raise Invalid("features and rewards must be finite numbers")
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        sums = _sums(nodes, actions, batch.features.shape[1])
        return {ROOT: sums.ravel() + np.concatenate([_moments(z, batch, k) for k in range(actions)])}

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean φ'β̂_k and sd √(φ' Var(β_k) φ) of each action's effect; see `Posterior.scores`."""
        sums = _sums(nodes, actions, points.features.shape[1])
        if not np.isfinite(sums).all():
            raise Unusable("the sums of the belief are not finite")
        moments = sums[:, :-1].reshape(actions, *(points.features.shape[1] + 1,) * 2)
        # what overflows is found among the scores, below
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                effects = self._effects(moments)
            except np.linalg.LinAlgError as broken:
                raise Unusable("the precision of the belief is not positive definite") from broken
            mean, sd = _at(np.ascontiguousarray(points.features), effects)
        if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
            raise Unusable("the scores of the belief are not finite")
        none = np.zeros((len(mean), 1))
        return Scores("normal", np.hstack([none, mean]), np.hstack([none, sd]))

    def _effects(self, moments: Floats) -> "_Effects":
        """(1) to (3) from the (K, d + 1, d + 1) sums; LinAlgError where a matrix has no Cholesky root."""
        Q = moments[:, :-1, :-1] / self.noise_sd**2
        h = moments[:, :-1, -1:] / self.noise_sd**2
        identity = np.eye(Q.shape[1])
        whitened = np.linalg.inv(np.linalg.cholesky(identity / self.effect_sd**2 + Q[1:]))
        inverse = _transposed(whitened) @ whitened  # P⁻¹
        gain = inverse @ Q[1:]  # G
        S = identity / self.baseline_sd**2 + Q[0] + _symmetric(gain).sum(axis=0) / self.effect_sd**2
        root = np.linalg.inv(np.linalg.cholesky(S))  # root' root = S⁻¹
        baseline = root.T @ (root @ (h[0] + (inverse @ h[1:]).sum(axis=0) / self.effect_sd**2))
        mean = inverse @ (h[1:] - Q[1:] @ baseline)
        return _Effects(mean[:, :, 0], np.concatenate([whitened, root @ _transposed(gain)], axis=1))


class _Effects(NamedTuple):
    """The posterior of the effects; Var β_k = root_k' root_k, so that no variance can be negative.

    mean : (K − 1, d)      root : (K − 1, 2d, d)
    """

    mean: Floats
    root: Floats


def _at(features: Floats, effects: _Effects) -> tuple[Floats, Floats]:
    """Mean and sd, (N, K − 1); by einsum, since `features @ …` gives a lone row other bits than a batch."""
    mean = np.einsum("nd,kd->nk", features, effects.mean)
    rooted = np.einsum("nd,kjd->nkj", features, effects.root)
    sd: Floats = np.sqrt(np.square(rooted).sum(axis=2))
    return mean, sd


def _moments(z: Floats, batch: Batch, action: int) -> Floats:
    """Σ w·zz' and Σ w over the rows of one action, flat."""
    rows = batch.action == action
    weighted = batch.weight[rows, None] * z[rows]
    return np.append((weighted.T @ z[rows]).ravel(), batch.weight[rows].sum())


def _sums(nodes: Nodes, actions: int, features: int) -> Floats:
    """(K, (d + 1)² + 1)."""
    shape = (actions, (features + 1) ** 2 + 1)
    node = nodes.get(ROOT)
    if node is None:
        return np.zeros(shape)
    if node.shape != (shape[0] * shape[1],):
        raise Unusable(f"the node should hold {shape[0] * shape[1]} numbers, and has the shape {node.shape}")
    return node.reshape(shape)


def _transposed(matrices: Floats) -> Floats:
    return np.swapaxes(matrices, -1, -2)


def _symmetric(matrices: Floats) -> Floats:
    return (matrices + _transposed(matrices)) / 2
