"""How far apart groups and members are: variances of a pooled belief, fitted to its own sums.

Maximises p(y | variances)·p(variances) with everything else integrated out exactly
(`stats.tree_pooling.evidence`). The declared variances are the prior: each, the noise among them, is
scaled inverse-χ² around what was declared and counts as if `PRIOR_WEIGHT` numbers of that variance had
been seen besides (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6), so that
−2 log p(v) = ν(log v + v₀/v). A handful of rewards cannot make it believe that all people are alike, nor
that an effect, or the noise, is nothing; a few hundred outweigh it. What is declared as 0 stays 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from engagement.records import Bools, Floats, Integers
from engagement.stats.tree_pooling import (
    Evidence,
    Likelihood,
    Normal,
    Variances,
    added,
    at_root,
    below,
    evidence,
    members_variances,
    through,
)

PRIOR_WEIGHT = 2.0
FARTHEST = 20.0
"""A variance is sought within a factor of e²⁰ of what was declared."""
NO_OFFSET = np.zeros(0)


class Observed(NamedTuple):
    """What the members ever showed, as likelihoods of their w in units where the noise is 1.

    plain : (M, …), Q = Σφφ' and h = Σφr     rows, square : how many, and Σr², of everybody
    group : (M,)     personal : (M,), false for a row that is the group itself
    """

    plain: Likelihood
    rows: float
    square: float
    group: Integers
    personal: Bools


class Fitted(NamedTuple):
    """Variances, in squared units of the reward. baseline, effect : (3,), program, group, member."""

    noise: float
    baseline: Floats
    effect: Floats

    def vector(self) -> Floats:
        """(7,), in the order of the fields."""
        return np.concatenate([[self.noise], self.baseline, self.effect])


def fitted(vector: Floats) -> Fitted:
    """The variances of a (7,) vector."""
    return Fitted(float(vector[0]), vector[1:4], vector[4:7])


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


def variances(fitted: Fitted, d: int, offset: Floats = NO_OFFSET) -> Variances:
    """The three prior covariances, (d, d) each: of the baseline, the offset, and effects that share one.

    offset : (p,), the variances of what everybody shares, so that it has none below the program
    """
    shared = (offset, np.zeros_like(offset), np.zeros_like(offset))
    parts = zip(fitted.baseline, shared, fitted.effect, strict=True)
    return Variances(*(np.diag([b, *o, *[e] * (d - 1 - len(o))]) for b, o, e in parts))


def badness(seen: Observed, at: Fitted, offset: Floats = NO_OFFSET) -> tuple[float, Floats]:
    """−2 log p(y | variances) up to a constant, and its gradient in the order noise, baseline, effect.

    offset : (p,), as in `variances`      returns : value, (7,)
    """
    groups, d = int(seen.group.max()) + 1, seen.plain.h.shape[1]
    likelihood = Likelihood(seen.plain.Q / at.noise, seen.plain.h / at.noise)
    prior = variances(at, d, offset)
    found = evidence(likelihood, seen.group, groups, prior, seen.personal)
    noise = seen.rows / at.noise - _misfit(seen, likelihood, prior, groups) / at.noise**2
    value = seen.rows * np.log(at.noise) + seen.square / at.noise + found.value
    return float(value), np.concatenate([[noise], *_slopes(found, len(offset))])


def fit(
    seen: Observed, declared: Fitted, weight: float = PRIOR_WEIGHT, offset: Floats = NO_OFFSET
) -> Fitted | None:
    """The most plausible variances; None where the search ends nowhere sensible.

    weight : ν, how many numbers the declared variances count for; 0 gives maximum likelihood
    offset : (p,), as in `variances`; these stay as they are
    """
    prior = declared.vector()
    free = prior > 0

    def at(x: Floats) -> tuple[float, Floats]:
        """In logarithms, which keep a variance positive."""
        v = prior.copy()
        v[free] = np.exp(x)
        value, slope = badness(seen, fitted(v), offset)
        ratio = prior[free] / v[free]
        value += weight * float(np.sum(x + ratio))
        return value, slope[free] * v[free] + weight * (1 - ratio)

    start = np.log(prior[free])
    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize(
            at,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(x - FARTHEST, x + FARTHEST) for x in start],
            options={"maxiter": 200, "ftol": 1e-10},
        )
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun)):
        return None
    prior[free] = np.exp(found.x)
    return fitted(prior)


def _slopes(found: Evidence, offset: int) -> tuple[Floats, Floats]:
    """Of baseline and effect variances, each (3,). offset : numbers of w between the two"""
    levels = np.array([found.program, found.group, found.member])
    return levels[:, 0], levels[:, 1 + offset :].sum(1)


def _misfit(seen: Observed, likelihood: Likelihood, prior: Variances, groups: int) -> float:
    """E Σ(r − φ'w)² over the posterior: c − 2b'm + tr(A(C + mm'))."""
    of_member = members_variances(prior, seen.personal)
    to_groups = added(through(likelihood, of_member), seen.group, groups)
    to_program = through(to_groups, prior.group)
    program = at_root(Likelihood(to_program.Q.sum(0), to_program.h.sum(0)), prior.program)
    at_groups = below(program, to_groups, prior.group)
    w = below(Normal(at_groups.mean[seen.group], at_groups.cov[seen.group]), likelihood, of_member)
    second = w.cov + w.mean[:, :, None] * w.mean[:, None, :]
    return float(seen.square - 2 * np.sum(seen.plain.h * w.mean) + np.sum(seen.plain.Q * second))
