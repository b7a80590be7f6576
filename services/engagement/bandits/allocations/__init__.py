"""Exploration rules: from what is believed to what one would do. One a file, gathered in one union.

The union is the registry, as it is for the beliefs.
"""

from typing import TYPE_CHECKING, ClassVar, Protocol

from engagement.bandits.allocations.epsilon_greedy import EpsilonGreedy
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.allocations.kl_ucb import KlUcb
from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.bandits.allocations.smooth import Smooth
from engagement.bandits.allocations.smooth_logistic import SmoothLogistic
from engagement.bandits.allocations.softmax import Softmax
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.top_two import TopTwo
from engagement.bandits.allocations.ucb import Ucb
from engagement.bandits.allocations.uniform import Uniform
from engagement.records import Bools, Course, Floats, Scores

AnyAllocation = (
    Uniform
    | FixedSchedule
    | RoundRobin
    | Thompson
    | HorizonThompson
    | TopTwo
    | EpsilonGreedy
    | Softmax
    | Ucb
    | KlUcb
    | Smooth
    | SmoothLogistic
)


class Allocation(Protocol):
    """ρ: a probability for each available action, as a pure function of the K scores' mean and sd.

    The scores s_1 … s_K of a row are independent, s_k ~ the family's distribution with mean m_k and
    sd v_k. An allocation states how often each action is taken, before the strategy's bounds:

        ρ_k = g_k(m, v; available, course) ≥ 0,   Σ_k ρ_k = 1,   ρ_k = 0 where k is unavailable.

    Nothing else enters (no reward, no draw, no clock), so that ρ can be computed again from a
    decision's stored evidence.

    USES : of "scores", "made" and "remaining" those that ρ depends on; what is not named is not looked at
    """

    USES: ClassVar[frozenset[str]]

    def flaw(self, actions: int) -> str | None:
        """Why this rule cannot choose among K actions, in words; None where it can.

        actions : K, `none` counted
        """
        ...

    def probabilities(self, scores: Scores, available: Bools, course: Course) -> Floats:
        """ρ before bounds.

        scores : mean and sd, (N, K)      available : (N, K), `none` always is
        course : of the N rows' units
        returns : (N, K); a row's bytes do not depend on the rows beside it
        raises : ValueError for a row without an available action
        """
        ...


if TYPE_CHECKING:

    def _every_member_is_an_allocation(member: AnyAllocation) -> Allocation:
        return member
