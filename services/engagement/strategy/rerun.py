"""A strategy's course lived again from its ledger, in a world in which something does not matter.

Whom it is about, what was known of them, what was available and when results were learned stay as they were.
What was drawn by chance is drawn anew, by the same `decide`; each result is moved by what the other action
would have added; and the belief learns from it by the same fold, with the spreads and the noise that were
fitted then. Where no action adds anything, every result stays what it was: the fresh draws are then all that
differs, and a comparison with them is Fisher's randomisation test.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.actions.availability import Reason, Refusals
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.logistic import Logistic
from engagement.bandits.propensity import ONE
from engagement.records import Batch, Bools, Course, Floats, Integers, Nodes, Points
from engagement.strategy.decide import Asked, decide
from engagement.strategy.purse import Purse
from engagement.strategy.strategy import Strategy

NEVER = -1
"""`learned_in` of a decision whose result was not learned."""
SHARES_ONLY = (BetaBernoulli, Logistic)
"""Beliefs that take nothing but rewards from 0 to 1."""


class Past(NamedTuple):
    """N decisions of a strategy, as they stand in its ledger.

    refusals, probability : (N, K)      reward : (N,), NaN where nothing was learned
    drawn : (N,), by the belief and by chance; all others stay as they were
    version : (N,), that decided      learned_in : (N,), the version that learned its reward, −1 for none
    week : (N,), in which it closed      price, floor : as in `Asked`
    """

    points: Points
    refusals: Refusals
    action: Integers
    probability: Floats
    reward: Floats
    drawn: Bools
    version: Integers
    learned_in: Integers
    week: Integers
    price: Floats | None = None
    floor: Floats | None = None


class _Belief(NamedTuple):
    """strategy : with the spreads and noise in force      nodes : nothing before the first result"""

    strategy: Strategy
    nodes: Nodes


def rerun(
    strategy: Strategy,
    past: Past,
    fitted: Mapping[int, AnyPosterior],
    effect: Floats | None = None,
    rng: np.random.Generator | None = None,
) -> Floats:
    """The standardised advantages of every action over `none` at every decision, (N, K − 1).

    fitted : the belief as it was refitted, by the version that did
    effect : (K,), what each action adds, alike for everybody; nothing when None
    rng : of the fresh draws; None to live through what was drawn

    NaN where nothing had been learned yet, where the action was not available, and where the belief is sure.
    """
    effect = np.zeros(past.refusals.shape[1]) if effect is None else effect
    lived = past._replace(
        action=past.action.copy(), probability=past.probability.copy(), reward=past.reward.copy()
    )
    advantage = np.full((len(past.action), len(effect) - 1), np.nan)
    belief, done = _Belief(strategy, {}), 0
    for version in np.unique(past.version).tolist():
        for number in range(done + 1, version + 1):
            belief = _learned(belief, lived, number, fitted.get(number))
        done = max(done, version)
        rows = np.flatnonzero(past.version == version)
        uniforms = (0,) * len(rows) if rng is None else tuple(rng.integers(0, 1 << 53, len(rows)).tolist())
        made = decide(belief.strategy, belief.nodes, _asked(past, rows, uniforms), _unlimited(past, rows))
        if rng is not None:
            fresh = past.drawn[rows]
            lived.action[rows[fresh]] = made.picked[fresh]
            lived.probability[rows[fresh]] = made.probability[fresh] / ONE
            lived.reward[rows] += effect[lived.action[rows]] - effect[past.action[rows]]
        if belief.nodes:
            advantage[rows] = _standardised(made.scores.mean, made.scores.sd)
    advantage[past.refusals[:, 1:] != Reason.AVAILABLE] = np.nan
    return advantage


def _learned(belief: _Belief, lived: Past, version: int, fitted: AnyPosterior | None) -> _Belief:
    """After one version: as `workflows.fold` makes it, each result entering once."""
    strategy, nodes = belief
    actions = lived.refusals.shape[1]
    rows = np.flatnonzero((lived.learned_in == version) & np.isfinite(lived.reward))
    if len(rows):
        nodes = {**nodes, **strategy.posterior.fold(nodes, _batch(strategy, lived, rows), actions)}
    if fitted is None:
        return _Belief(strategy, nodes)
    return _Belief(
        msgspec.structs.replace(strategy, posterior=fitted), {**nodes, **fitted.renewed(nodes, actions)}
    )


def _batch(strategy: Strategy, lived: Past, rows: Integers) -> Batch:
    earned = lived.reward[rows]
    return Batch(
        lived.points.features[rows],
        lived.action[rows],
        np.clip(earned, 0, 1) if isinstance(strategy.posterior, SHARES_ONLY) else earned,
        np.ones(len(rows)),
        lived.probability[rows],
        tuple(lived.points.groups[row] for row in rows),
        tuple(lived.points.members[row] for row in rows),
        lived.week[rows],
        strategy.columns,
    )


def _asked(past: Past, rows: Integers, uniforms: tuple[int, ...]) -> Asked:
    points = past.points
    return Asked(
        Points(
            points.features[rows],
            tuple(points.groups[row] for row in rows),
            tuple(points.members[row] for row in rows),
            Course(points.course.made[rows], points.course.remaining[rows]),
            points.columns,
        ),
        past.refusals[rows],
        uniforms,
        (False,) * len(rows),
        None if past.price is None else past.price[rows],
        None if past.floor is None else past.floor[rows],
    )


def _unlimited(past: Past, rows: Integers) -> Purse:
    """What was used up by then stands among the refusals."""
    actions = past.refusals.shape[1]
    return Purse(
        np.full((len(rows), actions, 2), -1), np.zeros((actions, 2), np.int64), np.zeros(0, np.int64)
    )


def _standardised(mean: Floats, sd: Floats) -> Floats:
    """(N, K − 1); the two scores are taken as independent, as the exploration rules do."""
    spread = np.sqrt(sd[:, 1:] ** 2 + sd[:, :1] ** 2)
    found: Floats = np.full(spread.shape, np.nan)
    return np.divide(mean[:, 1:] - mean[:, :1], spread, out=found, where=spread > 0)
