"""What a strategy says of a plan of health workers' visits.

A strategy with `plan` decides for all groups of a pool at once, a week at a time, which of them a health
worker goes to. A pool is a catchment: the groups linked to it, and the health workers linked to it.
"""

from typing import Annotated

import msgspec

from engagement.bandits.restless.plan import Rule
from engagement.signals.states import State

STATES: tuple[State, ...] = ("dissolved", "dormant", "wavering", "thriving")
"""Those of a group's chain, from the worst to the best. A dissolved group is in no pool."""
REWARD = (0.0, 0.3, 0.6, 1.0)
"""A step's worth of each: how sure it is that the next meeting is held; a guess for a program to change."""
STEP_DAYS = 28
"""A step of the chain: most groups meet once a month, so that they hardly change within a week."""


class Planning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a week's visits are shared among the groups of a pool.

    rule : see `Rule`; its rewards are those of a dissolved, dormant, wavering and thriving group
    longest_wait_weeks : the minimum service. A group visited in one week is visited again at most so many
        weeks later, a group new to the plan within its first so many; None promises nothing
    """

    rule: Rule = Rule(reward=REWARD)
    longest_wait_weeks: Annotated[int, msgspec.Meta(ge=1, le=104)] | None = None

    def __post_init__(self) -> None:
        """Refuses rewards that are not one for each state, or fall in a better one."""
        reward = self.rule.reward
        if len(reward) != len(STATES) or list(reward) != sorted(reward):
            raise ValueError(
                f"a plan has {len(STATES)} rewards that do not fall: for a {', '.join(STATES)} group"
            )
