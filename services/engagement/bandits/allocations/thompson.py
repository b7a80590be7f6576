"""Every available action as often as it is believed to be the best: Thompson sampling."""

from typing import ClassVar

import msgspec

from engagement.records import Bools, Course, Floats, Scores
from engagement.stats.best_of import best_of_betas, best_of_normals, best_of_students


class Thompson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="thompson"):
    """ρ_k = P(s_k is the largest of the available scores), the scores taken as independent.

    The probability that Thompson's draw (1933, Biometrika 25, 285–294) would be k, computed instead of
    drawn: what is stored is then exactly what the action is drawn from.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  the plain rule explores alike to the last decision
    ) -> Floats:
        """The probability of being best; see `Allocation.probabilities`."""
        if scores.freedom is not None:
            return best_of_students(scores.mean, scores.sd, scores.freedom, available)
        best_of = best_of_betas if scores.family == "beta" else best_of_normals
        return best_of(scores.mean, scores.sd, available)
