"""What one arm cost more than another, and what was gained for it.

G  clusters that were randomised together      B  redraws
"""

from typing import NamedTuple

import numpy as np

from engagement.errors import Invalid
from engagement.estimators.sample import Estimate, Interval, Term, estimate
from engagement.estimators.survival import contrast
from engagement.records import Floats, Integers


class Account(NamedTuple):
    """What was spent on n groups and what came of it.

    cost : (n,), in the currency's minor unit      gain : (n,), such as months that the group lived
    cluster : (n,) in [0, G)
    """

    cost: Floats
    gain: Floats
    cluster: Integers


class Plane(NamedTuple):
    """The incremental plane: redrawn differences, (B,) each, of the second arm less the first.

    cost, gain : by group, on average      ratio : of the two as observed, None where nothing was gained
    dominates : share of the redraws that gained more and cost less
    """

    cost: Floats
    gain: Floats
    ratio: float | None
    dominates: float


def cost_of_gain(account: Account) -> Estimate:
    """Cost for each unit of gain in one arm: Σcost/Σgain, with the error by cluster.

    raises : Invalid where nothing was gained, or with fewer than two clusters
    """
    return estimate((Term(account.cost, account.gain),), account.cluster)


def net_benefit(one: Account, other: Account, worth: float) -> Estimate:
    """What the second arm is worth more a group: Δ(worth·gain − cost), with `worth` of a unit of gain."""
    first, second = (
        estimate((Term(worth * row.gain - row.cost, np.ones(len(row.cost))),), row.cluster)
        for row in (one, other)
    )
    return contrast(second, first)


def plane(one: Account, other: Account, rng: np.random.Generator, *, repeats: int = 2000) -> Plane:
    """The incremental cost-effectiveness plane by bootstrap: in each arm whole clusters are drawn again."""
    drawn = [_redrawn(row, rng, repeats) for row in (one, other)]
    cost, gain = (second - first for first, second in zip(*drawn, strict=True))
    more = float(other.gain.mean() - one.gain.mean())
    dearer = float(other.cost.mean() - one.cost.mean())
    return Plane(cost, gain, dearer / more if more > 0 else None, float(np.mean((gain > 0) & (cost <= 0))))


def worth_it(found: Plane, worth: Floats) -> Floats:
    """Acceptability: the share of redraws in which the second arm pays, at each worth of a unit of gain."""
    share: Floats = ((worth[:, None] * found.gain - found.cost) > 0).mean(axis=1)
    return share


def spread(values: Floats, alpha: float = 0.05) -> Interval:
    """The middle of redrawn values."""
    low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    return Interval(float(low), float(high))


def _redrawn(account: Account, rng: np.random.Generator, repeats: int) -> tuple[Floats, Floats]:
    """Mean cost and gain a group of each redraw, (B,) each."""
    clusters = int(account.cluster.max(initial=-1)) + 1
    if clusters < 2:
        raise Invalid("redrawing an arm takes two clusters")
    counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters), repeats).astype(np.float64)
    size = counts @ np.bincount(account.cluster, minlength=clusters)
    cost, gain = (
        counts @ np.bincount(account.cluster, part, clusters) / size for part in (account.cost, account.gain)
    )
    return cost, gain
