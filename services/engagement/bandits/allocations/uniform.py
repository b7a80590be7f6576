"""Every available action equally often: a micro-randomised trial."""

from math import inf
from typing import ClassVar

import msgspec

from engagement.records import Bools, Floats, Scores


class Uniform(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="uniform"):
    """ρ_k = 1/K′ for each of the K′ available actions, whatever is believed (Klasnja et al. 2015)."""

    MOST_ACTIONS: ClassVar[float] = inf

    def probabilities(
        self,
        scores: Scores,  # noqa: ARG002  the rule looks at no belief
        available: Bools,
        remaining: Floats,  # noqa: ARG002  nor at what is left
    ) -> Floats:
        """1/K′ over the available actions; see `Allocation.probabilities`."""
        count = available.sum(axis=1, keepdims=True)
        if not count.all():
            raise ValueError("every row needs an available action")
        rho: Floats = available / count
        return rho
