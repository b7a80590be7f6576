"""What may well be the best: the highest plausible mean."""

from math import inf
from typing import ClassVar

import msgspec

from engagement.bandits.greedy import greedy
from engagement.records import Bools, Course, Floats, Scores


class Ucb(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ucb"):
    """ρ = 1 for the largest m_k + c·v_k, shared where several are equal.

    sds : c, how many sds above its mean a score is judged by; 0 is greedy

    The upper quantile of the belief, as in Bayes-UCB (Kaufmann, Cappé & Garivier 2012, AISTATS,
    PMLR 22, 592–600), there at the level 1 − 1/t of the t-th decision, here at a fixed number of sds: a
    belief shared by many units has no one t, and what is taken too rarely the strategy's bounds see to.
    Without chance in it before those bounds.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    sds: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.sds < inf:
            raise ValueError("sds is a number of standard deviations, at least 0")

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  the same to the last decision
    ) -> Floats:
        """All for the highest upper bound; see `Allocation.probabilities`."""
        return greedy(scores.mean + self.sds * scores.sd, available)
