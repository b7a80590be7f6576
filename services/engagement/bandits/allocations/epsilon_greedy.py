"""What looks best, and now and then anything."""

from math import inf
from typing import ClassVar

import msgspec
import numpy as np

from engagement.records import Bools, Floats, Scores


class EpsilonGreedy(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="epsilon_greedy"
):
    """ρ = ε/K′ for each of the K′ available actions, and 1 − ε shared by those of the highest mean.

    epsilon : the share that is left to chance, whatever is believed (Sutton & Barto 2018, section 2.2)
    """

    MOST_ACTIONS: ClassVar[float] = inf

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ValueError("epsilon is a probability")

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        remaining: Floats,  # noqa: ARG002  the same to the last decision
    ) -> Floats:
        """Greedy with a share of chance; see `Allocation.probabilities`."""
        count = available.sum(axis=1, keepdims=True)
        if not count.all():
            raise ValueError("every row needs an available action")
        seen = np.where(available, scores.mean, -np.inf)
        best = seen == seen.max(axis=1, keepdims=True)
        rho: Floats = self.epsilon * available / count + (1 - self.epsilon) * best / best.sum(
            axis=1, keepdims=True
        )
        return rho
