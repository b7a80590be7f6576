"""Actions that come with features: one belief, linear in what is known of the moment and of the action.

    r = φ(x, a)'w + ε,   w ~ N(0, τ²I),   ε ~ N(0, σ²)

φ holds a constant, the features x of the moment, the features z of the action, and every product x·z, each
of the four parts divided by the root of its number of features, so that no part outweighs another because it
is long. Names are not known beforehand, so a feature's place among the D numbers of φ and its sign follow
from its digest (feature hashing with signs: Weinberger et al. 2009, ICML, 1113–1120; two features may share a
place, and with signs such errors average out). No action has weights of its own: what was learned of one is
learned of all that are like it, and an action never seen before has a score from the first time on.

What ranks actions are differences: scores are taken of φ less its mean over the available actions, so what
they share, the constant and the moment alone, drops out of mean and sd.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engagement.errors import Unusable
from engagement.records import ROOT, Bools, Floats, Named, Nodes, Scores

BITS = 8
DIMENSIONS = 1 << BITS
"""D. A version's node has D²/2 numbers, 265 KB; some hundred distinct products find places of their own."""
WEIGHT_SD = 0.3
"""τ: two actions' scores are thought to differ by about .6 when nothing is known, of rewards in [−1, 1]."""
NOISE_SD = 0.5
"""σ, of a reward around its mean."""
CONSTANT = np.array([0x9E3779B97F4A7C15], np.uint64)


class Known(NamedTuple):
    """The posterior of w. mean : (D,)      root : (D, D), R with covariance R'R"""

    mean: Floats
    root: Floats


def features(moment: Named, action: Named) -> Floats:
    """φ, (D,), of an action at a moment."""
    crossed = _mixed(moment.names[:, None] * CONSTANT + action.names[None, :]).ravel()
    parts = (
        Named(_mixed(CONSTANT), np.ones(1)),
        Named(_mixed(moment.names), moment.values),
        Named(_mixed(action.names), action.values),
        Named(crossed, np.outer(moment.values, action.values).ravel()),
    )
    phi = np.zeros(DIMENSIONS)
    for part in parts:
        phi += _placed(part)
    return phi


def folded(nodes: Nodes, phi: Floats, reward: Floats, weight: Floats) -> Nodes:
    """The node with N rows in (weight +1) or out again (−1): sums, so pieces in any order give the whole.

    phi : (N, D)      reward, weight : (N,)
    The node: the upper triangle of Σ w·zz' with z = (φ, r), row by row, then Σw.
    """
    z = np.column_stack([phi, reward])
    moments = (weight[:, None] * z).T @ z
    added = np.append(moments[_triangle()], weight.sum())
    return {ROOT: _shaped(nodes) + added}


def known(nodes: Nodes) -> Known:
    """What the sums say of w. raises : Unusable for sums that no rows could have"""
    from scipy.linalg import solve_triangular  # noqa: PLC0415  else every command waits for it to load

    node = _shaped(nodes)
    if not np.isfinite(node).all():
        raise Unusable("the sums of the belief are not finite")
    moments = np.zeros((DIMENSIONS + 1, DIMENSIONS + 1))
    moments[_triangle()] = node[:-1]
    Q = np.triu(moments, 1)[:-1, :-1].T + moments[:-1, :-1]
    precision = Q / NOISE_SD**2 + np.eye(DIMENSIONS) / WEIGHT_SD**2
    try:
        lower = np.linalg.cholesky(precision)
    except np.linalg.LinAlgError as broken:
        raise Unusable("the precision of the belief is not positive definite") from broken
    root: Floats = solve_triangular(lower, np.eye(DIMENSIONS), lower=True)
    return Known(root.T @ (root @ moments[:-1, -1]) / NOISE_SD**2, root)


def scores(belief: Known, phi: Floats, available: Bools) -> Scores:
    """Mean and sd, (N, K), of each action's score less the mean score of the available ones.

    phi : (N, K, D)      available : (N, K), at least one a row
    A row's bytes do not depend on the rows beside it: each is a product of matrices of its own.
    """
    there = available[:, :, None]
    contrast = phi - np.where(there, phi, 0).sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True)
    mean = (contrast @ belief.mean[:, None])[:, :, 0]
    sd = np.sqrt(np.square(contrast @ belief.root.T).sum(axis=2))
    if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
        raise Unusable("the scores of the belief are not finite")
    return Scores("normal", mean, sd)


def _mixed(names: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of a number in every bit of another (the finaliser of SplitMix64, Steele et al. 2014)."""
    z = names + CONSTANT
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def _placed(part: Named) -> Floats:
    """(D,) of one part: each value in the place and with the sign that its name's digest gives."""
    if not len(part.names):
        return np.zeros(DIMENSIONS)
    place = (part.names >> np.uint64(64 - BITS)).astype(np.int64)
    sign = np.where(part.names & np.uint64(1), 1.0, -1.0)
    placed: Floats = np.bincount(place, sign * part.values, DIMENSIONS) / np.sqrt(len(part.names))
    return placed


@cache
def _triangle() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(DIMENSIONS + 1)


def _shaped(nodes: Nodes) -> Floats:
    size = (DIMENSIONS + 1) * (DIMENSIONS + 2) // 2 + 1
    node = nodes.get(ROOT)
    if node is None:
        return np.zeros(size)
    if node.shape != (size,):
        raise Unusable(f"the node should hold {size} numbers, and has the shape {node.shape}")
    return node
