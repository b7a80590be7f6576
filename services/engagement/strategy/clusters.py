"""Which units are alike, and what is believed of how those change with and without a visit.

Units of one setting, one barrier and one side of the program's end form a cluster. What was
seen of it are pairs of states a step apart: those of months before anybody planned, without a visit, and
those that begin on the eve of a planned decision, with or without. The second begin every week though a
step lasts four, so each counts for the part of it that no other has: a quarter.

A unit not chosen in one week may be chosen in the next. So a chain says what choosing a unit *now*
changes, whatever follows as usual; that is also the choice a plan makes.
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from engagement.bandits.restless.chains import UNKNOWN, counted, followed, learned
from engagement.bandits.restless.index import Phases
from engagement.bandits.restless.plan import Belief
from engagement.records import Floats, Integers
from engagement.strategy.planning import STATES, STEP_DAYS, PlanLevel, UnitState

PART_OF_STEP = 7 / STEP_DAYS
FURTHEST_END = 24
"""Steps, nearly two years: an end further away is out of sight."""
GUESSES: dict[PlanLevel, Floats] = {
    "group": np.array(
        [
            [[8, 0, 0, 0], [3, 2, 1, 2], [1, 1, 2, 4], [0.25, 0.5, 1.25, 6]],
            [[8, 0, 0, 0], [2, 2, 1, 3], [0.5, 1, 1.5, 5], [0.25, 0.5, 0.75, 6.5]],
        ]
    ),
    "member": np.array(
        [
            [[8, 0, 0, 0], [0.25, 4.5, 0.5, 2.75], [0.1, 3.7, 0.6, 3.6], [0.1, 0.3, 2.9, 4.7]],
            [[8, 0, 0, 0], [0.15, 3.5, 0.6, 3.75], [0.1, 3, 0.6, 4.3], [0.1, 0.3, 2.5, 5.1]],
        ]
    ),
}
"""(2, S, S) each, transitions as if seen in a cluster beforehand, without and with a visit: eight a row.
Guesses, and a group that has dissolved stays so, as does a member who is gone. Members come about as often
as in the simulated year: nearly half of those who missed one meeting, a third of those who missed two."""


class Cluster(NamedTuple):
    """setting : of the group      after : whether its program has ended

    barrier : the member's, of a group the one that most of its members have; "" where none is known
    """

    setting: str
    after: bool
    barrier: str


class Change(NamedTuple):
    """Two states of a group a step apart; None where nobody knows. planned : it begins with a decision"""

    cluster: Cluster
    before: UnitState | None
    visited: bool
    after: UnitState | None
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


def believed(
    changes: Sequence[Change], stands: Sequence[Stand], level: PlanLevel = "group"
) -> tuple[Belief, Integers]:
    """The belief about all clusters that the units stand in, and each unit's place in it, (N,)."""
    afterwards = {Stand(row.cluster._replace(after=True), np.inf) for row in stands if row.left < np.inf}
    kinds = sorted({*stands, *afterwards})
    chains = sorted({row.cluster for row in kinds} | {row.cluster for row in changes})
    concentration = _concentration(changes, chains, level)
    of_chain = np.array([chains.index(row.cluster) for row in kinds], np.int64)
    place = {row: number for number, row in enumerate(kinds)}
    ends = [place.get(Stand(row.cluster._replace(after=True), np.inf), 0) for row in kinds]
    phases = Phases(np.array([row.left for row in kinds]), np.array(ends, np.int64))
    return Belief(concentration[of_chain], phases), np.array([place[row] for row in stands], np.int64)


def _concentration(changes: Sequence[Change], chains: Sequence[Cluster], level: PlanLevel) -> Floats:
    """(C, 2, S, S): what each cluster was like before the end says what to expect of it afterwards."""
    bases = sorted({cluster._replace(after=False) for cluster in chains})
    ended = [cluster._replace(after=True) for cluster in bases]
    counts = _counts([row for row in changes if not row.planned], [*bases, *ended], level)
    counts += PART_OF_STEP * _counts([row for row in changes if row.planned], [*bases, *ended], level)
    before, after = np.split(counts, 2)
    everywhere = np.zeros(len(bases), np.int64)
    running = learned(before, everywhere, GUESSES[level])
    place = {cluster: number for number, cluster in enumerate([*bases, *ended])}
    both = np.concatenate([running, followed(running, before, after, GUESSES[level])])
    return both[[place[cluster] for cluster in chains]]


def _counts(changes: Sequence[Change], chains: Sequence[Cluster], level: PlanLevel) -> Floats:
    number = {name: place for place, name in enumerate(chains)}
    known = {state: place for place, state in enumerate(STATES[level])}

    def place(state: UnitState | None) -> int:
        return UNKNOWN if state is None else known.get(state, UNKNOWN)

    rows = [(number[row.cluster], place(row.before), int(row.visited), place(row.after)) for row in changes]
    cluster, before, action, after = np.array(rows, np.int64).reshape(-1, 4).T
    return counted(cluster, before, action, after, len(chains), len(known))
