"""Two actions, and a chance that follows a generalised logistic step: the form of Oralytics and MiWaves."""

from math import inf, log
from typing import ClassVar

import msgspec
import numpy as np
from scipy.special import expit

from engagement.bandits.two_actions import advantage, only_two, second_with
from engagement.records import Bools, Course, Floats, Scores

REACH_SDS = 8.0
NODES = 257
"""Nodes 1/16 of a sd apart. The step's poles lie π/(B·sd) off the real line, so the rule of equal weights
errs by about exp(−32·π²/(B·sd)) (Trefethen & Weideman 2014, theorem 5.1): 10⁻⁶ at B·sd = 22, less below."""
PLACE = np.linspace(-REACH_SDS, REACH_SDS, NODES)
WEIGHT = np.exp(-0.5 * PLACE**2) / np.exp(-0.5 * PLACE**2).sum()


class SmoothLogistic(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="smooth_logistic"
):
    """π = E[L + (U − L)/(1 + C·e^(−B·x))^k] for the action, 1 − π for `none`; x ~ N(m, v), the advantage.

    low, high : L and U, between which the chance stays
    steepness : B, per unit of reward; 1/B is an advantage that moves the chance far
    shift : C; the larger, the more must be gained. With k = 1 the middle is passed at x = log(C)/B
    power : k; above 1 the chance rises late, below 1 early

    The step is that of two trials whose rewards have other units than ours: Oralytics (Trella et al. 2024,
    arXiv 2406.13127; L = .2, U = .8, C = 3, k = 1) and MiWaves (Ghosh et al. 2024, arXiv 2408.15076; C = 5).
    They take the mean over draws from the belief, here it is an integral, to 10⁻⁶ while B·√v ≤ 22. Smooth in
    the belief, as the probit form is. A strategy's `floor` comes on top; with 0 the bounds are these.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    low: float = 0.2
    high: float = 0.8
    steepness: float = 20.0
    shift: float = 3.0
    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError("low and high are probabilities, the lower one first")
        if not all(0 < number < inf for number in (self.steepness, self.shift, self.power)):
            raise ValueError("steepness, shift and power are positive numbers")

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
        x = mean[:, None] + sd[:, None] * PLACE
        passed = (WEIGHT * expit(self.steepness * x - log(self.shift)) ** self.power).sum(axis=1)
        # the weights sum to 1 but for rounding
        return second_with(self.low + (self.high - self.low) * np.minimum(passed, 1), available)
