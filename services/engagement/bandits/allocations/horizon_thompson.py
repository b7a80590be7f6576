"""Thompson sampling that explores less when few decisions are left to profit from what it finds."""

from typing import ClassVar

import msgspec
import numpy as np

from engagement.bandits.allocations.thompson import Thompson
from engagement.records import Bools, Course, Floats, Scores

LEAST_SHARE = 0.3
"""Of the sds, however few decisions are left: the last one is decided nearly by the means alone."""
DIGITS = 4
"""The sds are whole from 10⁴ decisions on."""


class HorizonThompson(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="horizon_thompson"
):
    """ρ_k = P(s_k is the largest), each sd multiplied by c = clip(¼·log₁₀ h, .3, 1), h decisions to come.

    Thompson's rule asks nothing of the time that is left, and over-explores where it is short: a unit
    with twelve monthly decisions rarely gets back what it pays for learning. c is a rule of thumb, its
    cost and gain measured in benchmarks/pooling.py; at h = 120, where nobody knows, it is .52.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores", "remaining"})

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(self, scores: Scores, available: Bools, course: Course) -> Floats:
        """The probability of being best of narrower beliefs; see `Allocation.probabilities`."""
        share = np.clip(np.log10(np.maximum(course.remaining, 1)) / DIGITS, LEAST_SHARE, 1)
        narrower = scores._replace(sd=scores.sd * share[:, None])
        return Thompson().probabilities(narrower, available, course)
