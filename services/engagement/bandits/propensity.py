"""From an allocation's probabilities to the action: bounded, stored as integers, drawn from those."""

from collections.abc import Sequence

import numpy as np

from engagement.errors import Unusable
from engagement.randomness import UNIFORM_BITS
from engagement.records import Bools, Floats, Integers, Units

UNIT_BITS = 32
ONE = 2**UNIT_BITS
"""A row's units; fewer bits than the uniform has, so that the draw looks at its leading bits only."""
ROUNDING = 1e-9
"""How far a row's sum may be from 1 before it is no longer a rounding error."""


def bounded(rho: Floats, available: Bools, floor: float | Floats) -> Floats:
    """π_k = L_k + (1 − Σ L)·ρ_k, the sum over the K′ available actions; with Σ L ≥ 1, L_k/Σ L.

    rho : (N, K), rows sum to 1 and are 0 where unavailable      available : (N, K), `none` always is
    floor : L in [0, 1], one for all, (K,) one for each action, or (N, 1) one for each row
    returns : (N, K), every available action at least L_k (its part of 1 where they sum to more), the others 0
    raises : Unusable when a row of rho is no probability; ValueError for the rest

    With one floor L: π = L + (1 − K′·L)·ρ, uniform where K′·L ≥ 1. With (1 − high, low) for `none` and one
    action: π = low + (high − low)·ρ for the action, which so stays between the two.
    """
    if rho.ndim != 2 or rho.shape != available.shape:
        raise ValueError(f"rho and available must both be (N, K): {rho.shape}, {available.shape}")
    if not available.any(axis=1).all():
        raise ValueError("every row needs an available action")
    rho = np.ascontiguousarray(rho)
    _must_be_probabilities(rho)
    if rho[~available].any():
        raise Unusable("an unavailable action has a positive probability")
    least = np.where(available, floor, 0.0)
    if not ((least >= 0) & (least <= 1)).all():
        raise ValueError("a floor lies between 0 and 1")
    total = least.sum(axis=1, keepdims=True)
    pi: Floats = least / np.maximum(total, 1) + (1 - np.minimum(total, 1)) * rho
    return pi


def in_units(pi: Floats) -> Units:
    """π in units of 2⁻³², each row summing to 2³² exactly: the numbers that are stored and drawn from.

    pi : (N, K), rows sum to 1      returns : (N, K) uint64, 0 where pi is 0
    raises : Unusable when a row is no probability

    Largest remainder: each entry is rounded down, and the units left over go one each to the largest
    remainders, to the lower index where two are equal. No entry is further than one unit from π.
    """
    pi = np.ascontiguousarray(pi)
    _must_be_probabilities(pi)
    scaled = pi / pi.sum(axis=1, keepdims=True) * ONE
    whole = np.floor(scaled)
    units = whole.astype(np.uint64)
    left_over = ONE - units.sum(axis=1, keepdims=True, dtype=np.uint64).astype(np.int64)
    order = np.argsort(whole - scaled, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    rounded: Units = units + (rank < left_over).astype(np.uint64)
    return rounded


def pick(units: Units, uniform: Integers | Sequence[int]) -> Integers:
    """The action drawn: the first index whose cumulative units exceed the uniform's first 32 bits.

    units : (N, K) uint64, rows sum to 2³²      uniform : N integers in [0, 2⁵³)
    returns : (N,), never an index with 0 units      raises : ValueError outside these ranges

    Integers are compared, so the draw cannot fall off the end and is the same in any language.
    """
    draw = np.asarray(uniform, dtype=np.int64)
    if draw.shape != units.shape[:1] or (draw < 0).any() or (draw >= 2**UNIFORM_BITS).any():
        raise ValueError("one uniform in [0, 2^53) is needed for each row")
    cumulative = np.cumsum(units, axis=1, dtype=np.uint64)
    if (units > ONE).any() or (cumulative[:, -1] != ONE).any():
        raise ValueError("each row of units must sum to 2^32")
    threshold = (draw >> (UNIFORM_BITS - UNIT_BITS)).astype(np.uint64)
    drawn: Integers = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn


def _must_be_probabilities(rows: Floats) -> None:
    # written so that NaN fails too
    if not ((rows >= 0).all() and (np.abs(rows.sum(axis=1) - 1) <= ROUNDING).all()):
        raise Unusable("the probabilities of an allocation are not probabilities")
