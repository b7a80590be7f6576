"""A shared vector α and K − 1 vectors β_k that each meet α and nobody else: their normal posterior.

    y ~ N(φ'α + 1[k ≥ 1]·φ'β_k, 1/w),   α ~ N(0, τ₀²I),   β_k ~ N(0, τ²I) independent,   k = 0 … K − 1

given Q_k = Σ wφφ' and h_k = Σ wφy over the rows of each k. The joint precision of (α, β_1, …) is an arrow:
each β_k meets α in the block Q_k. With P_k = I/τ² + Q_k,

    Q_k − Q_k P_k⁻¹ Q_k = P_k⁻¹Q_k/τ²   and   h_k − Q_k P_k⁻¹ h_k = P_k⁻¹h_k/τ²                     (1)

(Q_k and P_k commute; the right sides subtract nothing), so that the Schur complement of the β is

    S = I/τ₀² + Q_0 + Σ P_k⁻¹Q_k/τ²,   g = h_0 + Σ P_k⁻¹h_k/τ²,   α̂ = S⁻¹g,                         (2)
    β̂_k = P_k⁻¹(h_k − Q_k α̂),   Var β_k = P_k⁻¹ + G_k S⁻¹ G_k',   G_k = P_k⁻¹Q_k.                  (3)

Normal equations with a normal prior: Gelman et al., Bayesian Data Analysis, 3rd ed., section 14.8;
the inverse of a partitioned matrix: Golub & Van Loan, Matrix Computations, 4th ed., section 2.1.4.
O(K·d³) a call, where the dense posterior needs O(K³d³).
"""

from typing import NamedTuple

import numpy as np

from engagement.records import Floats


class Arrow(NamedTuple):
    """The posterior. Var β_k = root_k' root_k, so that no variance can be negative.

    shared : (d,), α̂      mean : (K − 1, d), β̂      root : (K − 1, 2d, d)
    explained : η'Λ⁻¹η, with Λ the joint precision and η = (Σh_k, h_1, …): Σwy² less what is left over
    """

    shared: Floats
    mean: Floats
    root: Floats
    explained: float


def arrow(Q: Floats, h: Floats, shared_sd: float, own_sd: float) -> Arrow:
    """(1) to (3).

    Q : (K, d, d)      h : (K, d)      shared_sd, own_sd : τ₀ and τ
    raises : LinAlgError where a matrix has no Cholesky root
    """
    identity, column = np.eye(Q.shape[1]), h[:, :, None]
    whitened = np.linalg.inv(np.linalg.cholesky(identity / own_sd**2 + Q[1:]))
    inverse = _transposed(whitened) @ whitened  # P⁻¹
    gain = inverse @ Q[1:]  # G
    S = identity / shared_sd**2 + Q[0] + _symmetric(gain).sum(axis=0) / own_sd**2
    root = np.linalg.inv(np.linalg.cholesky(S))  # root' root = S⁻¹
    g = column[0] + (inverse @ column[1:]).sum(axis=0) / own_sd**2
    shared = root.T @ (root @ g)
    mean = inverse @ (column[1:] - Q[1:] @ shared)
    explained = float(np.square(whitened @ column[1:]).sum() + np.square(root @ g).sum())
    return Arrow(
        shared[:, 0], mean[:, :, 0], np.concatenate([whitened, root @ _transposed(gain)], axis=1), explained
    )


def along(features: Floats, mean: Floats, root: Floats) -> tuple[Floats, Floats]:
    """Mean φ'β̂_k and sd √(φ' Var(β_k) φ), (N, K − 1) each.

    features : (N, d)      mean, root : of an `Arrow`
    By einsum over C-ordered arrays, since `features @ …` gives a lone row other bits than a batch.
    """
    rows = np.ascontiguousarray(features)
    rooted = np.einsum("nd,kjd->nkj", rows, root)
    sd: Floats = np.sqrt(np.square(rooted).sum(axis=2))
    return np.einsum("nd,kd->nk", rows, mean), sd


def _transposed(matrices: Floats) -> Floats:
    return np.swapaxes(matrices, -1, -2)


def _symmetric(matrices: Floats) -> Floats:
    return (matrices + _transposed(matrices)) / 2
