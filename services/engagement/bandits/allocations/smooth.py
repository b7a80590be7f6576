"""Two actions, and a chance that grows smoothly with the believed advantage of the second."""

from math import inf
from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import ndtr

from engagement.bandits.two_actions import advantage, only_two, second_with
from engagement.records import Bools, Course, Floats, Scores


class Smooth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smooth"):
    """π = L + (U − L)·Φ((η·m − κ)/√(1 + η²v)) for the action, 1 − π for `none`; m, v of the advantage.

    low, high : L and U, between which the chance stays
    steepness : η, per unit of reward; 1/η is an advantage that moves the chance far
    threshold : κ, in units of the steepness: η·m must exceed it for the chance to pass the middle

    The expectation of L + (U − L)·Φ(η·x − κ) over x ~ N(m, v), in closed form. Differentiable in the belief,
    which inference after a study with a belief shared by all needs (Zhang, Janson & Murphy 2022,
    arXiv 2202.07098); Thompson's probabilities are not, where the sds become small. For an action and
    `none` only. A strategy's `floor` comes on top; with 0 the bounds are these.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    low: float = 0.2
    high: float = 0.8
    steepness: float = 10.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError("low and high are probabilities, the lower one first")
        if not 0 < self.steepness < inf or not -inf < self.threshold < inf:
            raise ValueError("steepness is a positive number and threshold a finite one")

    def flaw(self, actions: int) -> str | None:
        """It is for an action and `none`."""
        return only_two(actions)

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  the same to the last decision
    ) -> Floats:
        """π and 1 − π, or all for what alone is available; see `Allocation.probabilities`."""
        mean, sd = advantage(scores)
        passed = ndtr((self.steepness * mean - self.threshold) / np.sqrt(1 + np.square(self.steepness * sd)))
        return second_with(self.low + (self.high - self.low) * passed, available)
