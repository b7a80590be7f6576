"""The better an action looks the more often, by the exponential of its mean."""

from math import inf
from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import softmax

from engagement.records import Bools, Course, Floats, Scores


class Softmax(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="softmax"):
    """ρ_k ∝ exp(m_k/T) over the available actions (Sutton & Barto 2018, section 2.8).

    temperature : T, in units of the reward; an action that looks T better is taken e times as often
    How sure the belief is of a mean does not enter.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    temperature: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.temperature < inf:
            raise ValueError("temperature is a positive number, in units of the reward")

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  the same to the last decision
    ) -> Floats:
        """Boltzmann's shares; see `Allocation.probabilities`."""
        if not available.any(axis=1).all():
            raise ValueError("every row needs an available action")
        rho: Floats = softmax(np.where(available, scores.mean / self.temperature, -np.inf), axis=1)
        return rho
