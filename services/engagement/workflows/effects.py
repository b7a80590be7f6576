"""What the actions of a strategy did: effects against `none`, who gained least, how much there was of each.

Causal excursion effects (`estimators/excursion.py`) from the decisions of the ledger whose action was drawn:
of weighted and centred least squares, or of ratios of chances where every reward is 0 or 1.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.errors import Invalid, NotFound
from engagement.estimators.each_action import ActionEffect, Levels, Scale, each_action, scale_of
from engagement.estimators.excursion import Excursions
from engagement.estimators.sample import numbered
from engagement.records import Floats
from engagement.signals.features import DOSE_CAP
from engagement.store import assignments, facts, setup
from engagement.store.decisions import Decision
from engagement.store.kept import Kept
from engagement.strategy.setup import LEADING, Catalogue
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import UnitOfTrial
from engagement.workflows.actions_over_time import ActionMonth, actions_over_time
from engagement.workflows.diagnostics import DrawCheck, draw_checks
from engagement.workflows.learning_curve import LearningMonth, learning_curve
from engagement.workflows.logged import Chosen, LeftOut, Reports, chosen, read_logged
from engagement.workflows.slices import Lot, Sliced, sliced
from engagement.workflows.strata import Known, known_of

Moderator = Literal["setting", "role", "sustaining", "dose"]
ALPHA = 0.05
FORETELLING = ("attendance", "group_attendance", "group_held")
"""Features of which the first that a strategy looks at is its one control beside the intercept."""
DOSE = 2.0
"""Suggestions lately at which effects are told, beside none, where they may depend on the dose."""
LEVELS: Mapping[Moderator, Levels] = {
    "setting": Levels(("rural", "urban"), (0.0, 1.0)),
    "role": Levels(("member", "adviser or deputy"), (0.0, 1.0)),
    "sustaining": Levels(("before the program's end", "after the program's end"), (0.0, 1.0)),
    "dose": Levels(("after no suggestion lately", "after two suggestions lately"), (0.0, 1.0)),
}


class Moderated(msgspec.Struct, frozen=True):
    """The same with effects that may depend on one thing.

    levels : what it is first and second      decisions : of which it is known
    effects : `size` is the effect at the second level less that at the first, or the ratio of the two
    """

    by: Moderator
    levels: tuple[str, str]
    decisions: int
    effects: tuple[ActionEffect, ...]


class ActionsFound(msgspec.Struct, frozen=True):
    """What the actions of one strategy did.

    alpha : that its actions share      clusters : what errors are summed by, and how many there are of it
    simulated : time is made up, and so are the people
    approximate : what was drawn followed from what other groups had earned, so errors are not exact
    decisions : that count      left_out : those that do not, and why      reports : what is known, by action
    """

    strategy: str
    title: str
    simulated: bool
    scale: Scale
    alpha: float
    clusters: dict[UnitOfTrial, int]
    approximate: bool
    decisions: int
    left_out: LeftOut
    reports: tuple[Reports, ...]
    effects: tuple[ActionEffect, ...]
    moderated: Moderated | None
    sliced: Sliced
    months: tuple[ActionMonth, ...]
    learning: tuple[LearningMonth, ...] = ()
    draws: tuple[DrawCheck, ...] = ()


class Cluster(NamedTuple):
    """What members who influence each other, or were drawn together, have in common."""

    kind: UnitOfTrial
    id: str


class Material(NamedTuple):
    """Everything that is read of a strategy. simulated : time is made up

    decided : all its decisions in order of time      known, clusters : of those that count
    """

    strategy: Strategy
    simulated: bool
    time_zone: str
    decided: tuple[Decision, ...]
    found: Chosen
    known: tuple[Known, ...]
    clusters: tuple[Cluster, ...]


def material(
    conn: Connection,
    kept: Kept,
    program_id: str,
    strategy_id: str,
    now_ms: int,
    most: int,
) -> Material:
    """Reads a strategy's decisions up to a moment.

    now_ms : what has closed by then counts      most : decisions that may be read
    raises : NotFound for an unknown strategy; Invalid for one that plans; TooLarge
    """
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = catalogue.strategies.get(strategy_id)
    if strategy is None:
        raise NotFound(f"there is no strategy `{strategy_id}` in this program")
    if strategy.plan is not None:
        raise Invalid(f"`{strategy_id}` plans: its visits are drawn together, not one by one")
    logged = [
        row for row in read_logged(conn, program_id, strategy_id, most) if row.decision.decided_at <= now_ms
    ]
    found = chosen(logged, strategy, now_ms)
    return Material(
        strategy,
        facts.is_simulated(conn),
        catalogue.program.time_zone,
        tuple(row.decision for row in logged),
        found,
        known_of(conn, program_id, catalogue, found.decisions),
        _clusters(conn, program_id, catalogue, found.rows.batch.groups),
    )


def effects(read: Material, moderator: Moderator | None = None) -> ActionsFound:
    """What the actions did. raises : Invalid for a moderator that the decisions do not hold"""
    strategy, found = read.strategy, read.found
    names = (NONE, *strategy.actions)
    lot = _lot(read)
    return ActionsFound(
        strategy.id,
        strategy.title,
        read.simulated,
        lot.scale,
        ALPHA,
        _counted(read.clusters),
        _approximate(strategy, found.decisions),
        len(found.decisions),
        found.left_out,
        found.reports,
        each_action(lot.excursions, found.rows.available, names, lot.scale, alpha=ALPHA),
        None if moderator is None else _moderated(read, lot, moderator, names),
        sliced(lot, names),
        actions_over_time(read.decided, names, read.time_zone),
        _learning(read),
        draw_checks(read.decided, names, found.reports),
    )


def _learning(read: Material) -> tuple[LearningMonth, ...]:
    found = read.found
    ids = (row.decision_id for row in found.decisions)
    rewards = dict(zip(ids, found.rows.batch.reward.tolist(), strict=True))
    clusters = dict(zip(found.rows.batch.groups, read.clusters, strict=True))
    of_group = {
        row.group_id: clusters.get(row.group_id, Cluster("group", row.group_id)) for row in read.decided
    }
    return learning_curve(read.decided, rewards, of_group, read.time_zone)


def _clusters(
    conn: Connection, program_id: str, catalogue: Catalogue, groups: Sequence[str]
) -> tuple[Cluster, ...]:
    """The group of each decision, or what was drawn with all its groups in a trial."""
    drawn = {
        row.group_id: Cluster(trial.unit, row.unit_id)
        for row in assignments.of_groups(conn, program_id, sorted(set(groups)))
        if (trial := catalogue.trials.get(row.trial_id)) is not None and trial.unit != "group"
    }
    return tuple(drawn.get(name, Cluster("group", name)) for name in groups)


def _counted(clusters: Sequence[Cluster]) -> dict[UnitOfTrial, int]:
    kinds = sorted(row.kind for row in set(clusters))
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def _approximate(strategy: Strategy, decisions: Sequence[Decision]) -> bool:
    """Every belief is of more than one group, so what it has learned ties its groups together."""
    learning = any(row.version > 0 and row.arm == "learning" for row in decisions)
    return learning and "scores" in strategy.allocation.USES


def _lot(read: Material) -> Lot:
    batch = read.found.rows.batch
    n, actions = batch.probability.shape
    ones = np.ones((n, 1))
    foretelling = next((name for name in FORETELLING if name in batch.columns), None)
    controls = [ones] if foretelling is None else [ones, _column(read, foretelling)[:, None]]
    rows = Excursions(
        batch.reward,
        batch.action,
        batch.probability,
        np.full((n, actions), 1 / actions),
        np.concatenate(controls, axis=1),
        ones,
        numbered(read.clusters),
    )
    return Lot(read.found.rows, rows, scale_of(batch.reward), read.known)


def _column(read: Material, feature: str) -> Floats:
    batch = read.found.rows.batch
    return batch.features[:, batch.columns.index(feature)]


def _moderated(read: Material, lot: Lot, moderator: Moderator, names: Sequence[str]) -> Moderated:
    values = _moderating(read, moderator)
    known, levels = np.isfinite(values), LEVELS[moderator]
    rows, column = lot.excursions, values[known][:, None]
    some = Excursions(
        rows.outcome[known],
        rows.action[known],
        rows.probability[known],
        rows.reference[known],
        np.concatenate([rows.controls[known], column], axis=1),
        np.concatenate([rows.moderators[known], column], axis=1),
        rows.cluster[known],
    )
    found = each_action(some, read.found.rows.available[known], names, lot.scale, levels, ALPHA)
    return Moderated(moderator, levels.names, int(known.sum()), found)


def _moderating(read: Material, moderator: Moderator) -> Floats:
    """The moderator at each decision; NaN where it is not known."""
    if moderator == "dose":
        if "dose" not in read.strategy.columns:
            raise Invalid(f"`{read.strategy.id}` does not look at `dose`, so its decisions do not hold it")
        return _column(read, "dose") * DOSE_CAP / DOSE
    if moderator == "sustaining":
        return np.array([row.phase == "sustaining" for row in read.found.decisions], np.float64)
    if moderator == "setting":
        return _yes_no(
            [None if one.stratum.setting == "unknown" else one.stratum.setting for one in read.known],
            ["urban"],
        )
    return _yes_no([one.stratum.role for one in read.known], LEADING)


def _yes_no(values: Sequence[str | None], yes: Sequence[str]) -> Floats:
    return np.array([np.nan if one is None else one in yes for one in values], np.float64)
