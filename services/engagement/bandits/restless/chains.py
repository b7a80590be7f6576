"""What is believed of how units change with and without a visit, learned from counted transitions.

Units of one cluster (setting, phase, barriers) share a chain. Each row of it, the next state from state s
with or without a visit, has a Dirichlet prior of mean m and strength κ: as if κ transitions had been seen.

    no visit: m_s ∝ guess + Σ_c n_cs        what all clusters of a pool show together
    a visit:  m_cs ∝ m̂_cs·(v_s/m_s)         the cluster's own row m̂ without visits, its odds moved as
                                            visits move them in the pool, v_s ∝ guess + Σ_c n_cs
    κ maximises Σ log p(n_cs | κ·m_cs) + log p(κ), for each action on its own                       (1)

with p the Dirichlet–multinomial (Minka 2000, "Estimating a Dirichlet distribution") and log κ normal
around log `STRENGTH`: type-II maximum likelihood, weakly held, since few clusters say little of how much
they differ. The posterior adds a cluster's own counts (Gelman et al., 3rd ed., section 3.4). Visits are
few: it is what they change that clusters have in common, so it is learned from all of them.

*After the program's end* a cluster is believed to be what it was, its odds moved as the end moves them in all
clusters together, and a visit to move its odds as it did there before (`followed`):

    no visit: m_cs ∝ m̂_cs·(e_s/b_s)         m̂, m̂¹ the cluster's rows before the end; b_s the pool's,
                                            e_s ∝ κ₀·b_s + Σ_c n_cs of what was seen after it
    a visit:  m_cs ∝ m̃_cs·(m̂¹_cs/m̂_cs)      m̃ the row without visits after the end; then moved again by
                                            as much as visits after it did something else in the pool

with κ fitted as above to what was seen after the end. So the end, which is the same for all, is learned from
all within a few periods, and what a visit did in a cluster is not forgotten with it.

A transition is counted only if both of its ends are known: a silent unit shows none.

*Order.* It is believed, with probability ω, that a visit makes no state's future worse: P(next ≥ k) is
no smaller with it than without, for every k; and with the same ω that a better state has no worse next
one. Both are held against the data. For two rows with a flat prior the first is true with probability
1/S (the S differences are exchangeable and sum to 0: of their S rotations exactly one has no negative
partial sum). With p the share of unrestricted posterior draws in which it holds, the odds for it are
S·p·ω/(1 − ω) (Klugkist & Hoijtink 2007), and that part of the draws is put in order: violating rows are
replaced by their weighted means (isotonic regression of posterior draws, Dunson & Neelon 2003). So
counts that insist on harm are believed, and counts that say little are not mistaken for harm.
"""

from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from scipy.special import gammaln

from engagement.records import Floats, Integers

UNKNOWN = -1
"""The state of a unit of which nothing was heard."""
STRENGTH, STRENGTH_SD = 8.0, 1.5
"""Of κ beforehand: half to the e-fold of 1.5 around 8 transitions; a guess."""
STRONGEST = 1000.0
"""Clusters that differ less than this says are alike for any number of visits one could make."""
BELIEF_IN_ORDER = 0.95
"""ω, a guess: visits by trained health workers rarely harm a group."""


class Prior(NamedTuple):
    """mean : (C, 2, S, S), P(next | action, state)      strength : (2,), κ of each action, in transitions"""

    mean: Floats
    strength: Floats


def counted(
    cluster: Integers, before: Integers, action: Integers, after: Integers, clusters: int, states: int
) -> Floats:
    """Transitions by cluster, action, state and next state: (C, 2, S, S).

    cluster, before, action, after : one number a transition; a state may be UNKNOWN, and is not counted
    raises : ValueError for numbers outside their ranges
    """
    ranges = ((cluster, 0, clusters), (before, UNKNOWN, states), (action, 0, 2), (after, UNKNOWN, states))
    if any(((part < low) | (part >= high)).any() for part, low, high in ranges):
        raise ValueError("a cluster, state or action is out of its range")
    known = (before != UNKNOWN) & (after != UNKNOWN)
    shape = (clusters, 2, states, states)
    cell = np.ravel_multi_index((cluster[known], action[known], before[known], after[known]), shape)
    counts: Floats = np.bincount(cell, minlength=clusters * 2 * states**2).reshape(shape).astype(np.float64)
    return counts


def pooled(counts: Floats, guess: Floats) -> Prior:
    """The prior of the clusters of one pool, fitted to all of them.

    counts : (C, 2, S, S)      guess : (2, S, S), expected counts before any data, as of one cluster;
    a transition that neither guess nor counts hold is impossible
    """
    left, visited = _shares(guess + counts.sum(axis=0))
    unvisited = np.broadcast_to(left, counts[:, 0].shape)
    first = _strength(counts[:, 0], unvisited)
    moved = _moved(_shares(counts[:, 0] + first * unvisited), left, visited)
    return Prior(np.stack([unvisited, moved], axis=1), np.array([first, _strength(counts[:, 1], moved)]))


def _shares(counts: Floats) -> Floats:
    """Each row as probabilities."""
    shares: Floats = counts / counts.sum(axis=-1, keepdims=True)
    return shares


def _moved(own: Floats, before: Floats, after: Floats) -> Floats:
    """Rows with their odds moved as from `before` to `after`; (…, S) each."""
    # where nobody got to before, there is no odds to move
    return _shares(own * (after / np.where(before > 0, before, 1)) + np.where(before > 0, 0, after))


def _strength(counts: Floats, mean: Floats) -> float:
    """The κ of (1) for one action; counts, mean : (C, S, S)."""
    from scipy.optimize import minimize_scalar  # noqa: PLC0415  else every command waits for it to load

    def badness(log_strength: float) -> float:
        prior = ((log_strength - np.log(STRENGTH)) / STRENGTH_SD) ** 2 / 2
        return float(prior - log_likelihood(counts, np.exp(log_strength) * mean))

    found = minimize_scalar(badness, bounds=(0.0, np.log(STRONGEST)), method="bounded")
    return float(np.exp(found.x))


def log_likelihood(counts: Floats, alpha: Floats) -> float:
    """Log p of counts in the order seen, each row's probabilities, Dirichlet(α), integrated out.

    counts, alpha : (…, S)
    """
    possible = alpha > 0
    safe = np.where(possible, alpha, 1)
    seen = np.where(possible, gammaln(safe + counts) - gammaln(safe), 0).sum()
    strength = alpha.sum(axis=-1)
    return float(seen + (gammaln(strength) - gammaln(strength + counts.sum(axis=-1))).sum())


def learned(counts: Floats, pool: Integers, guess: Floats) -> Floats:
    """The posterior of each cluster's chain as Dirichlet concentrations, (C, 2, S, S).

    counts : (C, 2, S, S)      guess : (2, S, S), see `pooled`
    pool : (C,), a number for each cluster; those with the same share a prior
    """
    concentration = np.empty_like(counts)
    for number in np.unique(pool):
        of_pool = pool == number
        prior = pooled(counts[of_pool], guess)
        concentration[of_pool] = counts[of_pool] + prior.strength[:, None, None] * prior.mean
    return concentration


def followed(running: Floats, before: Floats, after: Floats, guess: Floats) -> Floats:
    """The posterior after the program's end, as `learned` gives it before, for clusters of one pool.

    running : (C, 2, S, S), what `learned` gives of `before`
    before, after : (C, 2, S, S), counts of the same clusters      guess : (2, S, S), see `pooled`
    """
    known = _shares(running)
    earlier = _shares(guess[0] + before[:, 0].sum(axis=0))
    later = _shares(STRENGTH * earlier + after[:, 0].sum(axis=0))
    unvisited = _moved(known[:, 0], earlier, later)
    left = after[:, 0] + _strength(after[:, 0], unvisited) * unvisited
    visited = _moved(_shares(left), known[:, 0], known[:, 1])
    # of as many visits as there were: what these rows expect of them, and what was seen
    typical = STRENGTH * visited.mean(axis=0)
    expected = typical + (after[:, 1].sum(axis=-1, keepdims=True) * visited).sum(axis=0)
    seen = typical + after[:, 1].sum(axis=0)
    moved = _moved(visited, _shares(expected), _shares(seen))
    return np.stack([left, after[:, 1] + _strength(after[:, 1], moved) * moved], axis=1)


def sampled(
    concentration: Floats,
    draws: int,
    rng: Generator,
    width: float = 1.0,
    belief_in_order: float = BELIEF_IN_ORDER,
) -> Floats:
    """M draws of every cluster's chain from the posterior, in order as far as the data allow.

    concentration : (C, 2, S, S)      draws : M
    width : c > 0; concentrations are divided by c², which multiplies the sds by about c
    belief_in_order : ω in [0, 1); 0 draws from the unrestricted posterior
    returns : (M, C, 2, S, S)
    """
    if not (width > 0 and 0 <= belief_in_order < 1):
        raise ValueError("the width must be positive, and the belief in order in [0, 1)")
    weight = concentration / width**2
    gamma = rng.standard_gamma(weight, size=(draws, *weight.shape))
    P: Floats = gamma / gamma.sum(axis=-1, keepdims=True)
    if belief_in_order == 0:
        return P
    tails = np.cumsum(P[..., ::-1], axis=-1)[..., -2::-1]
    rows = weight.sum(axis=-1)
    odds = belief_in_order / (1 - belief_in_order)
    helps = _kept(tails[:, :, 1] - tails[:, :, 0], odds)
    rises = _kept(tails[:, :, :, 1:] - tails[:, :, :, :-1], odds).min(axis=-1, keepdims=True)
    chance = rng.random((2, *tails.shape[:-1]))
    tails = np.where((chance[0] < rises)[..., None], _risen(tails, rows), tails)
    ordered = np.where((chance[1][:, :, 0] < helps)[:, :, None, :, None], _helped(tails, rows), tails)
    return _rows(ordered)


def _kept(difference: Floats, odds: float) -> Floats:
    """The posterior probability that a row is no worse than another, from draws of their difference.

    difference : (M, C, …, S − 1), of P(next ≥ k) for each k      returns : (C, …)
    """
    draws, states = len(difference), difference.shape[-1] + 1
    # half a draw more and less, so that no claim is ever certain
    share = ((difference >= 0).all(axis=-1).sum(axis=0) + 0.5) / (draws + 1)
    for_it: Floats = odds * states * share
    return for_it / (for_it + 1)


def _risen(tails: Floats, rows: Floats) -> Floats:
    """Isotonic regression over the states: max over i ≤ s of min over j ≥ s of the mean of i … j.

    tails : (M, C, 2, S, S − 1)      rows : (C, 2, S), weights      (Robertson et al. 1988, theorem 1.4.4)
    """
    states = tails.shape[-2]
    weight = np.concatenate([np.zeros((*rows.shape[:-1], 1)), rows.cumsum(-1)], -1)[..., None]
    total = np.concatenate([np.zeros_like(tails[..., :1, :]), (tails * rows[..., None]).cumsum(-2)], -2)

    def mean(i: int, j: int) -> Floats:
        over: Floats = (total[..., j + 1, :] - total[..., i, :]) / (weight[..., j + 1, :] - weight[..., i, :])
        return over

    columns = [
        np.max(
            [np.min([mean(i, j) for j in range(s, states)], axis=0) for i in range(s + 1)],
            axis=0,
        )
        for s in range(states)
    ]
    return np.stack(columns, axis=-2)


def _helped(tails: Floats, rows: Floats) -> Floats:
    """Where a visit would be worse than none, both are their weighted mean.

    The weights are a cluster's, not a state's: the same for all states, they keep these in order.
    """
    total = rows.sum(axis=-1)
    share = (total[:, 1] / total.sum(axis=-1))[:, None, None]
    without, with_visit = tails[:, :, 0], tails[:, :, 1]
    mean = share * with_visit + (1 - share) * without
    return np.stack([np.minimum(without, mean), np.maximum(with_visit, mean)], axis=2)


def _rows(tails: Floats) -> Floats:
    """Probabilities of each next state from P(next ≥ k), k = 1 … S − 1."""
    edges = [np.ones_like(tails[..., :1]), tails, np.zeros_like(tails[..., :1])]
    # a mean of equal numbers may differ from them in the last bit
    P = np.maximum(-np.diff(np.concatenate(edges, axis=-1), axis=-1), 0)
    normalised: Floats = P / P.sum(axis=-1, keepdims=True)
    return normalised
