"""How far apart groups and members are: variances of the pooled belief, fitted to its own sums.

Maximises p(y | variances)·p(variances) of the model of `posteriors.pooled_linear`, everything else
integrated out exactly (`stats.tree_pooling.evidence`). The prior is weak and leans towards pooling:
each standard deviation is half-normal with the scale below, so −2 log p is variance/scale² and its
slope at zero variance is finite: a variance that the data do not ask for becomes exactly 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, minimize

from engagement.records import Floats, Integers
from engagement.stats.tree_pooling import (
    Evidence,
    Likelihood,
    Normal,
    Variances,
    added,
    at_root,
    below,
    evidence,
    through,
)

BASELINE_SCALE = 0.5
EFFECT_SCALE = 0.3
LEAST_NOISE = 1e-4
"""Variance of the noise below which a fit is not believed, in squared units of the reward."""


class Sums(NamedTuple):
    """All that M members ever showed, with K actions; the prior mean of the baseline is subtracted.

    rows, total : (M, K), how many and Σr by action      square : Σr² of everybody      group : (M,)
    """

    rows: Floats
    total: Floats
    square: float
    group: Integers


class Fitted(NamedTuple):
    """Variances, in squared units of the reward. baseline, effect : (3,), program, group, member."""

    noise: float
    baseline: Floats
    effect: Floats


def precision_form(count: Floats, total: Floats, noise: float) -> Likelihood:
    """The likelihood of w = (α, β_1 …) given n_k and Σr by action: an arrow of counts."""
    members, actions = count.shape
    Q = np.zeros((members, actions, actions))
    Q[:, 0, :] = Q[:, :, 0] = count
    Q[:, range(actions), range(actions)] = count
    Q[:, 0, 0] = count.sum(1)
    h = total.copy()
    h[:, 0] = total.sum(1)
    return Likelihood(Q / noise, h / noise)


def variances(fitted: Fitted, actions: int) -> Variances:
    """The three prior covariances, (K, K) each, that all effects share."""
    levels = (np.diag([b, *[e] * (actions - 1)]) for b, e in zip(fitted.baseline, fitted.effect, strict=True))
    return Variances(*levels)


def badness(sums: Sums, fitted: Fitted) -> tuple[float, Floats]:
    """−2 log p(y, variances) up to a constant, and its gradient in the order noise, baseline, effect.

    returns : value, (7,)
    """
    actions, groups = sums.rows.shape[1], int(sums.group.max()) + 1
    seen = precision_form(sums.rows, sums.total, fitted.noise)
    prior = variances(fitted, actions)
    found = evidence(seen, sums.group, groups, prior)
    number = sums.rows.sum()
    value = number * np.log(fitted.noise) + sums.square / fitted.noise + found.value
    noise = number / fitted.noise - _misfit(sums, seen, prior, groups) / fitted.noise**2
    value += fitted.baseline.sum() / BASELINE_SCALE**2 + fitted.effect.sum() / EFFECT_SCALE**2
    return float(value), np.concatenate([[noise], *_slopes(found)])


def fit(sums: Sums, start: Fitted) -> Fitted:
    """The most plausible variances, or `start` where the search ends nowhere sensible."""

    def at(x: Floats) -> tuple[float, Floats]:
        return badness(sums, Fitted(float(x[0]), x[1:4], x[4:7]))

    least = np.array([LEAST_NOISE, *[1e-4] * 6])
    found = minimize(
        at,
        np.maximum(np.concatenate([[start.noise], start.baseline, start.effect]), least),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.array([LEAST_NOISE, *[0.0] * 6]), np.full(7, np.inf)),
        options={"maxiter": 200, "ftol": 1e-10},
    )
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun) and found.x[0] > LEAST_NOISE):
        return start
    return Fitted(float(found.x[0]), found.x[1:4], found.x[4:7])


def _slopes(found: Evidence) -> tuple[Floats, Floats]:
    """Of baseline and effect variances, each (3,)."""
    levels = np.array([found.program, found.group, found.member])
    return levels[:, 0] + 1 / BASELINE_SCALE**2, levels[:, 1:].sum(1) + 1 / EFFECT_SCALE**2


def _misfit(sums: Sums, seen: Likelihood, prior: Variances, groups: int) -> float:
    """E Σ(r − φ'w)² over the posterior: c − 2b'm + tr(A(C + mm'))."""
    to_groups = added(through(seen, prior.member), sums.group, groups)
    to_program = through(to_groups, prior.group)
    program = at_root(Likelihood(to_program.Q.sum(0), to_program.h.sum(0)), prior.program)
    at_groups = below(program, to_groups, prior.group)
    w = below(Normal(at_groups.mean[sums.group], at_groups.cov[sums.group]), seen, prior.member)
    plain = precision_form(sums.rows, sums.total, 1.0)
    second = w.cov + w.mean[:, :, None] * w.mean[:, None, :]
    return float(sums.square - 2 * np.sum(plain.h * w.mean) + np.sum(plain.Q * second))
