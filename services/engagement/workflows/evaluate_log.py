"""What would another policy have earned? Answered from another system's log, without importing it.

The mapping is that of an import, of which only the columns are needed here; where it has no units every line
counts for itself. A log that holds a bad line is refused as a whole.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from engagement.actions.action import NONE
from engagement.errors import Invalid
from engagement.estimators.reward_models import AnyRewardModel, LinearRewards, Regressor, cross_fitted
from engagement.estimators.sample import Sample, numbered
from engagement.estimators.value import Value, Weeks, value
from engagement.randomness import generator
from engagement.records import Bools, Floats, Integers
from engagement.strategy.cadence import week_number
from engagement.strategy.strategy import Strategy
from engagement.strategy.target import Always, AsLogged, Even, always, even
from engagement.workflows.ingest import milliseconds
from engagement.workflows.log_columns import MISSING, Columns
from engagement.workflows.log_mapping import (
    SUM_MAY_BE_OFF,
    Column,
    GroupColumn,
    OutcomeColumn,
    ProbabilityColumns,
    TimeColumn,
    UnitColumn,
)
from engagement.workflows.logged import LeftOut, Reports
from engagement.workflows.mistakes import UNREAD, unread
from engagement.workflows.recommend import ContextName

Clusters = Literal["group", "unit", "line"]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class ActionWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was done: each word of a column and the action it stands for, or itself where none are given."""

    column: Column
    values: dict[str, Name] | None = None


class Meaning(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a log's columns mean. Of an import's mapping the first four are not looked at.

    context : what a reward model may look at      strategy : of it only the outcome's window
    unit, group, time : may be absent; independent are groups, else units, else lines
    """

    program: Any = None
    site: Any = None
    actions: Any = None
    point: Any = None
    strategy: Strategy | None = None
    unit: UnitColumn | None = None
    group: GroupColumn | None = None
    time: TimeColumn | None = None
    action: ActionWords
    probability: ProbabilityColumns
    outcome: OutcomeColumn
    context: dict[ContextName, Column] = msgspec.field(default_factory=dict)
    missing: tuple[str, ...] = MISSING
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","


class Table(NamedTuple):
    """A policy as a table: the probability of each action, for each combination of some of the log's columns.

    keys : those columns      shares : (combination, action) → probability
    """

    keys: tuple[str, ...]
    shares: dict[tuple[tuple[str, ...], str], float]


AnyPolicy = Always | Even | AsLogged | Table


class LogEvaluation(msgspec.Struct, frozen=True):
    """The answer from a foreign log.

    decisions : that count      left_out : of the others, those without an outcome and those without chance
    clusters : what counts as independent
    """

    decisions: int
    left_out: LeftOut
    reports: tuple[Reports, ...]
    clusters: Clusters
    value: Value | None


def read_meaning(content: bytes) -> Meaning:
    """A mapping from TOML, that of an import or less."""
    try:
        return msgspec.toml.decode(content, type=Meaning)
    except UNREAD as flaw:
        raise Invalid(f"the mapping file: {unread(flaw)}") from flaw


def read_table(columns: Columns) -> Table:
    """A policy from the columns `action`, `probability` and those that it depends on."""
    keys = tuple(name for name in columns.cells if name not in ("action", "probability"))
    places = zip(*(columns.texts(name) for name in keys), strict=True) if keys else ((),) * columns.rows
    names, shares = columns.texts("action"), columns.numbers("probability")
    columns.sound("probability", (shares >= 0) & (shares <= 1), "is no probability")
    entries = list(zip(places, names, strict=True))
    if len(set(entries)) < len(entries):
        raise Invalid("the table of the policy names an action twice in the same place")
    return Table(keys, dict(zip(entries, shares.tolist(), strict=True)))


def evaluate_log(
    columns: Columns,
    meaning: Meaning,
    policy: AnyPolicy,
    *,
    model: AnyRewardModel | Regressor | None = None,
    look: int | None = None,
) -> LogEvaluation:
    """Values a policy by a log.

    model : of rewards; the linear one when absent
    raises : Invalid for a log that is none, or a policy that does not fit it
    """
    log = _drawn(columns, meaning, policy)
    reward = _rewards(columns, meaning.outcome)
    heard, chance = ~np.isnan(reward), log.logged < 1
    keep = heard & chance
    reports = _reports(log, chance, heard)
    clusters, cluster = _clusters(columns, meaning)
    left_out = LeftOut(unreported=int((chance & ~heard).sum()), forced=int((~chance).sum()))
    found = LogEvaluation(int(keep.sum()), left_out, reports, clusters, None)
    if not found.decisions:
        return found
    cluster = numbered(cluster[keep].tolist())
    features, action = _features(columns, meaning)[keep], log.action[keep]
    sample = Sample(
        action,
        reward[keep],
        log.logged[keep],
        _probabilities(columns, log, policy)[keep],
        log.possible[keep],
        cross_fitted(model or LinearRewards(), features, action, reward[keep], cluster, len(log.names)),
        cluster,
    )
    rng = generator(0, "evaluation", "log")
    weeks = _weeks(columns, meaning, keep)
    return msgspec.structs.replace(found, value=value(sample, rng, weeks=weeks, look=look))


class _Drawn(NamedTuple):
    """What was drawn.

    names : of the K actions      action, logged : (N,)      probability : (N, K), NaN where not logged
    """

    names: tuple[str, ...]
    action: Integers
    logged: Floats
    probability: Floats

    @property
    def possible(self) -> Bools:
        """Whether an action could have been drawn; what is not logged counts as possible."""
        return ~(self.probability <= 0)


def _drawn(columns: Columns, meaning: Meaning, policy: AnyPolicy) -> _Drawn:
    name = columns.found(meaning.action.column)
    # an empty cell may well be the log's word for nothing, so missing markers do not count here
    words = columns.words(name)
    values = meaning.action.values or {word: word for word in sorted(set(words))}
    known = np.array([word in values for word in words], np.bool_)
    columns.sound(name, known, f"is no action; there are {', '.join(sorted(values))}")
    named = [*values.values(), *meaning.probability.of, *_named(policy)]
    names = tuple(sorted(set(named), key=lambda one: (one != NONE, named.index(one))))
    place = {word: names.index(action) for word, action in values.items()}
    action = np.array([place[word] for word in words], np.int64)
    probability = _logged(columns, meaning.probability, names, action, set(values.values()))
    logged = np.take_along_axis(probability, action[:, None], axis=1)[:, 0]
    columns.sound(name, logged > 0, "was done, though its probability is 0")
    return _Drawn(names, action, logged, probability)


def _named(policy: AnyPolicy) -> list[str]:
    if isinstance(policy, Always):
        return [policy.action]
    return sorted({action for _, action in policy.shares}) if isinstance(policy, Table) else []


def _logged(
    columns: Columns, source: ProbabilityColumns, names: Sequence[str], action: Integers, known: set[str]
) -> Floats:
    """(N, K): the logged probabilities; one action without a column gets what is missing to 1."""
    table = np.full((columns.rows, len(names)), np.nan)
    table[:, [n for n, name in enumerate(names) if name not in known | set(source.of)]] = 0.0
    if source.taken is not None:
        table[np.arange(columns.rows), action] = _shares(columns, source.taken)
    for name, column in source.of.items():
        table[:, names.index(name)] = _shares(columns, column)
    total, silent = np.nansum(table, axis=1), np.isnan(table)
    column = columns.found(source.taken or next(iter(source.of.values())))
    whole = ~silent.any(axis=1)
    columns.sound(column, (total <= 1 + SUM_MAY_BE_OFF), "makes the probabilities sum to more than 1")
    columns.sound(
        column, ~whole | (total >= 1 - SUM_MAY_BE_OFF), "makes the probabilities sum to less than 1"
    )
    alone = silent & (silent.sum(axis=1) == 1)[:, None]
    return np.where(alone, np.maximum(1 - total, 0.0)[:, None], table)


def _shares(columns: Columns, column: Column) -> Floats:
    shares = columns.numbers(column)
    columns.sound(columns.found(column), (shares >= 0) & (shares <= 1), "is no probability")
    return shares


def _rewards(columns: Columns, outcome: OutcomeColumn) -> Floats:
    """(N,) in [0, 1], NaN where the log is silent."""
    reward = (columns.numbers(outcome.column) - outcome.low) / (outcome.high - outcome.low)
    if outcome.outside == "clip":
        return np.clip(reward, 0.0, 1.0)
    inside = ~((reward < 0) | (reward > 1))
    columns.sound(columns.found(outcome.column), inside, f"lies outside {outcome.low:g} to {outcome.high:g}")
    return reward


def _reports(log: _Drawn, chance: Bools, heard: Bools) -> tuple[Reports, ...]:
    drawn, silent = (Counter(log.action[rows].tolist()) for rows in (chance, chance & ~heard))
    return tuple(Reports(name, drawn[n], silent[n]) for n, name in enumerate(log.names))


def _clusters(columns: Columns, meaning: Meaning) -> tuple[Clusters, Integers]:
    """What is independent: groups where a column names them, else units, else lines; numbered, (N,)."""
    if meaning.group is not None and meaning.group.column is not None:
        return "group", numbered(columns.texts(meaning.group.column))
    if meaning.unit is not None:
        return "unit", numbered(columns.texts(meaning.unit.column))
    return "line", np.arange(columns.rows)


def _features(columns: Columns, meaning: Meaning) -> Floats:
    """(N, d): an intercept, each context number, 0 where it is unknown, then with a column that says so."""
    parts = [np.ones(columns.rows)]
    for column in meaning.context.values():
        numbers = columns.numbers(column)
        unknown = np.isnan(numbers)
        parts += [np.where(unknown, 0.0, numbers)] + ([unknown.astype(np.float64)] if unknown.any() else [])
    return np.stack(parts, axis=1)


def _probabilities(columns: Columns, log: _Drawn, policy: AnyPolicy) -> Floats:
    everything = np.ones_like(log.possible)  # a log does not say what was not available
    if isinstance(policy, Always):
        return always(log.names.index(policy.action), everything)
    if isinstance(policy, Even):
        return even(everything)
    if isinstance(policy, AsLogged):
        if np.isnan(log.probability).any():
            raise Invalid("the log does not hold the probability of every action, so that it has no value")
        return log.probability
    return _looked_up(columns, log, policy)


def _looked_up(columns: Columns, log: _Drawn, policy: Table) -> Floats:
    """(N, K): each row's probabilities by the table."""
    places = list(
        zip(*(columns.texts(name) for name in policy.keys), strict=True)
        if policy.keys
        else ((),) * columns.rows
    )
    rows = {
        place: np.array([policy.shares.get((place, name), 0.0) for name in log.names])
        for place in dict.fromkeys(places)
    }
    for place, shares in rows.items():
        if abs(shares.sum() - 1) > SUM_MAY_BE_OFF:
            where = ", ".join(f"{key} {cell}" for key, cell in zip(policy.keys, place, strict=True))
            raise Invalid(f"the policy's probabilities sum to {shares.sum():.9g}, not 1: {where or 'all'}")
    table: Floats = np.array([rows[place] for place in places])
    whole: Floats = table / table.sum(axis=1, keepdims=True)
    return whole


def _weeks(columns: Columns, meaning: Meaning, keep: Bools) -> Weeks | None:
    """The decisions' weeks, where the log tells times and the mapping a window."""
    if meaning.time is None or meaning.strategy is None:
        return None
    name = columns.found(meaning.time.column)
    moments = [_moment(cell, meaning.time) for cell in columns.texts(meaning.time.column)]
    columns.sound(name, np.array([moment is not None for moment in moments], np.bool_), "is no time")
    of = np.array([week_number(moment or 0) for moment in moments], np.int64)
    return Weeks(of[keep], -(-meaning.strategy.outcome.window_days // 7))


def _moment(cell: str, time: TimeColumn) -> int | None:
    """Milliseconds since the Unix epoch; by UTC where neither the log nor the mapping names a zone."""
    try:
        moment = datetime.strptime(cell, time.format) if time.format else datetime.fromisoformat(cell)
    except ValueError:
        return None
    return milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time.time_zone or "UTC")))
