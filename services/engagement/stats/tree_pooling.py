"""Exact Gaussian pooling on a tree: program → group → member, by messages, in O((N + G)·d³).

    w_i = μ + θ + u_g(i) + v_i,   θ ~ N(0, Σ0),   u_g ~ N(0, Σu),   v_i ~ N(0, Σv),                 (1)

and what was observed of member i is a Gaussian likelihood of w_i in precision form (Q_i, h_i): up to a
constant, log p(y_i | w_i) = −½ w'Q_i w + h_i'w. Throughout, μ has been subtracted, so that
Σ0, Σu and Σv may hold zeros: nothing here inverts a variance or a precision.

*Up.* A likelihood of x + e, e ~ N(0, S), is after integrating e out the likelihood of x

    Q* = (I + QS)⁻¹Q,   h* = (I + QS)⁻¹h.                                                          (2)

A group sums its members' messages and sends its own through Σu; the program sums the groups'.
*Down.* Where x + e has itself been seen through (Q, h), p(x + e | x, own data) = N(Kx + Mh, M) with
M = (S⁻¹ + Q)⁻¹ and K = I − MQ. Averaged over the parent's posterior x ~ N(m, C), which knows all data,

    x + e | all data ~ N(Km + Mh, M + KCK').                                                       (3)

Belief propagation on a tree is exact (Pearl 1988, Probabilistic Reasoning in Intelligent Systems,
chapter 4); the model is that of IntelligentPooling (Tomkins et al. 2021, 10.1007/s10994-021-05995-8),
whose Gaussian-process form is cubic in the number of observations.

float64 throughout: in float32, Q − QMQ loses up to 6 %.
"""

from typing import NamedTuple

import numpy as np

from engagement.records import Bools, Floats, Integers


class Likelihood(NamedTuple):
    """Gaussian likelihoods in precision form: Q (…, d, d), symmetric and non-negative; h (…, d)."""

    Q: Floats
    h: Floats


class Normal(NamedTuple):
    """Normal distributions: mean (…, d), cov (…, d, d)."""

    mean: Floats
    cov: Floats


class Variances(NamedTuple):
    """The prior's variances, each (d, d): of the program's θ, of a group's u, of a member's v."""

    program: Floats
    group: Floats
    member: Floats


def through(observed: Likelihood, S: Floats) -> Likelihood:
    """The message (2) that likelihoods of x + e send to x, where e ~ N(0, S).

    S : (d, d), or one for each likelihood      returns : the same shape; Q* symmetric
    """
    d = S.shape[-1]
    solved = np.linalg.solve(
        np.eye(d) + observed.Q @ S, np.concatenate([observed.Q, observed.h[..., None]], -1)
    )
    return Likelihood(_symmetric(solved[..., :d]), solved[..., d])


def added(messages: Likelihood, place: Integers, places: int) -> Likelihood:
    """Messages summed by their receiver.

    messages : N of them      place : (N,), the receiver of each      returns : `places` likelihoods
    """
    d = messages.h.shape[-1]
    flat = np.concatenate([messages.Q.reshape(len(place), d * d), messages.h], 1)
    order = np.argsort(place, kind="stable")
    bounds = np.flatnonzero(np.diff(place[order], prepend=-1))
    sums = np.zeros((places, flat.shape[1]))
    if len(order):
        sums[place[order][bounds]] = np.add.reduceat(flat[order], bounds, axis=0)
    return Likelihood(sums[:, : d * d].reshape(places, d, d), sums[:, d * d :])


def at_root(seen: Likelihood, S: Floats) -> Normal:
    """The posterior of θ ~ N(0, S) seen through likelihoods."""
    d = len(S)
    nowhere = Normal(np.zeros(d), np.zeros((d, d)))
    return below(nowhere, seen, S)


def below(parent: Normal, own: Likelihood, S: Floats) -> Normal:
    """The posteriors (3) of x + e, e ~ N(0, S), from those of x and the likelihoods of x + e.

    parent, own : of shapes that broadcast      S : (d, d), or one for each
    """
    M = _spread(own.Q, S)
    K = np.eye(S.shape[-1]) - M @ own.Q
    mean = np.einsum("...ij,...j->...i", K, parent.mean) + np.einsum("...ij,...j->...i", M, own.h)
    cov = M + K @ parent.cov @ np.swapaxes(K, -1, -2)
    return Normal(mean, _symmetric(cov))


class Evidence(NamedTuple):
    """−2 log p(y) up to a constant, and its gradient with respect to the diagonals of the variances.

    The gradient is valid at zero variance. program, group, member : (d,)
    explained : Σ h'Mh over members, groups and the program, what the value has been lowered by
    """

    value: float
    explained: float
    program: Floats
    group: Floats
    member: Floats


def evidence(
    members: Likelihood, group: Integers, groups: int, prior: Variances, personal: Bools | None = None
) -> Evidence:
    """How badly the variances fit: −2 log ∫ p(y | w) p(w) dw without the terms that hold no variance.

        Σ_nodes [log|I + SQ| − h'Mh] over members, groups and the program,

    each node with the likelihood it received and its own S. Derivative of one node's term with respect
    to S_jj: Q*_jj − (h*_j)², corrected for what the parent already explains: with C, m the posterior
    of the parent, Q*_jj − (Q* C Q*)_jj − (h* − Q* m)_j².

    personal : (M,), false for a row of the group itself, which has no member's part; all true if absent
    """
    of_member = members_variances(prior, np.ones(len(group), bool) if personal is None else personal)
    to_groups = through(members, of_member)
    at_groups = added(to_groups, group, groups)
    to_program = through(at_groups, prior.group)
    at_program = Likelihood(to_program.Q.sum(0), to_program.h.sum(0))
    program = at_root(at_program, prior.program)
    posterior_groups = below(program, at_groups, prior.group)
    nobody = Normal(np.zeros_like(program.mean), np.zeros_like(program.cov))
    to_nobody = through(at_program, prior.program)
    terms = (
        _terms(members, to_groups, of_member),
        _terms(at_groups, to_program, prior.group),
        _terms(at_program, to_nobody, prior.program),
    )
    log_det, explained = (sum(parts) for parts in zip(*terms, strict=True))
    own = np.arange(len(group)) if personal is None else np.flatnonzero(personal)
    return Evidence(
        log_det - explained,
        explained,
        _slope(Likelihood(to_nobody.Q[None], to_nobody.h[None]), nobody),
        _slope(to_program, program),
        _slope(
            Likelihood(to_groups.Q[own], to_groups.h[own]),
            Normal(posterior_groups.mean[group[own]], posterior_groups.cov[group[own]]),
        ),
    )


def members_variances(prior: Variances, personal: Bools) -> Floats:
    """What parts each row from its group: a member's variance, or nothing for the group itself, (M, d, d)."""
    return prior.member * personal[:, None, None]


def _terms(seen: Likelihood, sent: Likelihood, S: Floats) -> tuple[float, float]:
    """Σ log|I + SQ| and Σ h'Mh; with (2), Mh = S(I + QS)⁻¹h = Sh*."""
    _, log_det = np.linalg.slogdet(np.eye(S.shape[-1]) + S @ seen.Q)
    explained = np.sum(seen.h * (S @ sent.h[..., None])[..., 0])
    return float(np.sum(log_det)), float(explained)


def _spread(Q: Floats, S: Floats) -> Floats:
    """M = (S⁻¹ + Q)⁻¹ without inverting either: (I + SQ)⁻¹S."""
    return _symmetric(
        np.asarray(np.linalg.solve(np.eye(S.shape[-1]) + S @ Q, np.broadcast_to(S, Q.shape)), np.float64)
    )


def _slope(sent: Likelihood, parent: Normal) -> Floats:
    """Σ over nodes of Q*_jj − (Q*CQ*)_jj − (h* − Q*m)_j².

    sent : what the nodes sent to their parents      parent : the parents' posteriors
    """
    explained = np.einsum("nij,njk,nki->ni", sent.Q, np.broadcast_to(parent.cov, sent.Q.shape), sent.Q)
    rest = sent.h - np.einsum("nij,nj->ni", sent.Q, np.broadcast_to(parent.mean, sent.h.shape))
    slope: Floats = (np.diagonal(sent.Q, axis1=1, axis2=2) - explained - rest**2).sum(0)
    return slope


def _symmetric(matrices: Floats) -> Floats:
    symmetric: Floats = (matrices + np.swapaxes(matrices, -1, -2)) / 2
    return symmetric
