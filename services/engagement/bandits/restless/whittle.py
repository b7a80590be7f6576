"""What a visit is worth in each state of a unit's chain: the Whittle index, a batch of arms at once.

Pay a subsidy λ for every period without a visit. With V the value of the best policy,

    V(s) = r(s) + max{ λ + β Σ_j P⁰(s, j)·V(j),  β Σ_j P¹(s, j)·V(j) },                             (1)

the index of s is the λ at which both sides of the max are equal (Whittle 1988). It is a number only if
the set of states left alone grows with λ, from none to all: such an arm is *indexable*.

A fixed policy has V = u + λ·w, u and w the solutions of two linear systems, so that the advantage of a
visit in s is a line in λ: βδ_s·u + λ(βδ_s·w − 1), δ_s = P¹(s, ·) − P⁰(s, ·). So walk up λ: from −∞, where
all states are visited, to where the first advantage reaches 0. That λ is its state's index; from there
on the state is left alone, and the walk goes on with the next policy. After S steps all indices are
known exactly. Whenever the advantage of a state that was left alone turns positive on the way, the arm
is not indexable (Gast, Gaujal, Khun 2023, whose algorithm this is, for small S and without updates).

With two states, D_A = 1 − β(P¹₁₁ − P¹₀₁) and D_P likewise for P⁰, r₁ − r₀ = 1, the walk comes down to

    δ₀ ≥ δ₁: W₀ = βδ₀/D_P, W₁ = βδ₁/D_A;      else: W₀ = βδ₀/D_A, W₁ = βδ₁/D_P,                     (2)

δ_s = P¹_s1 − P⁰_s1, and the larger δ has the larger index, so that every such arm is indexable.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engagement.records import Bools, Floats

MOST_STATES = 5
CHUNK_ARMS = 2**12
"""Arms walked at once: the arrays of a chunk stay within a processor's cache."""
ROUNDING = 1e-9
"""Of the values it is made of: a smaller advantage is 0."""


class Indices(NamedTuple):
    """value : (N, S), NaN for an arm that is not indexable      indexable : (N,)"""

    value: Floats
    indexable: Bools


def whittle(transitions: Floats, reward: Floats, discount: float) -> Indices:
    """The Whittle index of each state of N arms, in units of the reward.

    transitions : (N, 2, S, S), P[n, a, s, j] = P(next = j | s, a), 2 ≤ S ≤ 5
    reward : (S,), the same for all, or (N, S); a better state has no smaller one
    discount : β in (0, 1]; 1 stands for the average reward a period. Then the best state must be
    within reach of every other, or the average depends on where one starts
    raises : ValueError for anything else
    """
    reward = checked(transitions, reward, discount)
    if transitions.shape[2] == 2:
        return _of_two_states(transitions, reward, discount)
    found = [_walk(P, r - r[0], discount) for P, r in chunks(transitions, reward)]
    value = np.concatenate([part.value for part in found], axis=1).T
    return Indices(np.ascontiguousarray(value), np.concatenate([part.indexable for part in found]))


def checked(transitions: Floats, reward: Floats, discount: float) -> Floats:
    """The reward as (N, S), after a look at all three; see `whittle`."""
    if transitions.ndim != 4 or transitions.shape[1] != 2 or transitions.shape[2] != transitions.shape[3]:
        raise ValueError(f"transitions must be (N, 2, S, S), not {transitions.shape}")
    if not 2 <= transitions.shape[2] <= MOST_STATES:
        raise ValueError(f"a chain has 2 to {MOST_STATES} states, not {transitions.shape[2]}")
    # written so that NaN fails too
    if not ((transitions >= 0).all() and (np.abs(transitions.sum(3) - 1) <= ROUNDING).all()):
        raise ValueError("each row of transitions must be a probability")
    if not 0 < discount <= 1:
        raise ValueError(f"a discount lies in (0, 1], not {discount}")
    wide = np.broadcast_to(np.asarray(reward, np.float64), (len(transitions), transitions.shape[2]))
    if not (np.isfinite(wide).all() and (np.diff(wide) >= 0).all()):
        raise ValueError("rewards must be finite, and no smaller in a better state")
    return wide


def chunks(transitions: Floats, reward: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Pieces of the batch with the arms on the last axis: (2, S, S, n) and (S, n)."""
    for first in range(0, max(len(transitions), 1), CHUNK_ARMS):
        part = slice(first, first + CHUNK_ARMS)
        arms = np.moveaxis(transitions[part], 0, -1)
        yield np.ascontiguousarray(arms), np.ascontiguousarray(reward[part].T)


def _of_two_states(transitions: Floats, reward: Floats, discount: float) -> Indices:
    """(2) for any two rewards."""
    better = np.ascontiguousarray(np.moveaxis(transitions[..., 1], 0, -1))
    delta = better[1] - better[0]
    passive, active = 1 - discount * (better[:, 1] - better[:, 0])
    if not ((passive > 0).all() and (active > 0).all()):
        raise ValueError(UNREACHED)
    step = discount * (reward[:, 1] - reward[:, 0])
    first = delta[0] >= delta[1]
    value = np.empty(reward.shape)
    value[:, 0] = step * delta[0] / np.where(first, passive, active)
    value[:, 1] = step * delta[1] / np.where(first, active, passive)
    return Indices(value, np.ones(len(value), np.bool_))


UNREACHED = "with the average reward, the best state must be within reach of every other"


def _walk(P: Floats, reward: Floats, discount: float) -> Indices:
    """The walk up λ for arms on the last axis; value is (S, n) here.

    P : (2, S, S, n)      reward : (S, n)
    """
    states, arms = reward.shape
    delta = discount * (P[1] - P[0])
    left, visited = np.eye(states)[:, :, None] - discount * P
    active = np.ones((states, arms), np.bool_)
    indexable = np.ones(arms, np.bool_)
    value = np.empty((states, arms))
    reached = np.full(arms, -np.inf)
    for _ in range(states):
        system = np.where(active[:, None], visited, left)
        earned, passive = _evaluated(system, reward, ~active, averaged=discount == 1)
        gain, slope = _applied(delta, earned), _applied(delta, passive) - 1
        # an advantage that does not fall with λ is never lost under this policy
        falls = active & (slope < 0)
        root = np.where(falls, gain / np.where(falls, -slope, 1), np.inf)
        lost = root.min(axis=0)
        indexable &= np.isfinite(lost)
        reached = np.where(np.isfinite(lost), np.maximum(lost, reached), reached)
        size = np.abs(earned).max(axis=0) + np.abs(reached) * (1 + np.abs(passive).max(axis=0))
        back = gain + slope * reached > ROUNDING * size
        indexable &= ~(back & ~active).any(axis=0)
        leaves = np.arange(states)[:, None] == root.argmin(axis=0)
        np.copyto(value, reached, where=leaves)
        active &= ~leaves
    return Indices(np.where(indexable, value, np.nan), indexable)


def _applied(matrix: Floats, vector: Floats) -> Floats:
    """Matrix times vector for each arm: (S, S, n), (S, n) → (S, n)."""
    product: Floats = (matrix * vector).sum(axis=1)  # in one order, however many arms; einsum is not
    return product


def _evaluated(system: Floats, reward: Floats, passive: Bools, *, averaged: bool) -> tuple[Floats, Floats]:
    """A policy's value as u and w, V = u + λ·w; of the average reward, relative to the best state.

    system : (S, S, n), I − βP for the policy's own P, used up      reward, passive : (S, n)
    returns : (S, n) twice

    The average reward g takes the place of the best state's value, which is 0: h + g = r + P·h.
    """
    if averaged:
        system[:, -1] = 1
    u, w = _solved(system, np.stack([reward, passive.astype(np.float64)]))
    if averaged:
        u[-1] = w[-1] = 0
    return u, w


def _solved(matrix: Floats, right: Floats) -> Floats:
    """The x of matrix·x = right for each arm, by elimination; both arguments are used up.

    matrix : (S, S, n)      right : (k, S, n)

    No pivoting: I − βP, and for β = 1 all of it but its last row and column, is an M-matrix, whose
    pivots are positive and whose elimination does not grow (Golub & Van Loan, 4th ed., section 4.1).
    """
    states = len(matrix)
    for k in range(states):
        if not (matrix[k, k] > np.finfo(np.float64).eps).all():
            raise ValueError(UNREACHED)
        for i in range(k + 1, states):
            factor = matrix[i, k] / matrix[k, k]
            matrix[i, k + 1 :] -= factor * matrix[k, k + 1 :]
            right[:, i] -= factor * right[:, k]
    for k in reversed(range(states)):
        for j in range(k + 1, states):
            right[:, k] -= matrix[k, j] * right[:, j]
        right[:, k] /= matrix[k, k]
    return right
