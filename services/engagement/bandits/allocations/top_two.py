"""Thompson's choice, or another one that Thompson might have made: finds the best action sooner."""

from typing import ClassVar

import msgspec
import numpy as np

from engagement.bandits.allocations.thompson import Thompson
from engagement.records import Bools, Course, Floats, Scores


class TopTwo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="top_two"):
    """ρ_k = β·p_k + (1 − β)·Σ_{j≠k} p_j·p_k/(1 − p_j), p being Thompson's probabilities.

    leader : β, how often Thompson's first draw stands; else one draws again until another action comes
    (Russo 2020, Operations Research 68, 1625–1647). For learning which action is best rather than for
    what is earned meanwhile. Where one action has all of p it keeps all.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    leader: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.leader <= 1:
            raise ValueError("leader is a probability")

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(self, scores: Scores, available: Bools, course: Course) -> Floats:
        """The two draws' probabilities, in closed form; see `Allocation.probabilities`."""
        p = Thompson().probabilities(scores, available, course)
        others = np.stack([np.delete(p, k, axis=1).sum(axis=1) for k in range(p.shape[1])], axis=1)
        # 1 − p_j as the sum of the others, which loses no digits where p_j is nearly 1
        odds = np.where(others > 0, p / np.where(others > 0, others, 1), 0)
        again = p * np.stack([np.delete(odds, k, axis=1).sum(axis=1) for k in range(p.shape[1])], axis=1)
        decided = (others == 0).any(axis=1, keepdims=True)
        rho: Floats = np.where(decided, p, self.leader * p + (1 - self.leader) * again)
        return rho
