"""What may well be the best, by the bound that fits rates: Kullback–Leibler UCB."""

from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import rel_entr

from engagement.bandits.greedy import greedy
from engagement.records import Bools, Course, Floats, Scores

LEAST_SD = 1e-8
"""Below, a score counts as one seen 10¹⁵ times, and no square overflows."""
HALVINGS = 60
"""Of [m, 1], until the float64 below the bound is found."""


class KlUcb(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="kl_ucb"):
    """ρ = 1 for the largest U_k = max{q : n_k·d(m_k, q) ≤ log(1 + t)}, shared where several are equal.

    n_k is how many observations score k is worth, t their sum over the available, uncertain actions. For a
    beta score n = m(1 − m)/v² − 1, its two parameters together, and d(p, q) = p·log(p/q) +
    (1 − p)·log((1 − p)/(1 − q)). For a normal one n = 1/(4v²), as if the reward's noise had the sd ½,
    the largest that a reward in [0, 1] can have, and d(p, q) = 2(p − q)², so that U = m + v·√(2·log(1 + t)).
    A certain score is its own bound.

    Garivier & Cappé 2011, COLT, PMLR 19, 359–376, algorithm 1 with c = 0, as they advise for practice; the
    counts are the belief's, its prior's among them, so that units share what they have seen. Without
    chance in it before a strategy's bounds.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  t is what the belief has seen
    ) -> Floats:
        """All for the highest upper bound; see `Allocation.probabilities`."""
        return greedy(upper_bounds(scores, available), available)


def upper_bounds(scores: Scores, available: Bools) -> Floats:
    """U, (N, K): the means that the belief's observations do not yet rule out.

    scores : (N, K), of beta or normal scores      available : (N, K)
    """
    mean, uncertain = scores.mean, scores.sd > 0
    sd = np.maximum(scores.sd, LEAST_SD)
    rates = scores.family == "beta"
    worth = mean * (1 - mean) / sd**2 - 1 if rates else 0.25 / sd**2
    worth = np.maximum(worth, 0)
    seen = np.where(available & uncertain, worth, 0).sum(axis=1, keepdims=True)
    budget = np.log1p(seen)
    bound = _largest_rate(mean, budget, worth) if rates else mean + sd * np.sqrt(2 * budget)
    return np.where(uncertain, bound, mean)


def _largest_rate(mean: Floats, budget: Floats, worth: Floats) -> Floats:
    """The largest q in [mean, 1] with worth·d(mean, q) ≤ budget, d being convex and 0 at the mean."""
    low, high = mean.copy(), np.ones_like(mean)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        divergence = rel_entr(mean, middle) + rel_entr(1 - mean, 1 - middle)
        beyond = worth * divergence > budget
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return low
