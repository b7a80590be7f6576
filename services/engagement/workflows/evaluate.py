"""What would another strategy have earned? Answered from the decisions of one strategy in the ledger.

The probabilities that the other one would have drawn with are computed for every decision from what that
decision was made of; the estimators do the rest. A strategy with other features than the logged one's
cannot be asked: what it looks at was not stored.
"""

from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE, Id
from engagement.bandits.propensity import ONE
from engagement.errors import Invalid, NotFound
from engagement.estimators.reward_models import AnyRewardModel, Linear, Regressor, cross_fitted
from engagement.estimators.sample import Sample, numbered
from engagement.estimators.value import Value, Weeks, value
from engagement.randomness import generator
from engagement.records import Bools, Floats, Points
from engagement.store import beliefs, setup
from engagement.store.hyperparameters import in_force
from engagement.store.kept import Kept
from engagement.strategy.decide import shares
from engagement.strategy.prices import priced
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.strategy.target import Always, AnyTarget, AsLogged, Even, Watched, always, even
from engagement.workflows.logged import MOST, LeftOut, Reports, Rows, chosen, read_logged


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose decisions, and what is asked of them.

    strategy : that made the decisions      target : whose value is asked for
    model : of rewards, fitted anew for each fifth of the groups from the others
    look : how many weekly looks there have been; the weeks since the first decision closed when absent
    """

    strategy: Id
    target: AnyTarget
    model: AnyRewardModel = Linear()
    look: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """The answer to a question.

    version : of the belief that was valued, null where none was      decisions : that count
    left_out : those that do not, and why      reports : by action, how much is known of what it earned
    value : null where no decision counts
    """

    question: Question
    version: int | None
    decisions: int
    left_out: LeftOut
    reports: tuple[Reports, ...]
    value: Value | None


class Target(NamedTuple):
    """What is to be valued, as far as it can be known before the decisions are read."""

    wanted: AnyTarget
    strategy: Strategy | None
    version: int | None


def evaluate(
    conn: Connection,
    kept: Kept,
    program_id: str,
    question: Question,
    now_ms: int,
    *,
    most: int = MOST,
    model: Regressor | None = None,
) -> Evaluation:
    """Answers a question from what is stored now.

    most : decisions that may be read      model : a scikit-learn regressor instead of the question's model
    raises : NotFound for an unknown strategy or action; Invalid where strategies do not fit; TooLarge
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    own = _strategy(catalogue, question.strategy)
    target = _target(conn, program_id, catalogue, own, question.target)
    learned = _learned(conn, program_id, target)
    found = chosen(read_logged(conn, program_id, own.id, most), own, now_ms, learned)
    result = Evaluation(
        question, target.version, len(found.rows.batch.action), found.left_out, found.reports, None
    )
    if not result.decisions:
        return result
    probability, names = _probabilities(conn, kept, program_id, catalogue, own, target, found.rows)
    sample = sampled(found.rows, probability, len(names), model or question.model)
    weeks = Weeks(found.rows.batch.period, -(-own.outcome.window_days // 7))
    rng = generator(0, "evaluation", program_id, own.id)
    return msgspec.structs.replace(result, value=value(sample, rng, weeks=weeks, look=question.look))


def sampled(rows: Rows, target: Floats, actions: int, model: AnyRewardModel | Regressor) -> Sample:
    """The rows with what a reward model expects. target : (N, actions), the log's own actions first"""
    batch = rows.batch
    logged = np.zeros((len(target), actions))
    logged[:, : batch.probability.shape[1]] = batch.probability
    cluster = numbered(batch.groups)
    return Sample(
        batch.action,
        batch.reward,
        np.take_along_axis(logged, batch.action[:, None], axis=1)[:, 0],
        target,
        logged > 0,
        cross_fitted(model, batch.features, batch.action, batch.reward, cluster, actions),
        cluster,
    )


def _strategy(catalogue: Catalogue, name: str) -> Strategy:
    strategy = catalogue.strategies.get(name)
    if strategy is None:
        raise NotFound(f"there is no strategy `{name}` in this program")
    if strategy.plan is not None:
        raise Invalid(
            f"`{name}` plans: its visits are drawn together, and what another plan would have been worth "
            "does not follow from them one by one; simulate it, or randomise"
        )
    return strategy


def _target(
    conn: Connection, program_id: str, catalogue: Catalogue, own: Strategy, wanted: AnyTarget
) -> Target:
    """What is to be valued, once it is known to fit the strategy that made the decisions."""
    if isinstance(wanted, Always) and wanted.action not in (NONE, *own.actions):
        raise NotFound(f"`{wanted.action}` is neither `none` nor an action of `{own.id}`")
    if isinstance(wanted, Always | Even | AsLogged | Watched):
        return Target(wanted, None, None)
    other = _strategy(catalogue, wanted.strategy)
    if other.level != own.level:
        raise Invalid(f"`{other.id}` decides for a {other.level}, `{own.id}` for a {own.level}")
    unseen = [name for name in other.columns if name not in own.columns]
    if unseen:
        raise Invalid(f"`{other.id}` looks at `{unseen[0]}`, which the decisions of `{own.id}` do not hold")
    newest = beliefs.pointers(conn, program_id, [other.id])[other.id]
    version = newest if wanted.version is None else wanted.version
    if version > newest:
        raise NotFound(f"`{other.id}` has no version {version}; the newest is {newest}")
    return Target(wanted, other, version)


def _learned(conn: Connection, program_id: str, target: Target) -> set[str]:
    """Decisions that the belief to be valued has learned from: on them it would look too good."""
    if target.strategy is None or target.version is None:
        return set()
    return beliefs.learned_from(conn, program_id, target.strategy.id, target.version)


def _probabilities(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    own: Strategy,
    target: Target,
    rows: Rows,
) -> tuple[Floats, tuple[str, ...]]:
    """With what the target would have drawn, (N, K), and the K actions: the logged ones first."""
    names = (NONE, *own.actions)
    wanted = target.wanted
    if isinstance(wanted, Always):
        return always(names.index(wanted.action), rows.available), names
    if isinstance(wanted, Even):
        return even(rows.available), names
    if isinstance(wanted, AsLogged):
        return rows.batch.probability, names
    if isinstance(wanted, Watched):
        if not rows.beside.any(axis=1).all():
            raise Invalid(f"not all decisions of `{own.id}` were made while its belief only watched")
        return rows.beside / ONE, names
    assert target.strategy is not None  # noqa: S101  # `_target` has seen to it
    assert target.version is not None  # noqa: S101
    own_shares, other = (
        _of_strategy(conn, kept, program_id, catalogue, own, target.strategy, target.version, rows),
        (NONE, *target.strategy.actions),
    )
    together = names + tuple(name for name in other if name not in names)
    table = np.zeros((len(own_shares), len(together)))
    table[:, [together.index(name) for name in other]] = own_shares
    return table, together


def _of_strategy(
    conn: Connection,
    kept: Kept,
    program_id: str,
    catalogue: Catalogue,
    own: Strategy,
    other: Strategy,
    version: int,
    rows: Rows,
) -> Floats:
    """What a belief would have drawn from at each decision, (N, K of its own actions).

    An action that the log does not know counts as available, so that it is seen to be unsupported. Floors
    of strata are not known of a stored decision: the strategy's own holds everywhere.
    """
    actions = 1 + len(other.actions)
    deciding = in_force(conn, kept, program_id, other, version)
    batch = rows.batch
    points = Points(
        batch.features[:, [own.columns.index(name) for name in other.columns]],
        batch.groups,
        batch.members,
        rows.course,
    )
    nodes = beliefs.read_all_nodes(conn, program_id, other.id, version)
    scores = deciding.posterior.scores(nodes, points, actions)
    if other.prices.any:
        price = priced(other.prices, catalogue.offered(other), rows.days_to_end)
        scores = scores._replace(mean=scores.mean - price)
    drawn: Floats = shares(deciding, scores, _refusals(own, other, rows.available), rows.course) / ONE
    return drawn


def _refusals(own: Strategy, other: Strategy, available: Bools) -> "np.typing.NDArray[np.uint8]":
    """(N, K of the other's actions): 0 where an action was available."""
    names = (NONE, *own.actions)
    columns = [
        available[:, names.index(name)] if name in names else np.ones(len(available), np.bool_)
        for name in (NONE, *other.actions)
    ]
    return (~np.stack(columns, axis=1)).astype(np.uint8)
