"""What beliefs about the program as a whole share: one node of sums, that may fade, beside a prior.

A belief of this family says which sums over rows it keeps (`_sums`) and what follows from them (`scores`).
How results fade, what is expected beforehand, and that one node serves whoever asks, is here.
"""

from collections.abc import Sequence
from math import inf
from typing import Self

import msgspec
import numpy as np

from engagement.bandits import fading
from engagement.bandits.expected import Expected, imagined, in_order
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Floats, Nodes

MOST_ROWS = 2.0**53
"""Above it a further row would add nothing to a count."""
ROUNDING = 1e-6
"""A count may be so far below 0: a correction leaves the rounding error of what it took out, never more."""


class ProgramWide(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One belief for everybody in the program, read from one node.

    half_life_weeks : a result that closed so long before the newest one counts half; none: all alike
    expected : what is known of actions beforehand, by action; see `bandits.expected`
    """

    half_life_weeks: float | None = None
    expected: tuple[Expected, ...] = ()

    def __post_init__(self) -> None:
        fading.check_half_life(self.half_life_weeks)

    def expecting(self, actions: Sequence[str]) -> Self:
        """The same belief with what it expects in the order of the K actions, `none` first.

        raises : ValueError where it expects something of another action
        """
        return msgspec.structs.replace(self, expected=in_order(self.expected, actions))

    def flaw(self, actions: int) -> str | None:
        """Why the belief is not one of K actions: it expects something of another number of them."""
        if len(self.expected) in (0, actions):
            return None
        return (
            f"something is expected of {len(self.expected)} actions, `none` among them; there are {actions}"
        )

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:  # noqa: ARG002  one node whoever asks
        """The program's node alone."""
        return (ROOT,)

    def turns(self, nodes: Nodes, batch: Batch) -> bool:  # noqa: ARG002  the one node is always there
        """Never: the one node fades as it is folded."""
        return False

    def refitted(self, nodes: Nodes, actions: int) -> Self | None:  # noqa: ARG002  nothing to fit
        """Nothing is fitted."""
        return None

    def settled(self, nodes: Nodes, groups: Sequence[str], actions: int) -> Nodes:  # noqa: ARG002  one node is all
        """Nothing: there is no more to work out than the scores; see `Posterior.settled`."""
        return {}

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:  # noqa: ARG002  sums hold no hyper-parameter
        """No node."""
        return {}

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The sums with the batch's rows in (weight +1) or out again (−1); see `Posterior.fold`."""
        if not len(batch.action):
            return {}
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        self._must_be_learnable(batch)
        return self._learned(nodes, batch, actions)

    def _learned(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The node with the rows of a batch that is in order."""
        size = self._size(actions, batch.features.shape[1])
        return fading.folded(nodes, batch, size, self._kept(), lambda rows: self._sums(rows, actions))

    def _must_be_learnable(self, batch: Batch) -> None:
        """Refuses rewards and features that the belief is not made for. raises : Invalid"""
        if not np.isfinite(batch.reward).all():
            raise Invalid("rewards must be finite numbers")

    def _size(self, actions: int, features: int) -> int:
        """Numbers in the sums."""
        raise NotImplementedError

    def _sums(self, batch: Batch, actions: int) -> Floats:
        """(size,) of the batch's rows, each with its weight."""
        raise NotImplementedError

    def _seen(self, nodes: Nodes, actions: int, features: int) -> Floats:
        """(size,), of rows learned."""
        return fading.sums(nodes, self._size(actions, features), self._kept())

    def _imagined(self, actions: int, features: int) -> Floats:
        """(size,), of rows expected."""
        if not self.expected:
            return np.zeros(self._size(actions, features))
        return self._sums(imagined(self.expected, features), actions)

    def _kept(self) -> float:
        return fading.kept_a_week(self.half_life_weeks)


def must_be_counts(counts: Floats) -> None:
    """Refuses what no number of rows could be. raises : Unusable"""
    if not ((counts >= -ROUNDING).all() and (counts <= MOST_ROWS).all()):  # so that NaN fails too
        raise Unusable("the counts of the belief are not counts")


def must_be_positive(**named: float) -> None:
    """Refuses a prior's numbers where one is not positive and finite. raises : ValueError"""
    for name, value in named.items():
        if not 0 < value < inf:
            raise ValueError(f"{name} is a positive number in units of the reward, not {value}")


def must_be_shares(batch: Batch) -> None:
    """Refuses rewards that are no share of a success. raises : Invalid"""
    if not ((batch.reward >= 0) & (batch.reward <= 1)).all():
        raise Invalid("a success rate is learned from rewards between 0 and 1")


def must_be_rates(expected: Sequence[Expected]) -> None:
    """Refuses expectations that are no success rates. raises : ValueError"""
    for one in expected:
        if not 0 <= one.mean <= 1:
            raise ValueError(
                f"the success rate expected of `{one.action}` lies between 0 and 1, not {one.mean}"
            )
