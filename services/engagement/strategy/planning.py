"""What a strategy says of a plan of health workers' visits.

A strategy with `plan` decides for all *units* of a pool at once, a week at a time, which of them a health
worker goes to. Its units are groups, or members. A pool is a catchment: the groups linked to it, or the
members who sit in them, and the health workers linked to it.
"""

from typing import Annotated, Literal

import msgspec

from engagement.bandits.restless.plan import Rule
from engagement.signals.attending import MemberState
from engagement.signals.states import State

PlanLevel = Literal["group", "member"]
"""What the units of a plan are."""
UnitState = State | MemberState
GROUP_STATES: tuple[State, ...] = ("dissolved", "dormant", "wavering", "thriving")
"""Those of a group's chain, from the worst to the best. A dissolved group is in no pool."""
MEMBER_STATES: tuple[MemberState, ...] = ("gone", "dormant", "wavering", "active")
"""Those of a member's. Whoever is gone is in no pool."""
STATES: dict[PlanLevel, tuple[UnitState, ...]] = {"group": GROUP_STATES, "member": MEMBER_STATES}
UNKNOWN_STATE: UnitState = "wavering"
"""What a unit is taken for of which nothing is known; a guess between the best and the worst."""
REWARD = (0.0, 0.3, 0.6, 1.0)
"""A step's worth of each: how sure it is that the next meeting is held, or that they come to it; a guess for
a program to change."""
STEP_DAYS = 28
"""A step of the chain: most groups meet once a month, so that they hardly change within a week."""


class Planning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a week's visits are shared among the units of a pool.

    rule : see `Rule`; its rewards are those of a dissolved, dormant, wavering and thriving group, or of a
        gone, dormant, wavering and active member
    longest_wait_weeks : the minimum service. A unit visited in one week is visited again at most so many
        weeks later, one new to the plan within its first so many; None promises nothing
    """

    rule: Rule = Rule(reward=REWARD)
    longest_wait_weeks: Annotated[int, msgspec.Meta(ge=1, le=104)] | None = None

    def __post_init__(self) -> None:
        """Refuses rewards that are not one for each state, or fall in a better one."""
        reward = self.rule.reward
        if len(reward) != len(GROUP_STATES) or list(reward) != sorted(reward):
            raise ValueError(
                f"a plan has {len(GROUP_STATES)} rewards that do not fall: for a {', '.join(GROUP_STATES)} "
                f"group, or a {', '.join(MEMBER_STATES)} member"
            )
