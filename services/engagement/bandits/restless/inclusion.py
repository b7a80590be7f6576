"""From draws of the index to π, the probability with which each unit is visited: Σπ is B.

1. *How often one would.* In each draw the B units with the largest index would be visited; those equal
   to the B-th share what is left of B. Ties come with every cluster, and a sort would starve some of its
   units for ever. π̂ is the mean over the draws.
2. *What is fair to learn from.* π = (1 − ε)·π̂ + ε·B/N: sum B, floor εB/N, cap 1 − ε(1 − B/N).
3. *What is promised.* With limits l ≤ π ≤ u for single units, π = clip(π + μ, l, u) with the one μ at
   which the sum is B again: of all such vectors the nearest in the sum of squares. There is one only if
   Σl ≤ B ≤ Σu; else they cannot be kept and are refused. A unit that must be seen within d periods, this
   one among them, has l = 1/d; at d = 1 it is *forced*: certain, and nothing is learned of it.
4. *What is drawn from.* π in whole units of 2⁻³² that sum to B·2³² exactly.
"""

import numpy as np

from engagement.bandits.propensity import ONE
from engagement.errors import Invalid, Unusable
from engagement.records import Floats, Integers, Units

TOLERANCE = 1e-9
"""How far Σπ may be from B before it is no longer a rounding error."""
HALVINGS = 64
CHUNK_NUMBERS = 2**21


def top_shares(index: Floats, size: Integers, visits: int) -> Floats:
    """How often a unit of each cell is among the first B, ties shared: π̂.

    index : (M, K), M draws for K cells of units that share cluster and state; no NaN
    size : (K,), units of each cell; all 1 where every unit is a cell of its own
    visits : B, from 0 to the number of units      returns : (K,), Σ size·π̂ = B
    """
    if index.ndim != 2 or size.shape != index.shape[1:] or not len(index):
        raise ValueError(f"index must be (M, K) and size (K,): {index.shape}, {size.shape}")
    if not 0 <= visits <= size.sum():
        raise ValueError(f"visits lie between 0 and the number of units, {size.sum()}, not {visits}")
    if np.isnan(index).any():
        raise ValueError("an index that is not a number cannot be compared")
    if visits == 0:
        return np.zeros(len(size))
    rows = max(1, CHUNK_NUMBERS // max(1, len(size)))
    total = np.zeros(len(size))
    for first in range(0, len(index), rows):
        total += _shares(index[first : first + rows], size, visits).sum(axis=0)
    return total / len(index)


def _shares(index: Floats, size: Integers, visits: int) -> Floats:
    """(M, K): 1 above the B-th largest index, a share at it, 0 below."""
    order = np.argsort(-index, axis=1)
    reached = np.cumsum(size[order], axis=1) >= visits
    last = np.take_along_axis(order, reached.argmax(axis=1, keepdims=True), axis=1)
    threshold = np.take_along_axis(index, last, axis=1)
    above, equal = index > threshold, index == threshold
    left = visits - (above * size).sum(axis=1, keepdims=True)
    shares: Floats = above + equal * left / (equal * size).sum(axis=1, keepdims=True)
    return shares


def mixed(share: Floats, visits: int, epsilon: float) -> Floats:
    """π = (1 − ε)·π̂ + ε·B/N.

    share : (N,), π̂ of each unit, sum B      epsilon : ε in [0, 1], of the visits, given to all alike
    raises : Unusable when π̂ is no set of inclusion probabilities; ValueError for ε
    """
    _must_sum_to(share, visits)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon lies between 0 and 1, not {epsilon}")
    return (1 - epsilon) * share + epsilon * visits / max(len(share), 1)


def promised(due: Floats, visits: int, floor: float) -> Floats:
    """The least π of each unit: 1 where a visit is due now, else 1/d as far as the visits go, or the floor.

    due : (N,), periods d within which a visit is promised, the present one among them; ∞ where none is
    floor : of every unit      returns : (N,), sum at most B
    raises : Invalid when more visits are due now than there are

    With π = 1/d a unit is visited in each of its d periods equally often, after (d + 1)/2 on average:
    N units that nothing else favours take 2N/(d + 1) visits a period, more than the N/d without which
    no promise can be kept. Where there are fewer, the most urgent come first, all of one d alike.
    """
    now = due <= 1
    room = float(visits - now.sum())
    if room < 0:
        raise Invalid(f"{now.sum()} visits are promised for this period, and there are only {visits}")
    waiting = int((~now).sum())
    least = min(floor, room / max(waiting, 1))
    low = np.where(now, 1.0, least)
    room = max(room - least * waiting, 0.0)
    for periods in np.unique(due[~now & np.isfinite(due)]):
        of = due == periods
        wanted = of.sum() * max(1 / periods - least, 0.0)
        given = min(wanted, room)
        low[of] += given / of.sum()
        room -= given
    return low


def within(pi: Floats, visits: int, low: Floats, high: Floats) -> Floats:
    """The nearest π between limits with Σπ = B: clip(π + μ, l, u).

    pi : (N,), sum B      low, high : (N,) in [0, 1]      returns : (N,), pi itself where no limit is met
    raises : Invalid unless l ≤ u and Σl ≤ B ≤ Σu; Unusable when pi is no set of probabilities
    """
    _must_sum_to(pi, visits)
    if not ((low >= 0) & (low <= high) & (high <= 1)).all():
        raise Invalid("the least a unit may be visited must lie between 0 and the most")
    if low.sum() > visits + TOLERANCE:
        raise Invalid(f"the least of all comes to {low.sum():.2f} visits, and there are only {visits}")
    if high.sum() < visits - TOLERANCE:
        raise Invalid(f"the most of all comes to {high.sum():.2f} visits, and there are {visits}")
    if ((pi >= low) & (pi <= high)).all():
        return pi
    below, above = -1.0, 1.0
    for _ in range(HALVINGS):
        shift = (below + above) / 2
        below, above = (shift, above) if np.clip(pi + shift, low, high).sum() < visits else (below, shift)
    return np.clip(pi + above, low, high)


def in_units(pi: Floats, visits: int) -> Units:
    """π in units of 2⁻³², summing to B·2³² exactly: the numbers that are stored and drawn from.

    pi : (N,) in [0, 1], sum B      returns : (N,) uint64, 0 where pi is 0 and 2³² where it is 1
    raises : Unusable when pi is no set of inclusion probabilities

    Largest remainder: each is rounded down, and the units left over go one each to the largest
    remainders, to the earlier where two are equal; or, where rounding errors left too many, are taken
    one each from the smallest. None is further than one unit from π, beside Σπ's own rounding error.
    """
    _must_sum_to(pi, visits)
    scaled = pi * ONE
    whole = np.floor(scaled)
    units = whole.astype(np.int64)
    left = visits * ONE - int(units.sum())
    loose = np.flatnonzero((pi > 0) & (pi < 1))
    remainder = (scaled - whole)[loose]
    if left >= 0:
        _give(units, loose[np.argsort(-remainder, kind="stable")], left, 1)
    else:
        taken = loose[np.argsort(remainder, kind="stable")]
        _give(units, taken[units[taken] > 0], -left, -1)
    counted: Units = units.astype(np.uint64)
    return counted


def _give(units: Integers, order: Integers, count: int, step: int) -> None:
    """One unit more, or less, to the first so many of the order."""
    if count > len(order):
        raise Unusable("the inclusion probabilities do not sum to the number of visits")
    units[order[:count]] += step


def _must_sum_to(pi: Floats, visits: int) -> None:
    # written so that NaN fails too
    if not (pi.ndim == 1 and (pi >= 0).all() and (pi <= 1 + TOLERANCE).all()):
        raise Unusable("inclusion probabilities lie between 0 and 1")
    if not abs(pi.sum() - visits) <= TOLERANCE * max(1, visits):
        raise Unusable(f"the inclusion probabilities sum to {pi.sum()}, not to {visits} visits")
