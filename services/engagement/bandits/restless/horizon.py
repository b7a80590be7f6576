"""The Whittle index when only so many periods are left, as before a program's end.

With h periods to come and U the worth of each state after them, the value under a subsidy λ is

    V_h(s) = max_a { λ·1[a = 0] + β Σ_j Pᵃ(s, j)·(r(j) + V_{h−1}(j)) },    V_0 = U,                 (1)

and the index of s is the λ at which a visit now, followed by what is best for the h − 1 periods after
it, is worth as much as none. With h = 1 it is myopic: β·Σ_j δ_s(j)·(r(j) + U(j)).

The advantage of a visit is a broken line in λ, so its zero is bracketed on a grid of subsidies and
then found by bisection. More than one change of sign on the grid is no index: the arm is reported. Of 87
three-state arms that are not indexable for endless time the grid saw 80, at 60 periods and β = .9.
No zero lies beyond ± β·(Σ_{k<h} βᵏ·(r(best) − r(worst)) + βʰ⁻¹·range of U): more than that no visit
can bring.
"""

import numpy as np

from engagement.bandits.restless.whittle import Indices, checked, chunks
from engagement.records import Floats

GRID = 257
"""Subsidies between the two bounds at which signs are compared."""
HALVINGS = 48
"""From a cell of the grid to the last bits of float64."""
NOTHING = 1e-12
"""Of the bound: a smaller advantage is 0."""


def whittle_until(
    transitions: Floats, reward: Floats, discount: float, periods: int, after: Floats | float = 0.0
) -> Indices:
    """The index of each state of N arms with `periods` still to come, in units of the reward.

    transitions, reward, discount : as for `whittle.whittle`; 1 counts every period alike
    periods : h ≥ 1, those whose reward a visit now can still touch
    after : U, (S,) or (N, S), such as `worth_unvisited` of the chain after the program's end
    raises : ValueError for anything else
    """
    reward = checked(transitions, reward, discount)
    if periods < 1:
        raise ValueError(f"at least one period must be left, not {periods}")
    worth = np.broadcast_to(np.asarray(after, np.float64), reward.shape)
    if not np.isfinite(worth).all():
        raise ValueError("what a state is worth afterwards must be finite")
    both = np.hstack([reward, worth])
    states = reward.shape[1]
    found = [
        _bisected(P, ends[:states], ends[states:], discount, periods) for P, ends in chunks(transitions, both)
    ]
    value = np.concatenate([part.value for part in found], axis=1).T
    return Indices(np.ascontiguousarray(value), np.concatenate([part.indexable for part in found]))


def worth_unvisited(chain: Floats, reward: Floats, discount: float) -> Floats:
    """Discounted reward to come of a unit that nobody will visit, from each state.

    chain : (..., S, S), P(next = j | s) without a visit      reward : (S,) or (..., S)
    discount : β in (0, 1)      returns : (..., S), Σ_{k≥1} βᵏ·E r, without the present period's
    """
    if not 0 < discount < 1:
        raise ValueError(f"the worth of an endless time needs a discount in (0, 1), not {discount}")
    states = chain.shape[-1]
    expected = discount * np.einsum("...sj,...j->...s", chain, np.broadcast_to(reward, chain.shape[:-1]))
    worth: Floats = np.linalg.solve(np.eye(states) - discount * chain, expected[..., None])[..., 0]
    return worth


def _bisected(P: Floats, reward: Floats, worth: Floats, discount: float, periods: int) -> Indices:
    """Arms on the last axis; value is (S, n) here."""
    span = discount * (reward[-1] - reward[0]) * np.sum(discount ** np.arange(periods))
    bound = span + discount**periods * np.ptp(worth, axis=0)
    grid = np.linspace(-1, 1, GRID)[:, None, None] * bound
    wanted = _advantage(P, reward, worth, discount, periods, grid) > NOTHING * bound
    indexable = ~(wanted[1:] & ~wanted[:-1]).any(axis=(0, 1))
    last = np.maximum(wanted.sum(axis=0) - 1, 0)
    low = np.take_along_axis(grid, last[:, None, :], axis=0)[:, 0]
    high = np.minimum(low + 2 * bound / (GRID - 1), bound)
    diagonal = np.arange(len(reward))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        gain = _advantage(P, reward, worth, discount, periods, middle[:, None])[diagonal, diagonal]
        low, high = np.where(gain > 0, middle, low), np.where(gain > 0, high, middle)
    return Indices(np.where(indexable, (low + high) / 2, np.nan), indexable)


def _advantage(
    P: Floats, reward: Floats, worth: Floats, discount: float, periods: int, subsidy: Floats
) -> Floats:
    """What a visit now is worth more than none, (g, S, n), at subsidies of shape (g, 1, n)."""
    value = np.broadcast_to(worth, (len(subsidy), *worth.shape))
    for _ in range(periods):
        future = discount * (reward + value)
        left = subsidy + np.einsum("sjn,gjn->gsn", P[0], future)
        visited = np.einsum("sjn,gjn->gsn", P[1], future)
        value = np.maximum(left, visited)
    gain: Floats = visited - left
    return gain
