"""How an incentive comes to its end: less and less as the program's end comes near, and nothing at a jerk.

What an incentive did is gone some three months after it stops (Mantzari 2015, PMC4728181), and a prize
that stops may take habit with it. So its steps are told beforehand, counted from the end of the program
at each site: where the end is moved, they move with it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import msgspec


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From so many days before the program's end at a site on, this is what is given; 0 ends it.

    days_before_end : negative for days after the end      cost_minor : in the currency's minor unit
    """

    days_before_end: Annotated[int, msgspec.Meta(ge=-3650, le=3650)]
    cost_minor: Annotated[int, msgspec.Meta(ge=0, le=10**12)]


def flaw(cost_minor: int, steps: Sequence[Step]) -> str | None:
    """Why these are no steps down from a cost, in words; None where they are."""
    costs = [cost_minor, *(step.cost_minor for step in steps)]
    days = [step.days_before_end for step in steps]
    if any(later >= sooner for sooner, later in pairwise(costs)):
        return "every step of a `taper` costs less than the one before, the first less than `cost_minor`"
    if any(later >= sooner for sooner, later in pairwise(days)):
        return "the steps of a `taper` stand in the order of their days, the earliest first"
    return None


def cost_on(cost_minor: int, steps: Sequence[Step], days_to_end: int | None) -> int:
    """What is given so many days before the end; all of it where no end is set."""
    if days_to_end is None:
        return cost_minor
    begun = [step.cost_minor for step in steps if days_to_end <= step.days_before_end]
    return begun[-1] if begun else cost_minor


def next_step(steps: Sequence[Step], days_to_end: int | None) -> Step | None:
    """The first step that has not begun; None where there is none, or no end is set."""
    if days_to_end is None:
        return None
    return next((step for step in steps if step.days_before_end < days_to_end), None)
