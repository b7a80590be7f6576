"""Every available action equally often: a micro-randomised trial."""

from typing import ClassVar

import msgspec

from engagement.records import Bools, Course, Floats, Scores


class Uniform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="uniform"):
    """ρ_k = 1/K′ for each of the K′ available actions, whatever is believed (Klasnja et al. 2015)."""

    USES: ClassVar[frozenset[str]] = frozenset()

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,  # noqa: ARG002  the rule looks at no belief
        available: Bools,
        course: Course,  # noqa: ARG002  nor at what is left
    ) -> Floats:
        """1/K′ over the available actions; see `Allocation.probabilities`."""
        count = available.sum(axis=1, keepdims=True)
        if not count.all():
            raise ValueError("every row needs an available action")
        rho: Floats = available / count
        return rho
