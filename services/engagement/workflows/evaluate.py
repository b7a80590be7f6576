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
from engagement.estimators.reward_models import AnyRewardModel, LinearRewards, Regressor, cross_fitted
from engagement.estimators.sample import Sample, numbered
from engagement.estimators.value import Value, Weeks, value
from engagement.randomness import generator
from engagement.records import Bools, Floats, Nodes, Points
from engagement.store import beliefs, erasures, setup
from engagement.store.database import Database
from engagement.store.hyperparameters import in_force
from engagement.store.kept import Kept
from engagement.strategy.decide import shares
from engagement.strategy.prices import less, priced
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy
from engagement.strategy.target import Always, AnyTarget, AsLogged, Even, Watched, always, even
from engagement.workflows.logged import MOST, LeftOut, Reports, Rows, chosen, read_logged
from engagement.workflows.slices import units_of
from engagement.workflows.strata import known_of
from engagement.workflows.value_slices import ValueSliced, value_slices


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose decisions, and what is asked of them.

    strategy : that made the decisions      target : whose value is asked for
    model : of rewards, fitted anew for each fifth of the groups from the others
    look : how many weekly looks there have been; the weeks since the first decision closed when absent
    slices : asked of each kind of member besides, and of the quarter who had earned least
    """

    strategy: Id
    target: AnyTarget
    model: AnyRewardModel = LinearRewards()
    look: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    slices: bool = False


class Evaluation(msgspec.Struct, frozen=True):
    """The answer to a question.

    version : of the belief that was valued, null where none was      decisions : that count
    left_out : those that do not, and why      reports : by action, how much is known of what it earned
    value : null where no decision counts      slices : where they were asked for and the value is enough
    """

    version: int | None
    decisions: int
    left_out: LeftOut
    reports: tuple[Reports, ...]
    value: Value | None
    slices: ValueSliced | None = None


class Target(NamedTuple):
    """What is to be valued; of a strategy, itself with the belief in force at a version."""

    wanted: AnyTarget
    deciding: Strategy | None = None
    version: int | None = None


def evaluate(
    db: Database,
    kept: Kept,
    program_id: str,
    question: Question,
    now_ms: int,
    *,
    most: int = MOST,
    model: Regressor | None = None,
) -> Evaluation:
    """Answers a question from what is stored now; computes when everything is read and the database let go.

    now_ms : what has closed by then counts      most : decisions that may be read
    model : a scikit-learn regressor instead of the question's model
    raises : NotFound for an unknown strategy or action; Invalid where strategies do not fit; TooLarge
    """
    with db.read(program_id) as conn:
        catalogue, own, target = understood(conn, kept, program_id, question)
        learned, nodes = _belief(conn, program_id, target)
        logged = read_logged(conn, program_id, own.id, most)
    found = chosen(logged, own, now_ms, learned, watched=isinstance(question.target, Watched))
    result = Evaluation(target.version, len(found.rows.batch.action), found.left_out, found.reports, None)
    if not result.decisions:
        return result
    probability, names = _probabilities(catalogue, own, target, nodes, found.rows)
    sample = sampled(found.rows, probability, len(names), model or question.model)
    weeks = Weeks(found.rows.batch.period, -(-own.outcome.window_days // 7))
    rng = generator(0, "evaluation", program_id, own.id)
    told = value(sample, rng, weeks=weeks, look=question.look)
    slices = None
    if question.slices and told.enough:
        with db.read(program_id) as conn:
            known = known_of(conn, program_id, catalogue, found.decisions)
        slices = value_slices(sample, known, units_of(found.rows.batch))
    return msgspec.structs.replace(result, value=told, slices=slices)


def understood(
    conn: Connection, kept: Kept, program_id: str, question: Question
) -> tuple[Catalogue, Strategy, Target]:
    """The set-up, whose decisions are meant, and what is to be valued, once it is known that they fit."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    own = _strategy(catalogue, question.strategy)
    return catalogue, own, _target(conn, kept, program_id, catalogue, own, question.target)


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
    conn: Connection, kept: Kept, program_id: str, catalogue: Catalogue, own: Strategy, wanted: AnyTarget
) -> Target:
    if isinstance(wanted, Always) and wanted.action not in (NONE, *own.actions):
        raise NotFound(f"`{wanted.action}` is neither `none` nor an action of `{own.id}`")
    if isinstance(wanted, Always | Even | AsLogged | Watched):
        return Target(wanted)
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
    if why := erasures.gone(conn, program_id, other.id, version):
        raise NotFound(why)
    return Target(wanted, in_force(conn, kept, program_id, other, version), version)


def _belief(conn: Connection, program_id: str, target: Target) -> tuple[set[str], Nodes]:
    """Decisions that the belief to be valued learned from, where it would look too good; and its nodes."""
    if target.deciding is None or target.version is None:
        return set(), {}
    name, version = target.deciding.id, target.version
    learned = beliefs.learned_from(conn, program_id, name, version)
    return learned, beliefs.read_all_nodes(conn, program_id, name, version)


def _probabilities(
    catalogue: Catalogue, own: Strategy, target: Target, nodes: Nodes, rows: Rows
) -> tuple[Floats, tuple[str, ...]]:
    """With what the target would have drawn, (N, K), and the K actions: the logged ones first."""
    names, wanted = (NONE, *own.actions), target.wanted
    if isinstance(wanted, Always):
        return always(names.index(wanted.action), rows.available), names
    if isinstance(wanted, Even):
        return even(rows.available), names
    if target.deciding is not None:
        return _of_strategy(catalogue, own, target.deciding, nodes, rows)
    if isinstance(wanted, AsLogged):
        return rows.batch.probability, names
    return rows.beside / ONE, names


def _of_strategy(
    catalogue: Catalogue, own: Strategy, other: Strategy, nodes: Nodes, rows: Rows
) -> tuple[Floats, tuple[str, ...]]:
    """What a belief would have drawn from at each decision, (N, K), and the K actions of both.

    An action that the log does not know counts as available, so that it is seen to be unsupported. Floors
    of strata are not known of a stored decision: the strategy's own holds everywhere.
    """
    batch, names = rows.batch, (NONE, *other.actions)
    seen = batch.features[:, [own.columns.index(name) for name in other.columns]]
    points = Points(seen, batch.groups, batch.members, rows.course, other.columns)
    scores = other.posterior.scores(nodes, points, len(names))
    if other.prices.any:
        scores = less(scores, priced(other.prices, catalogue.offered(other), rows.days_to_end))
    drawn = shares(other, scores, _refusals(own, other, rows.available), rows.course) / ONE
    together = tuple(dict.fromkeys((NONE, *own.actions, *names)))
    table = np.zeros((len(drawn), len(together)))
    table[:, [together.index(name) for name in names]] = drawn
    return table, together


def _refusals(own: Strategy, other: Strategy, available: Bools) -> "np.typing.NDArray[np.uint8]":
    """(N, K of the other's actions): 0 where an action was available."""
    names = (NONE, *own.actions)
    columns = [
        available[:, names.index(name)] if name in names else np.ones(len(available), np.bool_)
        for name in (NONE, *other.actions)
    ]
    return (~np.stack(columns, axis=1)).astype(np.uint8)
