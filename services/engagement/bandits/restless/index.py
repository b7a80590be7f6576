"""What a visit to each unit is worth, in each of M draws from the belief.

Units of one cluster and state are worth the same, so an index is computed for each cluster's chain and
state, not for each unit: a pool of a million costs what its clusters cost.

A cluster whose phase ends within sight has the index of the periods left (`horizon`), the worth of a
state afterwards being that of the cluster it turns into, which nobody visits: what a visit builds up
counts for as long as it lasts. All others have the endless one (`whittle`).

A unit that is not heard of was in some state when last known and has moved on without being seen: its
index is the mean over where it may be, each state weighted by its chance after that many periods without
a visit. That treats it as if its state would be known at the visit; the worth of finding out is left out.

A draw whose chain is not indexable has no number. The visit's gain in the next period stands in, and how
often is told.
"""

from typing import NamedTuple

import numpy as np

from engagement.bandits.restless.horizon import whittle_until, worth_unvisited
from engagement.bandits.restless.whittle import whittle
from engagement.records import Bools, Floats, Integers

LONGEST_SILENCE = 24
"""Periods unheard beyond which a state is taken as 24 periods old; the chain has mixed long before."""


class Phases(NamedTuple):
    """What is known of the end of each cluster's phase.

    left : (C,), periods to come in it, the next one among them; ∞ where no end is in sight
    afterwards : (C,), the cluster whose chain holds after it; not looked at where left is ∞
    """

    left: Floats
    afterwards: Integers


class Worth(NamedTuple):
    """value : (M, C, S), the index or what stands in for it      replaced : (M, C), where it stands in"""

    value: Floats
    replaced: Bools


def worth(transitions: Floats, reward: Floats, discount: float, phases: Phases) -> Worth:
    """The index of each cluster's states in each draw.

    transitions : (M, C, 2, S, S)      reward : (S,), a period's worth of each state
    discount : β in (0, 1)      raises : ValueError for anything else
    """
    draws, clusters, _, states, _ = transitions.shape
    if not 0 < discount < 1 or not (phases.left >= 1).all():
        raise ValueError("a discount lies between 0 and 1, and a phase has at least a period left")
    value = np.empty((draws, clusters, states))
    for left in np.unique(phases.left):
        of = np.flatnonzero(phases.left == left)
        arms = transitions[:, of].reshape(-1, 2, states, states)
        if np.isinf(left):
            found = whittle(arms, reward, discount)
        else:
            after = worth_unvisited(transitions[:, phases.afterwards[of], 0], reward, discount)
            found = whittle_until(arms, reward, discount, int(left), after.reshape(-1, states))
        value[:, of] = found.value.reshape(draws, len(of), states)
    replaced: Bools = np.isnan(value[..., 0])
    gain = discount * (transitions[:, :, 1] - transitions[:, :, 0]) @ reward
    return Worth(np.where(replaced[..., None], gain, value), replaced)


def of_cells(
    value: Floats, transitions: Floats, cluster: Integers, state: Integers, unheard: Integers
) -> Floats:
    """The index of units by cluster, last known state, and periods since it was known.

    value : (M, C, S)      transitions : (M, C, 2, S, S)      cluster, state, unheard : (K,)
    returns : (M, K)
    """
    index = np.empty((len(value), len(cluster)))
    seen = np.minimum(unheard, LONGEST_SILENCE)
    expected = value  # of a unit that was in s so many periods ago
    for periods in range(int(seen.max(initial=0)) + 1):
        of = seen == periods
        index[:, of] = expected[:, cluster[of], state[of]]
        expected = np.einsum("mcsj,mcj->mcs", transitions[:, :, 0], expected)
    return index
