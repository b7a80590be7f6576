"""Errors of estimating equations by cluster, corrected for few clusters.

n  rows      d  coefficients      G  clusters
"""

import numpy as np

from engagement.errors import Invalid
from engagement.records import Floats, Integers

CLOSE = 1e-10


def by_cluster(table: Floats, cluster: Integers) -> Floats:
    """Sums of the rows of each cluster, (G, columns). cluster : (n,) in [0, G)"""
    sums: Floats = np.zeros((int(cluster.max()) + 1, table.shape[1]))
    np.add.at(sums, cluster, table)
    return sums


def products(left: Floats, right: Floats, cluster: Integers) -> Floats:
    """left'·right of each cluster, (G, d, d)."""
    flat = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
    return by_cluster(flat, cluster).reshape(-1, left.shape[1], right.shape[1])


def bias_reduced(jacobian: Floats, score: Floats) -> Floats:
    """Covariance of the coefficients, (d, d) (Mancl & DeRouen 2001).

    jacobian : (G, d, d), the clusters' parts G_i of the sum M      score : (G, d), their scores g_i
    V = Σd_i·d_i' with d_i = (M − G_i)⁻¹g_i
    raises : Invalid when one cluster alone decides one of the coefficients
    """
    without = jacobian.sum(axis=0) - jacobian
    if (np.linalg.cond(without) > 1 / CLOSE).any():
        raise Invalid("one group alone decides one of the effects, so they have no error to be given")
    moved = np.linalg.solve(without, score[:, :, None])[:, :, 0]
    covariance: Floats = moved.T @ moved
    return covariance
