"""Each available action in its turn."""

from typing import ClassVar

import msgspec
import numpy as np

from engagement.records import Bools, Course, Floats, Scores


class RoundRobin(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="round_robin"
):
    """ρ = 1 for one of the K′ available actions, numbered from 0: that of number (decisions made) mod K′.

    A unit for which the same actions stay available is given each of them equally often, `none` among them.
    Without chance in it, as a fixed schedule is.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"made"})

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,  # noqa: ARG002  the turn looks at no belief
        available: Bools,
        course: Course,
    ) -> Floats:
        """1 for the action whose turn it is; see `Allocation.probabilities`."""
        count = available.sum(axis=1)
        if not count.all():
            raise ValueError("every row needs an available action")
        number = np.cumsum(available, axis=1) - 1
        rho: Floats = (available & (number == (course.made % count)[:, None])).astype(np.float64)
        return rho
