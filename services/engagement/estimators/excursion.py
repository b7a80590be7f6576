"""What an action did, on average, at the decision points where it could be given: causal excursion effects.

n  decisions      K  actions, `none` first      q  controls      p  moderators      G  groups

Each action is compared with `none` at the same decision points, and afterwards things go on as they did in
the log. Both estimators are right whatever the controls leave out, because the probabilities are known.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import root
from scipy.special import fdtrc, stdtr, stdtrit

from engagement.errors import Invalid
from engagement.estimators.sample import Interval
from engagement.estimators.sandwich import CLOSE, bias_reduced, by_cluster, products
from engagement.records import Bools, Floats, Integers


class Excursions(NamedTuple):
    """Decisions at which every action could have been drawn.

    outcome : (n,)      action : (n,) in [0, K)
    probability : (n, K), with which each action was to be drawn; all positive, and rows sum to 1 where
        every decision is here; less in a pair, of those where one of the two was drawn
    reference : (n, K), p̃, with which the weights do as if it had been: constant, or a function of the
        moderators alone; rows sum to 1
    controls : (n, q), what foretells the outcome without an action, an intercept among them
    moderators : (n, p), what the effect may depend on, an intercept first
    cluster : (n,) in [0, G); wherever members influence each other, their group
    """

    outcome: Floats
    action: Integers
    probability: Floats
    reference: Floats
    controls: Floats
    moderators: Floats
    cluster: Integers


class Effect(NamedTuple):
    """One coefficient of one action's effect.

    value, sd : a difference of outcomes, or the logarithm of a ratio
    interval : 95 % where no other alpha was asked for
    chance : of a value at least as far from 0 if there were no effect (two-sided p)
    """

    value: float
    sd: float
    interval: Interval
    chance: float


class Effects(NamedTuple):
    """What the actions did.

    coefficient : (K − 1, p), against `none`      covariance : of its (K − 1)·p entries, row by row
    freedom : G − (K − 1)·p − q      clusters : G
    """

    coefficient: Floats
    covariance: Floats
    freedom: int
    clusters: int
    controls: int

    def effect(self, action: int, moderator: int = 0, alpha: float = 0.05) -> Effect:
        """One coefficient with a t interval that misses with probability alpha. action : from 1"""
        width = self.coefficient.shape[1]
        place = (action - 1) * width + moderator
        return self._told(
            float(self.coefficient[action - 1, moderator]), float(self.covariance[place, place]), alpha
        )

    def at(self, action: int, moderators: Floats, alpha: float = 0.05) -> Effect:
        """The effect of an action where the moderators have these values, (p,)."""
        width = self.coefficient.shape[1]
        part = slice((action - 1) * width, action * width)
        variance = moderators @ self.covariance[part, part] @ moderators
        return self._told(float(self.coefficient[action - 1] @ moderators), float(variance), alpha)

    def any_effect(self) -> float:
        """Chance of coefficients at least this far from 0 if none had an effect: Hotelling's test.

        (G − q − p)/(p(G − q − 1))·β'V⁻¹β ~ F(p, G − q − p), with p here for all of them.
        """
        beta = self.coefficient.ravel()
        p, q, n = len(beta), self.controls, self.clusters
        distance = float(beta @ np.linalg.solve(self.covariance, beta))
        return float(fdtrc(p, n - q - p, (n - q - p) / (p * (n - q - 1)) * distance))

    def _told(self, value: float, variance: float, alpha: float) -> Effect:
        sd = float(np.sqrt(variance))
        half = float(stdtrit(self.freedom, 1 - alpha / 2)) * sd
        chance = 2 * float(stdtr(self.freedom, -abs(value) / sd)) if sd > 0 else float(value == 0)
        return Effect(value, sd, Interval(value - half, value + half), chance)


def difference(rows: Excursions) -> Effects:
    """Differences of mean outcomes: weighted and centred least squares (Boruvka et al. 2018).

    ΣW(Y − Z'α − Σ_k(1[A=k] − p̃_k)S'β_k)[Z; (1[A=k] − p̃_k)S] = 0 with W = p̃(A|S)/p(A|H).
    raises : Invalid for fewer groups than coefficients need, or when one group alone decides one of them
    """
    weight, centred, _ = _parts(rows)
    design = np.concatenate([rows.controls, centred], axis=1)
    weighted = design * weight[:, None]
    normal = products(weighted, design, rows.cluster)
    theta = _solved(normal.sum(axis=0), weighted.T @ rows.outcome)
    score = by_cluster(weighted * (rows.outcome - design @ theta)[:, None], rows.cluster)
    return _told(rows, theta, normal, score)


def log_ratio(rows: Excursions) -> Effects:
    """Logarithms of ratios of chances, for an outcome that is 0 or 1: EMEE (Qian et al. 2021).

    ΣW·e^(−Σ1[A=k]S'β_k)(Y − e^(Z'α + Σ1[A=k]S'β_k))[Z; (1[A=k] − p̃_k)S] = 0.
    raises : as `difference`; also when the outcome is something else, or the equations have no solution
    """
    if not np.isin(rows.outcome, (0, 1)).all():
        raise Invalid("ratios of chances are for an outcome that is 0 or 1")
    weight, centred, given = _parts(rows)
    q = rows.controls.shape[1]
    design = np.concatenate([rows.controls, centred], axis=1)

    def parts(theta: Floats) -> tuple[Floats, Floats]:
        """Residuals without the action's effect, and their derivatives by theta, less their sign."""
        lifted = given @ theta[q:]
        plain = weight * np.exp(rows.controls @ theta[:q])
        seen = weight * np.exp(-lifted) * rows.outcome
        return seen - plain, np.concatenate([plain[:, None] * rows.controls, seen[:, None] * given], axis=1)

    def equations(theta: Floats) -> Floats:
        gap: Floats = design.T @ parts(theta)[0]
        return gap

    def slopes(theta: Floats) -> Floats:
        slope: Floats = -design.T @ parts(theta)[1]
        return slope

    start = np.zeros(design.shape[1])
    start[:q] = np.linalg.lstsq(
        rows.controls, np.full(len(rows.outcome), np.log(max(rows.outcome.mean(), CLOSE))), rcond=None
    )[0]
    found = root(equations, start, jac=slopes, method="lm", options={"xtol": CLOSE, "ftol": CLOSE})
    if np.abs(equations(found.x)).max() > 1e-6 * max(1.0, weight.sum()):
        raise Invalid("the ratios of chances cannot be found: an action may have been followed by 0 only")
    residual, derivative = parts(found.x)
    jacobian = products(design, derivative, rows.cluster)
    return _told(rows, found.x, jacobian, by_cluster(design * residual[:, None], rows.cluster))


def against_none(rows: Excursions, action: int, available: Bools) -> Excursions:
    """The decisions at which this action and `none` were available and one of the two was drawn.

    available : (n, K)      For where availability varies. Each keeps the probability with which it was drawn
    among all: so every decision point at which both were available counts alike, whatever else was likely
    there. With the share of the two's probability those would count most where nothing else was.
    """
    pair = [0, action]
    here = available[:, pair].all(axis=1) & np.isin(rows.action, pair)
    if not here.any():
        raise Invalid(f"action {action} and `none` were never to be chosen between")
    cluster = np.unique(rows.cluster[here], return_inverse=True)[1]
    return Excursions(
        rows.outcome[here],
        (rows.action[here] == action).astype(np.int64),
        rows.probability[here][:, pair],
        _shares(rows.reference[here][:, pair]),
        rows.controls[here],
        rows.moderators[here],
        cluster.astype(np.int64),
    )


def _shares(table: Floats) -> Floats:
    shares: Floats = table / table.sum(axis=1, keepdims=True)
    return shares


def _parts(rows: Excursions) -> tuple[Floats, Floats, Floats]:
    """W, (n,); (1[A=k] − p̃_k)S and 1[A=k]S, (n, (K − 1)·p)."""
    n, actions = rows.probability.shape
    if not (rows.probability > 0).all():
        raise Invalid("an action that could not have been drawn is among those compared; take them in pairs")
    drawn = np.eye(actions)[rows.action]
    weight = (drawn * rows.reference).sum(axis=1) / (drawn * rows.probability).sum(axis=1)
    centred = ((drawn - rows.reference)[:, 1:, None] * rows.moderators[:, None, :]).reshape(n, -1)
    given = (drawn[:, 1:, None] * rows.moderators[:, None, :]).reshape(n, -1)
    return weight, centred, given


def _solved(matrix: Floats, right: Floats) -> Floats:
    try:
        solution: Floats = np.asarray(np.linalg.solve(matrix, right), np.float64)
    except np.linalg.LinAlgError:
        raise Invalid(
            "the effects cannot be told apart: an action was never drawn, or a column repeats others"
        ) from None
    return solution


def _told(rows: Excursions, theta: Floats, jacobian: Floats, score: Floats) -> Effects:
    """Coefficients with errors by cluster. jacobian, score : as `bias_reduced` takes them"""
    q, p = rows.controls.shape[1], len(theta) - rows.controls.shape[1]
    clusters = len(score)
    if clusters - p - q < 1:
        raise Invalid(f"{clusters} groups are too few for {p} effects and {q} controls")
    covariance = bias_reduced(jacobian, score)
    return Effects(
        theta[q:].reshape(-1, rows.moderators.shape[1]),
        covariance[q:, q:],
        clusters - p - q,
        clusters,
        q,
    )
