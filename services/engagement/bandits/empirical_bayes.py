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

from engagement.records import Bools, Floats, Integers
from engagement.stats.tree_pooling import (
    Evidence,
    Likelihood,
    Variances,
    evidence,
)

PRIOR_WEIGHT = 2.0
FARTHEST = 10.0
"""A variance is sought within a factor of e¹⁰ of what was declared, an sd within 150. At the corners S/σ² is
e²⁰ times as large: at e⁴⁰, which a search does try, rounding loses the identity of I + QS to a singular Q."""
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
    noise = (seen.rows - seen.square / at.noise + found.explained - _scaled(found, prior)) / at.noise
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

    from scipy.optimize import minimize  # noqa: PLC0415  else every command waits for it to load

    start = np.log(prior[free])
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            found = minimize(
                at,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(x - FARTHEST, x + FARTHEST) for x in start],
                options={"maxiter": 200, "ftol": 1e-8},
            )
        except np.linalg.LinAlgError:
            return None
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun)):
        return None
    prior[free] = np.exp(found.x)
    return fitted(prior)


def _slopes(found: Evidence, offset: int) -> tuple[Floats, Floats]:
    """Of baseline and effect variances, each (3,). offset : numbers of w between the two"""
    levels = np.array([found.program, found.group, found.member])
    return levels[:, 0], levels[:, 1 + offset :].sum(1)


def _scaled(found: Evidence, prior: Variances) -> float:
    """Σ S_jj·∂/∂S_jj of all three levels: the slope of the evidence where every S grows by the same factor.

    Q and h hold 1/σ², so Σ log|I + SQ| is a function of S/σ², and Σ h'Mh one of S/σ², divided by σ². What the
    noise does to the first is therefore the opposite of what such a factor does, and to the second also.
    """
    levels = ((found.program, prior.program), (found.group, prior.group), (found.member, prior.member))
    return float(sum(slope @ np.diagonal(S) for slope, S in levels))
