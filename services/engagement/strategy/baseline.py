"""What decides where the belief does not: in a control group, and while a strategy only watches.

A baseline looks at nothing but what is available, so it is the same on the last day as on the first.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from engagement.actions.action import NONE, Id
from engagement.records import Bools, Floats


class FixedOrder(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="fixed_order"
):
    """The first of `actions` that is available, else `none`; no chance in it."""

    actions: tuple[Id, ...] = ()

    def probabilities(self, names: Sequence[str], available: Bools) -> Floats:
        """1 for the first available action of the order, 0 for the others.

        names : the K actions, `none` first      available : (N, K), `none` always is
        """
        order = np.array([list(names).index(action) for action in (*self.actions, NONE)])
        first = available[:, order].argmax(axis=1)
        chosen = np.zeros(available.shape)
        chosen[np.arange(len(available)), order[first]] = 1.0
        return chosen


class EvenChance(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="even_chance"
):
    """Every available action equally often, `none` among them."""

    def probabilities(
        self,
        names: Sequence[str],  # noqa: ARG002  none of them is special
        available: Bools,
    ) -> Floats:
        """1/K′ for each of the K′ available actions; see `FixedOrder.probabilities`."""
        even: Floats = available / available.sum(axis=1, keepdims=True)
        return even


AnyBaseline = FixedOrder | EvenChance
