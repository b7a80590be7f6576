"""Logged decisions as arrays, and a mean of them with its error by group.

n  logged decisions      K  actions, `none` among them      G  groups (clusters)      T  terms of an estimator
"""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from engagement.errors import Invalid
from engagement.records import Bools, Floats, Integers

ROUNDING = 1e-6
Number = TypeVar("Number", bound=np.generic)


class Sample(NamedTuple):
    """Decisions whose action was drawn, and the strategy whose value is asked for.

    action : (n,) in [0, K)      reward : (n,)
    logged : (n,) in (0, 1], the probability with which the action was drawn
    target : (n, K), with which the strategy asked about would have drawn each; rows sum to 1
    possible : (n, K), whether the logged strategy could have drawn it at all
    predicted : (n, K), the mean reward that a model fitted to *other* groups expects; 0 without a model
    cluster : (n,) in [0, G), each at least once; decisions of different clusters are independent
    """

    action: Integers
    reward: Floats
    logged: Floats
    target: Floats
    possible: Bools
    predicted: Floats
    cluster: Integers

    @property
    def weight(self) -> Floats:
        """W = target/logged of the action drawn, (n,)."""
        return self.of_drawn(self.target) / self.logged

    @property
    def clusters(self) -> int:
        """G."""
        return int(self.cluster.max(initial=-1)) + 1

    def of_drawn(self, table: NDArray[Number]) -> NDArray[Number]:
        """The entries of an (n, K) table that belong to the actions drawn, (n,)."""
        return np.take_along_axis(table, self.action[:, None], axis=1)[:, 0]

    @property
    def expected(self) -> Floats:
        """What the model expects of the strategy asked about, (n,)."""
        value: Floats = np.einsum("nk,nk->n", self.target, self.predicted)
        return value

    @property
    def surprise(self) -> Floats:
        """Reward less what the model expected of the action drawn, (n,)."""
        return self.reward - self.of_drawn(self.predicted)


def checked(sample: Sample) -> Sample:
    """The sample, when it is one.

    raises : Invalid, naming what does not fit
    """
    n, actions = sample.target.shape
    shapes = {
        "action": (n,), "reward": (n,), "logged": (n,), "possible": (n, actions), "predicted": (n, actions),
        "cluster": (n,),
    }  # fmt: skip
    for name, shape in shapes.items():
        if getattr(sample, name).shape != shape:
            raise Invalid(f"`{name}` has the shape {getattr(sample, name).shape}, and should have {shape}")
    if not n:
        raise Invalid("there are no logged decisions")
    if not all(np.isfinite(part).all() for part in (sample.reward, sample.predicted)):
        raise Invalid("a reward, or what was expected of an action, is not a finite number")
    if ((sample.action < 0) | (sample.action >= actions)).any():
        raise Invalid(f"an action lies outside of [0, {actions})")
    if not ((sample.logged > 0) & (sample.logged <= 1)).all():
        raise Invalid("a logged probability does not lie in (0, 1]")
    if not (sample.target >= 0).all() or not (np.abs(sample.target.sum(axis=1) - 1) <= ROUNDING).all():
        raise Invalid("the probabilities of the strategy to be valued are not probabilities")
    if not sample.of_drawn(sample.possible).all():
        raise Invalid("an action was drawn that the log calls impossible")
    if not np.array_equal(np.unique(sample.cluster), np.arange(sample.clusters)):
        raise Invalid("clusters are numbered from 0 without a gap")
    return sample


class Term(NamedTuple):
    """One ratio of an estimator: the sum of `value` over the sum of `weight`, each (n,)."""

    value: Floats
    weight: Floats


Terms = tuple[Term, ...]
"""An estimator's whole result: what it estimates is the sum of its terms' ratios."""


def mean(value: Floats) -> Terms:
    """A plain mean as terms."""
    return (Term(value, np.ones(len(value))),)


class Interval(NamedTuple):
    """From low to high."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A mean reward for each decision, and how sure it is.

    sd : its standard error over clusters      freedom : degrees of freedom of the t that goes with it
    influence : (G,), each cluster's part in the error; sums to 0
    """

    value: float
    sd: float
    freedom: int
    influence: Floats

    def interval(self, alpha: float = 0.05) -> Interval:
        """Two-sided t interval that misses with probability alpha, when looked at once."""
        half = float(stdtrit(self.freedom, 1 - alpha / 2)) * self.sd
        return Interval(self.value - half, self.value + half)


def estimate(terms: Terms, cluster: Integers) -> Estimate:
    """The sum of ratios, with the delta method's error summed by cluster.

    cluster : (n,) in [0, G), G ≥ 2

    θ = Σ_t V_t/W_t with sums V, W over all rows; ψ_i = Σ_t (v_ti − θ_t·w_ti)/W_t, summed by cluster to
    s_g; the variance is G/(G − 1)·Σ s_g² (Liang & Zeger 1986, with the usual correction for few
    clusters), its t has G − 1 degrees of freedom.
    raises : Invalid with fewer than two clusters, or when a term's weights are all 0
    """
    clusters = int(cluster.max(initial=-1)) + 1
    if clusters < 2:
        raise Invalid("an error by group needs at least two groups")
    value, sums = 0.0, np.zeros(clusters)
    for term in terms:
        whole = term.weight.sum()
        if not whole > 0:
            raise Invalid("the strategy to be valued would never have drawn what was drawn")
        ratio = float(term.value.sum() / whole)
        sums += np.bincount(cluster, (term.value - ratio * term.weight) / whole, clusters)
        value += ratio
    sd = float(np.sqrt(clusters / (clusters - 1) * (sums @ sums)))
    return Estimate(value, sd, clusters - 1, sums)


CHUNK = 2**22
"""Cells of one block of resampled counts."""


def bootstrap(
    terms: Terms, cluster: Integers, rng: np.random.Generator, *, alpha: float = 0.05, repeats: int = 2000
) -> Interval:
    """Bootstrap-t interval by cluster: whole clusters are drawn again, and the t of each draw is kept.

    Where θ* and s* are those of a redraw, t* = (θ* − θ)/s* has the quantiles that are used in the place
    of Student's (Efron & Tibshirani 1993, chapter 12). Redraws in which a term has no weight, or without
    any error, say nothing and are left out.
    """
    clusters = int(cluster.max()) + 1
    there = estimate(terms, cluster)
    if not there.sd > 0:
        return Interval(there.value, there.value)
    values = np.stack([np.bincount(cluster, term.value, clusters) for term in terms])
    weights = np.stack([np.bincount(cluster, term.weight, clusters) for term in terms])
    found: list[Floats] = []
    for start in range(0, repeats, block := max(1, CHUNK // clusters)):
        count = min(block, repeats - start)
        drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), count).astype(np.float64)
        whole = drawn @ weights.T
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (drawn @ values.T) / whole
            psi = ((values.T[None] - ratio[:, None, :] * weights.T[None]) / whole[:, None, :]).sum(axis=2)
            spread = np.sqrt(clusters / (clusters - 1) * np.einsum("bg,bg,bg->b", drawn, psi, psi))
            t = (ratio.sum(axis=1) - there.value) / spread
        found.append(t[np.isfinite(t)])
    low, high = np.quantile(np.concatenate(found), [alpha / 2, 1 - alpha / 2])
    return Interval(there.value - float(high) * there.sd, there.value - float(low) * there.sd)
