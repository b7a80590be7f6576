"""Which groups health workers visit in a month, by what is known of them."""

from typing import NamedTuple

import numpy as np

from engagement.bandits.restless.assignment import Places
from engagement.bandits.restless.pivotal import Draws
from engagement.bandits.restless.plan import Considered, Pool, decided, shares
from engagement.randomness import generator
from engagement.records import Bools, Integers
from engagement.simulation.barriers import BARRIERS
from engagement.simulation.contender import AnyVisits, InTurn, Planned, WorstFirst
from engagement.simulation.seen import Known
from engagement.strategy.clusters import Change, Cluster, believed, stand
from engagement.strategy.planning import UnitState

STATES: tuple[UnitState, ...] = ("thriving", "wavering", "dormant", "dissolved")
"""By the number of known meetings missed in a row."""
NEVER = -1


class Standing(NamedTuple):
    """What is known of G groups.

    missed : (G,), known meetings in a row that were not held, or had fewer than three present
    unheard : (G,), months of which nothing was heard since      visited : (G,), the last month of a visit
    changes : pairs of states a month apart
    """

    missed: Integers
    unheard: Integers
    visited: Integers
    changes: tuple[Change, ...] = ()


def unknown(groups: int) -> Standing:
    """At the beginning every group is taken to meet."""
    nothing = np.zeros(groups, np.int64)
    return Standing(nothing, nothing, np.full(groups, NEVER))


def visited(
    visits: AnyVisits,
    standing: Standing,
    known: Known,
    there: Bools,
    count: int,
    month: int,
    left: int,
    seed: int,
) -> Bools:
    """At most `count` groups, (G,). there : (G,), alive      left : days until the program's end"""
    who = np.flatnonzero(there & (standing.missed < len(STATES) - 1))
    chosen = np.zeros(len(there), np.bool_)
    if not len(who) or not count:
        return chosen
    turn = generator(seed, "turn").permutation(len(there))
    match visits:
        case InTurn():
            order = np.lexsort((turn[who], standing.visited[who]))
        case WorstFirst():
            order = np.lexsort((turn[who], standing.visited[who], -standing.missed[who]))
        case Planned():
            chosen[who[_planned(visits, standing, known, who, count, month, left, seed)]] = True
            return chosen
    chosen[who[order[:count]]] = True
    return chosen


def _planned(
    visits: Planned,
    standing: Standing,
    known: Known,
    who: Integers,
    count: int,
    month: int,
    left: int,
    seed: int,
) -> Bools:
    """(n,), drawn with the probabilities of the service's plan."""
    clusters = clusters_of(known, len(standing.missed), after=left < 0)
    stands = [stand(clusters[group], left) for group in who.tolist()]
    belief, cluster = believed(standing.changes, stands)
    state = len(STATES) - 1 - standing.missed[who]
    nowhere = Places(("",) * len(who), ("",) * len(who), ("",) * len(who))
    pool = Pool(nowhere, cluster, state, standing.unheard[who], np.full(len(who), np.inf))
    count = min(count, len(who))
    share, _ = shares(pool, belief, visits.rule, count, generator(seed, "belief", str(month)))
    numbers = Draws(
        *generator(seed, "visits", str(month)).integers(0, 2**53, (3, len(standing.missed)))[:, who]
    )
    made = decided(Considered(share, pool.due, count, visits.rule.epsilon), numbers)
    return made.chosen


def clusters_of(known: Known, groups: int, *, after: bool) -> tuple[Cluster, ...]:
    """The cluster of each group, by its setting and the barrier that most of its members have."""
    barrier = (
        np.full(groups, "") if known.barriers is None
        else np.array(BARRIERS)[known.barriers.sum(axis=1).argmax(axis=1)]
    )  # fmt: skip
    setting = np.full(groups, "unknown") if known.urban is None else np.where(known.urban, "urban", "rural")
    return tuple(Cluster(str(s), after, str(b)) for s, b in zip(setting, barrier, strict=True))


def moved_on(
    standing: Standing,
    known: Known,
    there: Bools,
    reported: Bools,
    met: Bools,
    visited: Bools,
    month: int,
    left: int,
) -> Standing:
    """After a month's reports. there : (G,), alive before      met : (G,), held with three present"""
    missed = np.where(reported, np.where(met, 0, standing.missed + 1), standing.missed)
    missed = np.minimum(missed, len(STATES) - 1)
    clusters = clusters_of(known, len(missed), after=left < 0)
    changes = tuple(
        Change(
            clusters[group],
            STATES[standing.missed[group]] if not standing.unheard[group] else None,
            bool(visited[group]),
            STATES[missed[group]] if reported[group] else None,
            planned=False,  # a month lasts as long as a step, so each counts in full
        )
        for group in np.flatnonzero(there)
    )
    return Standing(
        missed,
        np.where(reported, 0, standing.unheard + 1),
        np.where(visited, month, standing.visited),
        standing.changes + changes,
    )
