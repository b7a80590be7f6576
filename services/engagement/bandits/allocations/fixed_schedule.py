"""Actions in an order written down beforehand: what a program without a bandit does."""

from typing import Annotated, ClassVar

import msgspec
import numpy as np

from engagement.records import Bools, Course, Floats, Scores


class FixedSchedule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="fixed_schedule"
):
    """ρ = 1 for the scheduled action of a unit's decision, for `none` where that one is unavailable.

    order : actions by number, 0 for `none` and then the strategy's in their order, for a unit's first
    decision, its second and so on; from the start again when it is used up

    Without chance in it: only a strategy's bounds leave something to learn from.
    """

    USES: ClassVar[frozenset[str]] = frozenset({"made"})

    order: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=0)], ...], msgspec.Meta(min_length=1, max_length=366)
    ] = (1, 0)

    def flaw(self, actions: int) -> str | None:
        """Every number is an action's."""
        if max(self.order) < actions:
            return None
        return f"the schedule names action {max(self.order)}, and the last one has the number {actions - 1}"

    def probabilities(
        self,
        scores: Scores,  # noqa: ARG002  the schedule looks at no belief
        available: Bools,
        course: Course,
    ) -> Floats:
        """1 for the scheduled action; see `Allocation.probabilities`."""
        if not available.any(axis=1).all():
            raise ValueError("every row needs an available action")
        rows = np.arange(len(available))
        scheduled = np.array(self.order)[course.made % len(self.order)]
        rho = np.zeros(available.shape)
        rho[rows, np.where(available[rows, scheduled], scheduled, available.argmax(axis=1))] = 1
        return rho
