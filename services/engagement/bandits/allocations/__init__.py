"""Exploration rules: from what is believed to what one would do. One a file, gathered in one union.

The union is the registry, as it is for the beliefs.
"""

from typing import TYPE_CHECKING, Protocol

from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.records import Bools, Floats, Scores

AnyAllocation = Uniform | Thompson | HorizonThompson


class Allocation(Protocol):
    """ρ: a probability for each available action, as a pure function of the K scores' mean and sd.

    The scores s_1 … s_K of a row are independent, s_k ~ the family's distribution with mean m_k and
    sd v_k. An allocation states how often each action is taken, before the strategy's bounds:

        ρ_k = g_k(m, v; available, remaining) ≥ 0,   Σ_k ρ_k = 1,   ρ_k = 0 where k is unavailable.

    Nothing else enters (no reward, no draw, no clock), so that ρ can be computed again from a
    decision's stored evidence.
    """

    def probabilities(self, scores: Scores, available: Bools, remaining: Floats) -> Floats:
        """ρ before bounds.

        scores : mean and sd, (N, K)      available : (N, K), `none` always is
        remaining : (N,) decisions still to come for the row's unit
        returns : (N, K); a row's bytes do not depend on the rows beside it
        raises : ValueError for a row without an available action
        """
        ...


if TYPE_CHECKING:

    def _every_member_is_an_allocation(member: AnyAllocation) -> Allocation:
        return member
