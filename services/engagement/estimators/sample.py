"""Logged decisions as arrays, and a mean of them with its error by group.

n  logged decisions      K  actions, `none` among them      G  groups (clusters)      T  terms of an estimator
"""

from collections.abc import Hashable, Sequence
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


def numbered(names: Sequence[Hashable]) -> Integers:
    """Clusters from their names, numbered from 0 in order of appearance, (n,)."""
    number = {name: n for n, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], np.int64)


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


def paired(one: Estimate, other: Estimate) -> Estimate:
    """The first less the second, both of the same clusters, so that what moves both alike drops out."""
    influence = one.influence - other.influence
    clusters = len(influence)
    sd = float(np.sqrt(clusters / (clusters - 1) * (influence @ influence)))
    return Estimate(one.value - other.value, sd, clusters - 1, influence)


CHUNK = 2**22
"""Cells of one block of resampled counts."""


def bootstrap(
    terms: Terms, cluster: Integers, rng: np.random.Generator, *, alpha: float = 0.05, repeats: int = 2000
) -> Interval:
    """Bootstrap-t interval by cluster of one estimator; see `bootstraps`."""
    return bootstraps([terms], cluster, rng, alpha=alpha, repeats=repeats)[0]


def bootstraps(
    several: Sequence[Terms],
    cluster: Integers,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    repeats: int = 2000,
) -> list[Interval]:
    """Bootstrap-t intervals by cluster, of several estimators by the same redraws.

    Whole clusters are drawn again, and the t of each draw is kept. Where θ* and s* are those of a redraw,
    t* = (θ* − θ)/s* has the quantiles that are used in the place of Student's (Efron & Tibshirani 1993,
    chapter 12). Redraws in which a term has no weight, or without any error, say nothing and are left out.
    """
    clusters = int(cluster.max()) + 1
    there = [estimate(terms, cluster) for terms in several]
    sums = [_centred(terms, cluster, clusters) for terms in several]
    tables = np.concatenate([np.concatenate([one, _products(one)], axis=1) for one in sums], axis=1)
    found = []
    for start in range(0, repeats, block := max(1, CHUNK // clusters)):
        count = min(block, repeats - start)
        drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), count).astype(np.float64)
        found.append(drawn @ tables)
    redrawn = np.concatenate(found)
    intervals, column = [], 0
    for one, part in zip(there, sums, strict=True):
        width = part.shape[1] * (part.shape[1] + 3) // 2
        t = _redrawn_t(redrawn[:, column : column + width], part.shape[1] // 2, clusters)
        intervals.append(_bootstrap_interval(one, t[np.isfinite(t)], alpha))
        column += width
    return intervals


def _centred(terms: Terms, cluster: Integers, clusters: int) -> Floats:
    """Sums by cluster of v − θw of each term, then of w, (G, 2T): centred, so that squares lose no digits."""
    ratios = [float(term.value.sum() / term.weight.sum()) for term in terms]
    columns = [term.value - ratio * term.weight for term, ratio in zip(terms, ratios, strict=True)]
    columns += [term.weight for term in terms]
    return np.stack([np.bincount(cluster, column, clusters) for column in columns], axis=1).astype(np.float64)


def _products(table: Floats) -> Floats:
    """Products of every two columns, each pair once, (G, c(c + 1)/2)."""
    left, right = np.triu_indices(table.shape[1])
    return table[:, left] * table[:, right]


def _redrawn_t(redrawn: Floats, terms: int, clusters: int) -> Floats:
    """t* of each redraw, (B,): from redrawn sums of `_centred` and of its products."""
    c = 2 * terms
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = redrawn[:, :terms] / redrawn[:, terms:c]
        part = np.concatenate([np.ones_like(moved), -moved], axis=1) / np.tile(redrawn[:, terms:c], 2)
        left, right = np.triu_indices(c)
        twice = np.where(left == right, 1.0, 2.0)
        square = (redrawn[:, c:] * part[:, left] * part[:, right]) @ twice
        t: Floats = moved.sum(axis=1) / np.sqrt(clusters / (clusters - 1) * square)
    return t


def _bootstrap_interval(there: Estimate, t: Floats, alpha: float) -> Interval:
    if not len(t):  # no redraw has any error: every cluster says the same
        return Interval(there.value, there.value)
    low, high = np.quantile(t, [alpha / 2, 1 - alpha / 2])
    return Interval(there.value - float(high) * there.sd, there.value - float(low) * there.sd)
