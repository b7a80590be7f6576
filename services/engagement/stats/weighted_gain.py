"""What one way of choosing would have earned more than another, from what the other chose.

Ratio estimators with errors by cluster, for logged probabilities that are known exactly.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from engagement.records import Floats


class Gain(NamedTuple):
    """A difference of two means per decision, with its sd over clusters.

    logged : mean reward as it was chosen      other : as the other way would have chosen
    clusters : those with a row      effective : equally weighted rows carrying the same information
    """

    logged: float
    other: float
    sd: float
    clusters: int
    effective: float

    @property
    def difference(self) -> float:
        """How much more the other way earns for each decision."""
        return self.other - self.logged

    def lower(self, confidence: float) -> float:
        """One-sided lower bound: difference − t·sd, t with clusters − 1 degrees of freedom.

        confidence : of its being below the truth, in [1/2, 1)
        """
        return self.difference - float(stdtrit(self.clusters - 1, confidence)) * self.sd


def weighted_gain(weight: Floats, reward: Floats, cluster: Sequence[str]) -> Gain | None:
    """The gain of the way of choosing that the weights stand for; None with fewer than two clusters.

    weight : (N,), w = π_other/π_logged of the action chosen, ≥ 0      reward : (N,)
    cluster : N names; rows of different clusters are independent
    returns : also None when every weight is 0

    V = Σwr/Σw against r̄ (self-normalised importance weighting, Hesterberg 1995), consistent where
    the logged way gives every action the other may choose a positive probability. Its error is the delta
    method's: ψ_i = w_i(r_i − V)/w̄ − (r_i − r̄), summed by cluster to s_g, Σs_g = 0; variance
    G/(G − 1)·Σs_g²/N². It takes the clusters as the ones that vary, not the days.
    """
    names, place = np.unique(np.asarray(cluster, np.str_), return_inverse=True)
    total = weight.sum()
    if len(names) < 2 or not total > 0:
        return None
    other, logged = float(weight @ reward / total), float(reward.mean())
    influence = weight * (reward - other) * len(reward) / total - (reward - logged)
    sums = np.bincount(place, influence, len(names))
    sd = float(np.sqrt(len(names) / (len(names) - 1) * (sums @ sums)) / len(reward))
    return Gain(logged, other, sd, len(names), float(total**2 / (weight @ weight)))
