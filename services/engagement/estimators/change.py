"""How an outcome changed between two surveys, and whether it changed more in one arm than in another.

n  people, or answers      K  coefficients      G  clusters

Each is a coefficient of a least-squares regression with errors by cluster, corrected for few clusters. What a
difference may be called, an effect or less, is not for arrays to say: it rests on how the arms came about.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from engagement.errors import Invalid
from engagement.estimators.sample import Interval
from engagement.estimators.sandwich import bias_reduced, by_cluster, products
from engagement.records import Bools, Floats, Integers


class Panel(NamedTuple):
    """The same people twice.

    before, after : (n,)      second : (n,), who is in the second of two arms; all False where there is one
    cluster : (n,) in [0, G); people of different clusters are independent
    """

    before: Floats
    after: Floats
    second: Bools
    cluster: Integers


class Sections(NamedTuple):
    """Different people at two times (a repeated cross-section).

    value : (n,)      later : (n,), asked at the second time      second, cluster : as in `Panel`
    """

    value: Floats
    later: Bools
    second: Bools
    cluster: Integers


class Change(NamedTuple):
    """A change, or a difference of changes.

    sd : its standard error; nan where the clusters are too few, or one alone decides it
    freedom : G − K, of the t that goes with it      clusters : G
    """

    value: float
    sd: float
    freedom: int
    clusters: int

    def interval(self, alpha: float = 0.05) -> Interval | None:
        """Two-sided t interval that misses with probability alpha; None without an error."""
        if np.isnan(self.sd):
            return None
        half = float(stdtrit(self.freedom, 1 - alpha / 2)) * self.sd
        return Interval(self.value - half, self.value + half)


def mean_change(rows: Panel | Sections) -> Change:
    """After less before, whatever the arm.

    raises : Invalid where there is nobody at one of the times
    """
    if isinstance(rows, Panel):
        return _coefficient(_ones(rows.before), rows.after - rows.before, rows.cluster, 0)
    return _coefficient(_columns(rows.value, rows.later), rows.value, rows.cluster, 1)


def difference_in_differences(rows: Panel | Sections) -> Change:
    """The change in the second arm less that in the first.

    Of a panel the coefficient of β in Δ = α + β·second + e; of cross-sections that of the product in
    y = α + γ·second + δ·later + β·second·later + e.
    raises : Invalid where an arm has nobody at one of the times
    """
    if isinstance(rows, Panel):
        design = _columns(rows.before, rows.second)
        return _coefficient(design, rows.after - rows.before, rows.cluster, 1)
    design = _columns(rows.value, rows.second, rows.later, rows.second & rows.later)
    return _coefficient(design, rows.value, rows.cluster, 3)


def adjusted_difference(rows: Panel) -> Change:
    """The second arm less the first in what came after, between people alike before (ANCOVA).

    β in after = α + β·second + γ·before + e (Vickers & Altman 2001). Only where arms were drawn by lot: else
    people alike before come from arms that are not, and regression to the mean is taken for a difference.
    raises : Invalid where an arm is empty, or was told apart by what was before
    """
    spread = float(rows.before.std())
    design = _columns(rows.before, rows.second)
    if spread > 0:
        design = np.column_stack([design, (rows.before - rows.before.mean()) / spread])
    return _coefficient(design, rows.after, rows.cluster, 1)


def _ones(like: Floats) -> Floats:
    return np.ones((len(like), 1))


def _columns(like: Floats, *columns: Bools) -> Floats:
    """An intercept, and columns of 0 and 1, (n, K)."""
    return np.column_stack([_ones(like), *(column.astype(np.float64) for column in columns)])


def _coefficient(design: Floats, outcome: Floats, cluster: Integers, place: int) -> Change:
    """One coefficient of a regression of `outcome` on `design`, (n, K)."""
    if not len(outcome) or np.linalg.matrix_rank(design) < design.shape[1]:
        raise Invalid("an arm has nobody at one of the times, or differed from the other from the beginning")
    theta = np.linalg.solve(design.T @ design, design.T @ outcome)
    score = by_cluster(design * (outcome - design @ theta)[:, None], cluster)
    clusters, freedom = len(score), len(score) - design.shape[1]
    sd = _error(products(design, design, cluster), score, place) if freedom > 0 else np.nan
    return Change(float(theta[place]), float(sd), freedom, clusters)


def _error(jacobian: Floats, score: Floats, place: int) -> float:
    try:
        return float(np.sqrt(bias_reduced(jacobian, score)[place, place]))
    except Invalid:
        return np.nan
