"""Which groups are alike, and what is believed of how those change with and without a visit.

Groups of one setting, one most common barrier and one side of the program's end form a cluster. What was
seen of it are pairs of states a step apart: those of months before anybody planned, without a visit, and
those that begin on the eve of a planned decision, with or without. The second begin every week though a
step lasts four, so each counts for the part of it that no other has: a quarter.

A group not chosen in one week may be chosen in the next. So a chain says what choosing a group *now*
changes, whatever follows as usual; that is also the choice a plan makes.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from engagement.bandits.restless.chains import carried, counted, learned
from engagement.bandits.restless.index import Phases
from engagement.bandits.restless.plan import Belief
from engagement.records import Floats, Integers
from engagement.signals.states import State
from engagement.strategy.planning import STATES, STEP_DAYS

PART_OF_STEP = 7 / STEP_DAYS
FURTHEST_END = 24
"""Steps, nearly two years: an end further away is out of sight."""
GUESS = np.array(
    [
        [[8, 0, 0, 0], [3, 2, 1, 2], [1, 1, 2, 4], [0.25, 0.5, 1.25, 6]],
        [[8, 0, 0, 0], [2, 2, 1, 3], [0.5, 1, 1.5, 5], [0.25, 0.5, 0.75, 6.5]],
    ]
)
"""(2, S, S), transitions as if seen in a cluster beforehand, without and with a visit: eight a row. Guesses,
and a group that has dissolved stays so."""


class Cluster(NamedTuple):
    """setting : of the group      after : whether its program has ended

    barrier : the one that most of its members have, "" where none is known
    """

    setting: str
    after: bool
    barrier: str


class Change(NamedTuple):
    """Two states of a group a step apart; None where nobody knows. planned : it begins with a decision"""

    cluster: Cluster
    before: State | None
    visited: bool
    after: State | None
    planned: bool


class Stand(NamedTuple):
    """The cluster of a unit, and how many steps are left until its program ends; ∞ when out of sight."""

    cluster: Cluster
    left: float


def stand(cluster: Cluster, days_left: int | None) -> Stand:
    """days_left : until the last day of the program there, None when none is set"""
    if cluster.after or days_left is None:
        return Stand(cluster, np.inf)
    steps = max(1, ceil((days_left + 1) / STEP_DAYS))
    return Stand(cluster, float(steps) if steps <= FURTHEST_END else np.inf)


def believed(changes: Sequence[Change], stands: Sequence[Stand]) -> tuple[Belief, Integers]:
    """The belief about all clusters that the units stand in, and each unit's place in it, (N,)."""
    afterwards = {Stand(row.cluster._replace(after=True), np.inf) for row in stands if row.left < np.inf}
    kinds = sorted({*stands, *afterwards})
    chains = sorted({row.cluster for row in kinds} | {row.cluster for row in changes})
    concentration = _concentration(changes, chains)
    of_chain = np.array([chains.index(row.cluster) for row in kinds], np.int64)
    place = {row: number for number, row in enumerate(kinds)}
    ends = [place.get(Stand(row.cluster._replace(after=True), np.inf), 0) for row in kinds]
    phases = Phases(np.array([row.left for row in kinds]), np.array(ends, np.int64))
    return Belief(concentration[of_chain], phases), np.array([place[row] for row in stands], np.int64)


def _concentration(changes: Sequence[Change], chains: Sequence[Cluster]) -> Floats:
    """(C, 2, S, S): clusters before and after the end learn apart; what was seen before is a guess after."""
    counts = _counts([row for row in changes if not row.planned], chains)
    counts += PART_OF_STEP * _counts([row for row in changes if row.planned], chains)
    after = np.array([cluster.after for cluster in chains])
    out = np.empty_like(counts)
    guesses = {False: GUESS, True: GUESS + carried(counts[~after].sum(axis=0))}
    for ended, guess in guesses.items():
        of = np.flatnonzero(after == ended)
        if len(of):
            out[of] = learned(counts[of], np.zeros(len(of), np.int64), guess)
    return out


def _counts(changes: Sequence[Change], chains: Sequence[Cluster]) -> Floats:
    number = {name: place for place, name in enumerate(chains)}
    rows = [(number[row.cluster], _known(row.before), int(row.visited), _known(row.after)) for row in changes]
    cluster, before, action, after = np.array(rows, np.int64).reshape(-1, 4).T
    return counted(cluster, before, action, after, len(chains), len(STATES))


def _known(state: State | None) -> int:
    return STATES.index(state) if state in STATES else -1
