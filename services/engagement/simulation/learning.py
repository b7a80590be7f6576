"""What a strategy has learned in a run: decisions close, outcomes are folded, the belief is refitted.

As in `workflows.fold`: a decision is folded once its window has passed and its outcome is known, all that is
due at once makes one version, and a belief is refitted when a tenth more has been learned than at its last
refit. What is never reported is never learned from; what is reported late is learned late.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from engagement.actions.availability import DAY_MS
from engagement.bandits.propensity import ONE
from engagement.records import Batch, Bools, Floats, Integers, Nodes, Units
from engagement.strategy import refit
from engagement.strategy.cadence import week_number
from engagement.strategy.strategy import Strategy


class Decisions(NamedTuple):
    """N decisions of one moment, with what they earned.

    reward : (N,), NaN while nothing is known      known_ms : (N,), when the report arrives
    """

    at_ms: int
    features: Floats
    action: Integers
    probability: Units
    groups: tuple[str, ...]
    members: tuple[str, ...]
    reward: Floats
    known_ms: Integers


class Learning(NamedTuple):
    """A belief under way.

    strategy : with the hyper-parameters in force      declared : as it began
    rows, fitted_to : rows learned by now, and at the last refit      waiting : decisions not folded yet
    """

    declared: Strategy
    strategy: Strategy
    nodes: Nodes
    rows: int = 0
    fitted_to: int = 0
    waiting: tuple[Decisions, ...] = ()


def beginning(strategy: Strategy) -> Learning:
    """Nothing learned."""
    return Learning(strategy, strategy, {})


def folded(learning: Learning, now_ms: int) -> Learning:
    """With everything learned that is due; the same belief where nothing is."""
    window_ms = learning.declared.outcome.window_days * DAY_MS
    due, waiting = [], []
    for made in learning.waiting:
        closes_ms = made.at_ms + window_ms
        ready = np.isfinite(made.reward) & (np.maximum(made.known_ms, closes_ms) <= now_ms)
        later = np.isfinite(made.reward) & ~ready
        due += [_batch(made, ready, closes_ms)] if ready.any() else []
        waiting += [_some(made, later)] if later.any() else []
    learning = learning._replace(waiting=tuple(waiting))
    return _learned(learning, _together(due, learning.declared)) if due else learning


def _learned(learning: Learning, batch: Batch) -> Learning:
    """One version: what is due is folded, and the belief refitted where that is worth it."""
    actions = 1 + len(learning.declared.actions)
    nodes = {**learning.nodes, **learning.strategy.posterior.fold(learning.nodes, batch, actions)}
    rows = learning.rows + len(batch.action)
    made = learning._replace(nodes=nodes, rows=rows)
    if not refit.has_grown(rows, learning.fitted_to) or len(learning.nodes) > refit.MOST_NODES:
        return made
    fitted = learning.declared.posterior.refitted(nodes, actions)
    if fitted is None:
        return made
    strategy = msgspec.structs.replace(learning.declared, posterior=fitted)
    return made._replace(strategy=strategy, nodes={**nodes, **fitted.renewed(nodes, actions)}, fitted_to=rows)


def _batch(made: Decisions, rows: Bools, closes_ms: int) -> Batch:
    some = _some(made, rows)
    return Batch(
        some.features,
        some.action,
        some.reward,
        np.ones(len(some.action)),
        some.probability / ONE,
        some.groups,
        some.members,
        np.full(len(some.action), week_number(closes_ms)),
    )


def _some(made: Decisions, rows: Bools) -> Decisions:
    chosen = np.flatnonzero(rows)
    return Decisions(
        made.at_ms,
        made.features[chosen],
        made.action[chosen],
        made.probability[chosen],
        tuple(made.groups[row] for row in chosen),
        tuple(made.members[row] for row in chosen),
        made.reward[chosen],
        made.known_ms[chosen],
    )


def _together(parts: list[Batch], strategy: Strategy) -> Batch:
    """One batch of all, in order of time."""
    return Batch(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.action for part in parts]),
        np.concatenate([part.reward for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.probability for part in parts]),
        tuple(name for part in parts for name in part.groups),
        tuple(name for part in parts for name in part.members),
        np.concatenate([part.period for part in parts]),
        strategy.columns,
    )
