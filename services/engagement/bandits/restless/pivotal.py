"""Exactly B units, each with exactly its inclusion probability: pivotal sampling, and who is next.

Two units duel with probabilities a and b, counted in units of 2⁻³² (Deville & Tillé 1998, section 2):

    a + b ≤ 1: one gets a + b and the other 0; the first does with probability a/(a + b);
    a + b > 1: one gets 1 and the other a + b − 1; the first gets 1 with probability (1 − b)/(2 − a − b).

Each keeps its mean, and at least one is settled. Whoever is not settled duels again, in rounds of
pairs, until all are; the sum never changes, so that exactly B have 1. Any order of duels keeps the
inclusion probabilities. Here it is shuffled by the plan's keyed numbers, which makes all pairs of units
with 0 < π < 1 possible together.

Every unit brings its own three numbers, so that neither the order in which units are listed nor another
machine changes the draw. A duel is decided by the number of its second unit; whoever goes on takes the
first one's along, which is still unused. Duels compare integers and one product of float64, correctly
rounded, so that the probability of a duel is exact to 2⁻⁵².
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engagement.bandits.propensity import ONE
from engagement.randomness import UNIFORM_BITS, uniforms
from engagement.records import Bools, Floats, Integers, Units


class Draws(NamedTuple):
    """Independent keyed uniforms of each unit, integers in [0, 2⁵³), (N,) each.

    order : when it is paired      duel : decides its duel      turn : its place in line
    """

    order: Integers
    duel: Integers
    turn: Integers


def keyed(secret: bytes, program: str, plan: str, period: str, units: Sequence[str]) -> Draws:
    """The numbers of these units in one period of a plan; another plan or period has others."""
    rows = [uniforms(secret, 3, program, plan, period, unit) for unit in units]
    return Draws(*np.array(rows, dtype=np.int64).reshape(-1, 3).T)


def drawn(units: Units, draws: Draws) -> Bools:
    """Who is chosen: each unit with probability units/2³², Σ units/2³² of them altogether.

    units : (N,) uint64, at most 2³² each, summing to a multiple of 2³²      returns : (N,)
    raises : ValueError for other numbers
    """
    share = units.astype(np.int64)
    if (units > ONE).any() or int(share.sum()) % ONE:
        raise ValueError("inclusion probabilities are at most 2^32 units and sum to whole visits")
    order = np.argsort(draws.order, kind="stable")
    left = order[(share[order] > 0) & (share[order] < ONE)]
    duel = draws.duel[left]
    while len(left):
        left, duel = _round(share, left, duel)
    final: Bools = share == ONE
    return final


def _round(share: Integers, left: Integers, duel: Integers) -> tuple[Integers, Integers]:
    """One round of duels of those not settled; settles share in place, and says who goes on."""
    pairs = len(left) // 2
    first, second = left[0 : 2 * pairs : 2], left[1 : 2 * pairs : 2]
    a, b = share[first], share[second]
    both = a + b
    small = both <= ONE
    odds, of = np.where(small, a, ONE - b), np.where(small, both, 2 * ONE - both)
    wins = duel[1 : 2 * pairs : 2].astype(np.float64) * of < odds * 2.0**UNIFORM_BITS
    # the small duel's winner, and the large duel's loser, keep what is left over
    stays = np.where(wins == small, first, second)
    goes = np.where(wins == small, second, first)
    share[stays] = np.where(small, both, both - ONE)
    share[goes] = np.where(small, 0, ONE)
    kept = np.concatenate([stays, left[2 * pairs :]])
    unused = np.concatenate([duel[0 : 2 * pairs : 2], duel[2 * pairs :]])
    open_still = share[kept] < ONE
    return kept[open_still], unused[open_still]


def line(units: Units, chosen: Bools, draws: Draws) -> Integers:
    """The units in line: the certain, the others chosen, then who is next when a visit falls out.

    returns : (N,), positions in `units`

    The certain and the chosen stand in random order. With v a unit's own number, those not chosen stand
    by [v/(1 − v)]·[(1 − π)/π], the smallest first: Pareto sampling (Rosén 1997), by which the first few
    are there with chances that grow with π, nearly in proportion to π/(1 − π). That is a rule for filling
    in, not a propensity: the propensity of a unit is π whether or not a substitute goes, and analysis
    goes by who was chosen.
    """
    # v/(1 − v) to the last bit, and neither 0 nor infinite
    later = (draws.turn + 1) / (2**UNIFORM_BITS - draws.turn) * _odds_against(units)
    return np.lexsort((np.where(chosen, draws.turn, later), ~chosen, units < ONE))


def _odds_against(units: Units) -> Floats:
    share = units.astype(np.float64)
    with np.errstate(divide="ignore"):
        odds: Floats = np.where(share > 0, (ONE - share) / share, np.inf)
    return odds
