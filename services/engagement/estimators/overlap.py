"""Whether a log says enough about another strategy to put a number on it."""

from math import ceil, inf
from typing import NamedTuple

import numpy as np

from engagement.estimators.sample import Sample
from engagement.records import Floats

ENOUGH = 100.0
"""Equally weighted decisions below which no number is given; a guess."""
LEAST = 10.0
"""Equally weighted groups below which none is given; a guess."""
UNSUPPORTED = 0.01
"""Share of the strategy's choices that the log may never make; a guess."""


class Overlap(NamedTuple):
    """How well a log covers a strategy.

    decisions, groups : in the log
    effective : equally weighted decisions that carry the same information, (Σw)²/Σw²
    effective_groups : the same of the groups' sums of weights
    largest : the largest weight      heaviest : the share of all weight that the heaviest hundredth carries
    unsupported : share of the strategy's choices among actions that the log could not have drawn
    """

    decisions: int
    groups: int
    effective: float
    effective_groups: float
    largest: float
    heaviest: float
    unsupported: float

    @property
    def enough(self) -> bool:
        """Whether a number may be given."""
        return self.further == 0

    @property
    def further(self) -> float:
        """Decisions like these that would still be needed; infinite when none would help.

        The effective numbers grow in proportion to the log.
        """
        if self.unsupported > UNSUPPORTED or not self.effective:
            return inf
        factor = max(ENOUGH / self.effective, LEAST / self.effective_groups)
        return max(0, ceil(self.decisions * (factor - 1)))


def overlap(sample: Sample) -> Overlap:
    """How well the log covers the strategy."""
    weight = sample.weight
    heavy = np.sort(weight)[::-1][: max(1, len(weight) // 100)]
    total = weight.sum()
    return Overlap(
        decisions=len(weight),
        groups=sample.clusters,
        effective=_effective(weight),
        effective_groups=_effective(np.bincount(sample.cluster, weight).astype(np.float64)),
        largest=float(weight.max()),
        heaviest=float(heavy.sum() / total) if total > 0 else 1.0,
        unsupported=float((sample.target * ~sample.possible).sum(axis=1).mean()),
    )


def _effective(weight: Floats) -> float:
    """(Σw)²/Σw², Kish's effective sample size; 0 where no weight is positive."""
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0
