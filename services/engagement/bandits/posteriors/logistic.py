"""Success or not, its log-odds linear in the features: logistic regression by Laplace's approximation.

    P(r = 1) = expit(φ'α + Σ_k 1[a = k]·φ'β_k),   α ~ N(0, τ₀²I),   β_k ~ N(0, τ²I),   β_none = 0

The posterior has no finite sums. It is taken as normal around its mode with the curvature it has there
(Gelman et al., Bayesian Data Analysis, 3rd ed., sections 4.1 and 16.2): each Newton step is the weighted
linear posterior of `stats.arrow`, with weights n·p(1 − p).

Folding law: rows of the same features and action say no more than how often they succeeded and failed, so
what is kept is a table of distinct (φ, a) with those two numbers, which is a sum over rows like any other.
Mode and curvature are functions of the table alone, and are made again whenever it changes.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from engagement.bandits import fading
from engagement.bandits.expected import imagined
from engagement.bandits.linear import with_none
from engagement.bandits.program_wide import (
    ProgramWide,
    must_be_counts,
    must_be_positive,
    must_be_rates,
    must_be_shares,
)
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Floats, Integers, Nodes, Points, Scores
from engagement.stats.arrow import Arrow, along, arrow

GONE = 1e-9
"""A row that less than this is left of is dropped: taken out again, or faded for thirty half-lives."""
MOST_STEPS = 100
PRECISE = 1e-9
"""Newton's last step; as it squares its error, the mode is then known to rounding."""


class Table(NamedTuple):
    """Distinct rows in the order of their numbers. features : (M, d)  action, successes, failures : (M,)"""

    features: Floats
    action: Integers
    successes: Floats
    failures: Floats


class _Mode(NamedTuple):
    """shared : (d,), α      own : (K, d), β, 0 for `none`"""

    shared: Floats
    own: Floats


class Logistic(ProgramWide, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="logistic"):
    """A baseline and an effect for each action on the log-odds of success, linear in the features.

    baseline_sd, effect_sd : prior sd of each coefficient, in log-odds per unit of its feature. The defaults
    hold a rate between 5 and 95 % where nothing is remarkable, and an effect beyond ± 20 points for rare.
    A fractional reward r in [0, 1] counts as r of a success and 1 − r of a failure.
    What is `expected` of an action is its rate where all features but the constant are 0.

    An action's score is its effect φ'β_k, in **log-odds**: that of `none` is 0. It ranks actions as
    their rates do, and whatever an exploration rule has in units of the reward is in log-odds here.

    The node: the week its rows are as of (0 where nothing fades), the effects' mode, (K − 1)·d numbers,
    their roots, (K − 1)·2d·d, then a row of d + 3 for each of the table: features, action, successes,
    failures. It grows with the number of distinct rows, some 140 bytes each at d = 14, and each fold works
    through all of them: for programs of up to some ten thousand decisions.
    """

    baseline_sd: float = 1.5
    effect_sd: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        must_be_positive(baseline_sd=self.baseline_sd, effect_sd=self.effect_sd)
        must_be_rates(self.expected)

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each action's effect in log-odds; see `Posterior.scores`."""
        d = points.features.shape[1]
        node = nodes.get(ROOT)
        if node is None:
            found = self._fitted(_no_rows(d), actions)
            effects, root = found.mean, found.root
        else:
            effects, root = _effects(_shaped(node, actions, d), actions, d)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found among the scores
            mean, sd = along(points.features, effects, root)
        return Scores("normal", with_none(mean), with_none(sd))

    def _learned(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        d = batch.features.shape[1]
        node = nodes.get(ROOT)
        known = None if node is None else _shaped(node, actions, d)
        week, left, faded = fading.brought_forward(
            self._kept(), None if known is None else float(known[0]), batch
        )
        before = _no_rows(d) if known is None else _table(known, actions, d)
        table = _joined(
            before._replace(successes=left * before.successes, failures=left * before.failures), faded
        )
        must_be_counts(np.concatenate([table.successes, table.failures]))
        found = self._fitted(table, actions)
        header = [0.0 if self._kept() == 1 else week]
        rows = np.column_stack(table)
        return {ROOT: np.concatenate([header, found.mean.ravel(), found.root.ravel(), rows.ravel()])}

    def _must_be_learnable(self, batch: Batch) -> None:
        must_be_shares(batch)
        if not np.isfinite(batch.features).all():
            raise Invalid("features must be finite numbers")

    def _fitted(self, table: Table, actions: int) -> Arrow:
        """Mode and curvature given the table's rows and those expected, by Newton's steps."""
        if self.expected:
            table = _joined(table, imagined(self.expected, table.features.shape[1]))
        d = table.features.shape[1]
        at = _Mode(np.zeros(d), np.zeros((actions, d)))
        for _ in range(MOST_STEPS):
            found = self._step(table, at, actions)
            towards = _Mode(found.shared, np.vstack([np.zeros((1, d)), found.mean]))
            if _distance(at, towards) <= PRECISE:
                break
            at = self._uphill(table, at, towards)
        return found

    def _step(self, table: Table, at: _Mode, actions: int) -> Arrow:
        """The linear posterior that the log posterior looks like from a mode so far."""
        eta, n = _log_odds(table, at), _numbers(table)
        p = expit(eta)
        weight = n * p * (1 - p)
        pull = np.maximum(table.successes, 0) - n * p + weight * eta
        d = table.features.shape[1]
        Q, h = np.zeros((actions, d, d)), np.zeros((actions, d))
        for k in range(actions):
            rows = table.action == k
            own = table.features[rows]
            Q[k], h[k] = (own * weight[rows, None]).T @ own, own.T @ pull[rows]
        return arrow(Q, h, self.baseline_sd, self.effect_sd)

    def _uphill(self, table: Table, at: _Mode, towards: _Mode) -> _Mode:
        """As far on the way as the log posterior, which is concave, does not fall."""
        now, share = self._height(table, at), 1.0
        while True:
            there = _Mode(*(a + share * (b - a) for a, b in zip(at, towards, strict=True)))
            # nearer than `PRECISE` rounding decides what is higher, and nothing is halved
            if self._height(table, there) >= now or _distance(at, there) <= PRECISE:
                return there
            share /= 2

    def _height(self, table: Table, at: _Mode) -> float:
        """The log posterior up to a constant."""
        eta = _log_odds(table, at)
        told = np.maximum(table.successes, 0) @ eta - _numbers(table) @ np.logaddexp(0, eta)
        shared = np.square(at.shared).sum() / self.baseline_sd**2
        return float(told - (shared + np.square(at.own).sum() / self.effect_sd**2) / 2)


def _log_odds(table: Table, at: _Mode) -> Floats:
    """(M,), α and β together for each row's action."""
    odds: Floats = np.einsum("md,md->m", table.features, at.shared + at.own[table.action])
    return odds


def _numbers(table: Table) -> Floats:
    """(M,), how many rows each stands for: never below 0, where a correction leaves a rounding error."""
    return np.maximum(table.successes, 0) + np.maximum(table.failures, 0)


def _distance(one: _Mode, other: _Mode) -> float:
    return max(float(np.abs(a - b).max(initial=0)) for a, b in zip(one, other, strict=True))


def _no_rows(features: int) -> Table:
    return Table(np.zeros((0, features)), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def _joined(table: Table, batch: Batch) -> Table:
    """A table with a batch's rows in it, equal ones as one, in the order of their numbers."""
    new = np.column_stack([batch.features, batch.action])
    names = np.vstack([np.column_stack([table.features, table.action]), new])
    successes = np.concatenate([table.successes, batch.weight * batch.reward])
    failures = np.concatenate([table.failures, batch.weight * (1 - batch.reward)])
    distinct, place = np.unique(names, axis=0, return_inverse=True)
    place = place.reshape(-1)
    won, lost = np.zeros(len(distinct)), np.zeros(len(distinct))
    np.add.at(won, place, successes)
    np.add.at(lost, place, failures)
    left = np.abs(won) + np.abs(lost) > GONE
    return Table(distinct[left, :-1], distinct[left, -1].astype(np.int64), won[left], lost[left])


def _fixed(actions: int, features: int) -> int:
    """Numbers before the table."""
    return 1 + (actions - 1) * features * (1 + 2 * features)


def _shaped(node: Floats, actions: int, features: int) -> Floats:
    size = _fixed(actions, features)
    if node.ndim != 1 or len(node) < size or (len(node) - size) % (features + 3):
        raise Unusable(
            f"the node should hold {size} numbers and rows of {features + 3}, and has the shape {node.shape}"
        )
    if not np.isfinite(node).all():
        raise Unusable("the numbers of the belief are not finite")
    return node


def _effects(node: Floats, actions: int, features: int) -> tuple[Floats, Floats]:
    """Mode and roots of the effects, as in `stats.arrow`."""
    middle = 1 + (actions - 1) * features
    root = node[middle : _fixed(actions, features)].reshape(actions - 1, 2 * features, features)
    return node[1:middle].reshape(actions - 1, features), root


def _table(node: Floats, actions: int, features: int) -> Table:
    rows = node[_fixed(actions, features) :].reshape(-1, features + 3)
    return Table(rows[:, :-3], rows[:, -3].astype(np.int64), rows[:, -2], rows[:, -1])
