"""The minimum service: which visits of a week must be certain so that every promise can be kept.

A unit *due* in d weeks must be visited in one of the next d, this one among them. With B visits a week all
promises can be kept if and only if, for every k, no more than k·B units are due within k weeks; whoever is
due first then goes first (Jackson 1955, "Scheduling a production line to minimize maximum tardiness"). So
as many visits are certain this week as the tightest of these needs, and no more: certain visits teach
nothing. Which of several units that are due alike are the certain ones is decided by lot.

The others keep their weeks, from which the least of their chances follows (`inclusion.promised`): few
promises come down to their last week.

The ε-th part of the visits is left to chance as long as the promises can be kept beside it. In a week in
which they cannot, the part is made so much smaller: a promise comes before what could be learned.
"""

from typing import NamedTuple

import numpy as np

from engagement.bandits.restless.inclusion import TOLERANCE
from engagement.errors import Invalid
from engagement.records import Floats, Integers

NEVER = 2**31
"""Due in more weeks than any program lasts: nothing is promised."""


class Promised(NamedTuple):
    """due : (N,), as `Pool.due`: at most 1 where a visit is certain      forced : how many are

    epsilon : what is left of ε in this week
    """

    due: Floats
    forced: int
    epsilon: float


def promised(due: Integers, visits: int, epsilon: float, lot: Integers) -> Promised:
    """What to promise this week so that it can still be kept in the weeks after.

    due : (N,), weeks within which a visit is due, below 1 where it is overdue, NEVER where none is
    visits : B, of this week and, as far as is known, of those to come      epsilon : ε
    lot : (N,), keyed numbers that decide between units due alike
    raises : Invalid when more visits must be certain than there are
    """
    left = np.maximum(due, 1)
    certain = most_certain(len(due), visits, epsilon)
    forced = _needed(left, certain)
    if forced > certain:
        forced = _needed(left, visits)
    if forced > visits:
        raise Invalid(
            f"the minimum service needs {forced} visits this week, and the health workers "
            f"have time for {visits}"
        )
    if forced > certain:
        epsilon = (1 - forced / visits) / (1 - forced / len(due))
    out = np.where(left < NEVER, left, np.inf)
    first = np.lexsort((lot, left))
    out[first[:forced]] = 1
    return Promised(out, forced, epsilon)


def _needed(left: Integers, each_week: int) -> int:
    """How many visits must be certain now, if so many can be in each week to come."""
    weeks, count = np.unique(left[left < NEVER], return_counts=True)
    return int(np.max(np.cumsum(count) - (weeks - 1) * each_week, initial=0))


def most_certain(units: int, visits: int, epsilon: float) -> int:
    """How many of B visits can be certain while every other unit keeps at least εB/N."""
    if visits >= units:
        return units
    return int(visits * (1 - epsilon) / (1 - epsilon * visits / units) + TOLERANCE)
