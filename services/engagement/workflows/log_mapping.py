"""What the columns of a foreign decision log mean, and its lines read by that meaning.

A mapping says which column holds what, how its words become ours, and the set-up that the decisions
are stored under. Reading touches no database: lines in, rows and refusals out. A bad line is refused
with its number, its column and the reason, and harms no other.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from engagement.actions.action import NONE, Id
from engagement.actions.catalogue import AnyAction
from engagement.bandits.propensity import in_units
from engagement.errors import Invalid
from engagement.records import Units
from engagement.signals.features import INTERCEPT
from engagement.strategy.setup import Consent, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.workflows.ingest import AHEAD_MS, EARLIEST, milliseconds
from engagement.workflows.mistakes import UNREAD, unread
from engagement.workflows.personal import personal
from engagement.workflows.recommend import ContextName
from engagement.workflows.sheet import FlawError, Refused

MOST_LINES = 100_000
SUM_MAY_BE_OFF = 1e-6
"""How far a line's probabilities may be from a sum of 1: logs write six digits or more."""
MOST_CONTEXT = 1e6
"""Largest size of a context number, as in a request."""
MOST_POINT = 60
"""Characters of a decision point's name, after the prefix that keeps it apart from a calendar's."""
_CONTEXT, _MISSING = "context.", "_missing"

Name = Annotated[str, msgspec.Meta(min_length=1)]
Column = Name | tuple[Name, ...]
"""A column by its name in the first line; of several names, the first that the log has."""


class UnitColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom a line is about.

    keep : a regular expression; the id is the part of the cell that it finds, the whole cell if absent
    prefix : stands before each id      consent : what the members have agreed to; a log does not say
    """

    column: Column
    keep: str | None = None
    prefix: str = ""
    consent: Consent = Consent()

    def __post_init__(self) -> None:
        """Refuses a pattern that is none."""
        try:
            re.compile(self.keep or "")
        except re.error as flaw:
            raise ValueError(f"`keep` is no regular expression: {flaw}") from flaw


class GroupColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the members sit: all in the group `id`, or each in the group that a column names."""

    id: Id | None = None
    column: Column | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        """One of the two is needed."""
        if (self.id is None) == (self.column is None):
            raise ValueError("give either `id`, one group for the whole log, or `column`")


class TimeColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a decision was made.

    format : as in Python's strptime; ISO 8601 when absent
    time_zone : of times that name none; without it such a line is refused
    """

    column: Column
    format: str | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        """Refuses a time zone that does not exist."""
        try:
            ZoneInfo(self.time_zone or "UTC")
        except (KeyError, ValueError) as unknown:
            raise ValueError(f"`{self.time_zone}` is not a time zone of the IANA database") from unknown


class ActionColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was done: each word of the column and the action it stands for, `none` for nothing."""

    column: Column
    values: Annotated[dict[str, Id], msgspec.Meta(min_length=1)]


class ProbabilityColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With what probability: a column for each of some actions, or one for the action taken.

    rest : one action without a number gets what is missing to 1. Between several nothing logged
    decides: `refuse` the mapping, or share it out `even`, which is an assumption and stored as if logged.
    """

    of: dict[Id, Column] = msgspec.field(default_factory=dict)
    taken: Column | None = None
    rest: Literal["refuse", "even"] = "refuse"

    def __post_init__(self) -> None:
        """One of the two is needed."""
        if bool(self.of) == (self.taken is not None):
            raise ValueError("give either `of`, a column for each of some actions, or `taken`")


class OutcomeColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of it: the number that earns 0, the number that earns 1, and in between in proportion.

    low may be the larger, where less is better      outside : what is done with a number beyond
    """

    column: Column
    low: float = 0.0
    high: float = 1.0
    outside: Literal["refuse", "clip"] = "refuse"

    def __post_init__(self) -> None:
        """Refuses a scale without length."""
        if not isfinite(self.high - self.low) or self.low == self.high:
            raise ValueError("`low` and `high` must be two different numbers")


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One foreign log: the set-up its decisions are stored under, and what its columns mean.

    point : names a unit's decision points; their times do when absent
    context : feature's name without `context.` → its column      missing : cells that say nothing
    """

    program: Program
    site: Site
    actions: tuple[AnyAction, ...]
    strategy: Strategy
    unit: UnitColumn
    group: GroupColumn
    time: TimeColumn
    point: Column | None = None
    action: ActionColumn
    probability: ProbabilityColumns
    outcome: OutcomeColumn
    context: dict[ContextName, Column] = msgspec.field(default_factory=dict)
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "null", "None")
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","

    def __post_init__(self) -> None:
        """Refuses a strategy that could not learn from this log, and actions that are not its own."""
        strategy = self.strategy
        if strategy.level != "member" or strategy.outcome.kind != "posted":
            raise ValueError('the strategy decides for a member, and its outcome has kind = "posted"')
        strange = (self.named | set(self.probability.of)) - set(self.names)
        if strange:
            raise ValueError(f"`{min(strange)}` is neither `none` nor an action of the strategy")
        if self.probability.of.keys() - self.named:
            raise ValueError("`probability.of` names an action that no word of the action's column means")
        unknown = self.named - set(self.probability.of)
        several = len(self.named) > 2 if self.probability.taken is not None else len(unknown) > 1
        if several and self.probability.rest == "refuse":
            raise ValueError(
                'the probabilities of several actions are not logged; say rest = "even" or name them'
            )
        for feature in strategy.columns:
            base = feature.removeprefix(_CONTEXT).removesuffix(_MISSING)
            if feature != INTERCEPT and (not feature.startswith(_CONTEXT) or base not in self.context):
                raise ValueError(f"no column of the log is mapped to the strategy's feature `{feature}`")

    @property
    def names(self) -> tuple[str, ...]:
        """The K actions in the order of a decision's evidence."""
        return (NONE, *self.strategy.actions)

    @property
    def named(self) -> set[str]:
        """The actions that the log knows."""
        return set(self.action.values.values())

    @property
    def used_context(self) -> list[str]:
        """The context numbers that the strategy's features are made of, without companions."""
        given = [name.removeprefix(_CONTEXT) for name in self.strategy.columns if name.startswith(_CONTEXT)]
        return list(dict.fromkeys(name.removesuffix(_MISSING) for name in given))

    def may_be_missing(self, context: str) -> bool:
        """Whether the strategy can tell an unknown number from 0."""
        return f"{_CONTEXT}{context}{_MISSING}" in self.strategy.columns


class LogRow(NamedTuple):
    """One decision of the log, in our words.

    probability : (K,) units of 2⁻³², those of the K actions      reward : None when the log is silent
    clipped : whether the outcome lay beyond its scale
    """

    line: int
    unit: str
    group: str
    point: str
    decided_at: int
    action: str
    probability: Units
    context: tuple[tuple[str, float], ...]
    reward: float | None
    clipped: bool


class Log(NamedTuple):
    """A log as read: the number of its lines, the sound ones, the others, and columns nobody asked for."""

    lines: int
    rows: list[LogRow]
    refused: list[Refused]
    ignored_columns: tuple[str, ...]


def read_mapping(content: bytes) -> Mapping:
    """A mapping from TOML."""
    try:
        return msgspec.toml.decode(content, type=Mapping)
    except UNREAD as flaw:
        raise Invalid(f"the mapping file: {unread(flaw)}") from flaw


def read_log(content: str, mapping: Mapping, now_ms: int) -> Log:
    """The lines of a CSV text, each as a row or with the reason why it is none.

    raises : Invalid when a mapped column is missing from the first line, or there are too many lines
    """
    reader = csv.DictReader(
        io.StringIO(content.removeprefix("\ufeff"), newline=""), delimiter=mapping.delimiter
    )
    header = reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    places = {column: _found(column, header) for column in _columns(mapping)}
    missing = frozenset(mapping.missing)
    rows: dict[tuple[str, str], LogRow] = {}
    written_as: dict[str, str] = {}
    refused: list[Refused] = []
    count = 0
    for cells in _lines(reader):
        count += 1
        try:
            line = _Line(cells, places, missing)
            row = _row(line, mapping, reader.line_num, now_ms)
            _tell_apart(row, line.needed(mapping.unit.column), rows, written_as)
            rows[row.unit, row.point] = row
        except FlawError as flaw:
            refused.append(Refused(reader.line_num, flaw.column, flaw.problem))
    ignored = tuple(name for name in header if name and name not in places.values())
    return Log(count, list(rows.values()), refused, ignored)


def _lines(reader: "csv.DictReader[str]") -> Iterator[dict[str | Any, str | Any]]:
    """The lines one by one; text that is no CSV, or too long, is the request's fault."""
    try:
        for count, cells in enumerate(reader, start=1):
            if count > MOST_LINES:
                raise Invalid(f"a log has at most {MOST_LINES} lines; send it in parts")
            yield cells
    except csv.Error as flaw:
        raise Invalid(f"line {reader.line_num} of the log cannot be read as CSV: {flaw}") from flaw


class _Line(NamedTuple):
    """The cells of one line, by mapped column."""

    cells: dict[str | Any, str | Any]
    places: dict[Column, str]
    missing: frozenset[str]

    def text(self, column: Column) -> str | None:
        """A cell without blanks around it; None when it says nothing."""
        cell = (self.cells[self.places[column]] or "").strip()
        return None if cell in self.missing else cell

    def needed(self, column: Column) -> str:
        """A cell that must say something."""
        cell = self.text(column)
        if cell is None:
            raise self.flaw(column, "is empty")
        return cell

    def number(self, column: Column) -> float | None:
        """A cell as a finite number."""
        cell = self.text(column)
        if cell is None:
            return None
        try:
            value = float(cell)
        except ValueError:
            raise self.flaw(column, f"`{cell[:20]}` is not a number") from None
        if not isfinite(value):
            raise self.flaw(column, f"`{cell[:20]}` is not a finite number")
        return value

    def flaw(self, column: Column, problem: str) -> FlawError:
        """What is wrong with a cell."""
        return FlawError(self.places[column], problem)


def _columns(mapping: Mapping) -> list[Column]:
    """Every column that the mapping reads."""
    some = (mapping.group.column, mapping.point, mapping.probability.taken)
    return [
        mapping.unit.column,
        mapping.time.column,
        mapping.action.column,
        mapping.outcome.column,
        *(column for column in some if column is not None),
        *chain(mapping.probability.of.values(), (mapping.context[name] for name in mapping.used_context)),
    ]


def _found(column: Column, header: Sequence[str]) -> str:
    names = (column,) if isinstance(column, str) else column
    found = next((name for name in names if name in header), None)
    if found is None:
        raise Invalid(
            f"the log's first line names no column `{' or '.join(names)}`; it has {', '.join(header)}"
        )
    if header.count(found) > 1:
        raise Invalid(f"the log's first line names `{found}` twice")
    return found


def _row(line: _Line, mapping: Mapping, number: int, now_ms: int) -> LogRow:
    """One line as a decision."""
    if None in line.cells:
        raise FlawError(None, "the line has more cells than the first line has columns")
    decided = _moment(line, mapping.time, now_ms)
    action = _action(line, mapping.action)
    reward, clipped = _reward(line, mapping.outcome)
    return LogRow(
        line=number,
        unit=_unit(line, mapping.unit),
        group=_group(line, mapping.group),
        point=_point(line, mapping.point, decided),
        decided_at=milliseconds(decided),
        action=action,
        probability=_probability(line, mapping, action),
        context=_context(line, mapping),
        reward=reward,
        clipped=clipped,
    )


def _tell_apart(
    row: LogRow, cell: str, rows: dict[tuple[str, str], LogRow], written_as: dict[str, str]
) -> None:
    """Refuses two lines for one decision, and two people under one id."""
    if written_as.setdefault(row.unit, cell) != cell:
        raise FlawError(
            None, f"another unit of this log is already called `{row.unit}`; `keep` more of the cell"
        )
    before = rows.get((row.unit, row.point))
    if before is not None:
        raise FlawError(None, f"line {before.line} holds this decision of `{row.unit}` already")


def _unit(line: _Line, unit: UnitColumn) -> str:
    name = line.needed(unit.column)
    if unit.keep is not None:
        found = re.search(unit.keep, name)
        if found is None:
            raise line.flaw(unit.column, "`keep` finds nothing in it")
        name = found.group()
    _must_be_nobodys(line, unit.column, name)
    return _id(line, unit.column, unit.prefix + name)


def _group(line: _Line, group: GroupColumn) -> str:
    if group.column is None:
        return group.id or ""
    return _id(line, group.column, group.prefix + line.needed(group.column))


def _id(line: _Line, column: Column, name: str) -> str:
    _must_be_nobodys(line, column, name)
    try:
        return msgspec.convert(name, Id)
    except msgspec.ValidationError:
        raise line.flaw(
            column, f"`{name[:70]}` is no id: up to 64 letters, digits, dots, colons, hyphens and underscores"
        ) from None


def _must_be_nobodys(line: _Line, column: Column, name: str) -> None:
    found = personal(name)
    if found is not None:
        raise line.flaw(column, f"looks like {found}; use a pseudonym, or `keep` a part of it that is none")


def _moment(line: _Line, time: TimeColumn, now_ms: int) -> datetime:
    cell = line.needed(time.column)
    try:
        moment = datetime.strptime(cell, time.format) if time.format else datetime.fromisoformat(cell)
    except ValueError:
        raise line.flaw(time.column, f"`{cell[:40]}` is not a time; see `format`") from None
    if moment.tzinfo is None:
        if time.time_zone is None:
            raise line.flaw(time.column, "names no time zone; give the mapping's `time_zone`")
        moment = moment.replace(tzinfo=ZoneInfo(time.time_zone))
    if moment < EARLIEST or milliseconds(moment) > now_ms + AHEAD_MS:
        raise line.flaw(time.column, "lies before the year 2000 or ahead of the service's clock")
    return moment


def _point(line: _Line, column: Column | None, decided: datetime) -> str:
    """The decision point's name. The prefix keeps it apart from those that a calendar gives."""
    if column is None:
        return f"log:{decided.astimezone(UTC).isoformat()}"
    cell = line.needed(column)
    if not re.fullmatch(rf"[!-~]{{1,{MOST_POINT}}}", cell):
        raise line.flaw(
            column, f"names a decision point in 1 to {MOST_POINT} ASCII characters without blanks"
        )
    _must_be_nobodys(line, column, cell)
    return f"log:{cell}"


def _action(line: _Line, action: ActionColumn) -> str:
    # an empty cell may well be the log's word for nothing, so missing markers do not count here
    cell = (line.cells[line.places[action.column]] or "").strip()
    if cell not in action.values:
        raise line.flaw(action.column, f"`{cell[:20]}` is no action; there are {', '.join(action.values)}")
    return action.values[cell]


def _probability(line: _Line, mapping: Mapping, action: str) -> Units:
    """(K,) in units of 2⁻³²: what is logged, and the rest as the mapping says."""
    source = mapping.probability
    columns = source.of if source.taken is None else {action: source.taken}
    logged = {name: _share(line, column) for name, column in columns.items()}
    column, total = next(iter(columns.values())), sum(logged.values())
    silent = sorted(mapping.named - logged.keys())
    if total > 1 + SUM_MAY_BE_OFF or (not silent and total < 1 - SUM_MAY_BE_OFF):
        raise line.flaw(column, f"the probabilities sum to {total:.9g} and not to 1")
    rest = max(1 - total, 0.0) / max(len(silent), 1)
    row = np.array([[logged.get(name, rest if name in silent else 0.0) for name in mapping.names]])
    units: Units = in_units(row / row.sum())[0]
    if not units[mapping.names.index(action)]:
        raise line.flaw(column, f"`{action}` was taken, though its probability is 0")
    return units


def _share(line: _Line, column: Column) -> float:
    value = line.number(column)
    if value is None or not 0 <= value <= 1:
        raise line.flaw(column, "must be a probability between 0 and 1")
    return value


def _context(line: _Line, mapping: Mapping) -> tuple[tuple[str, float], ...]:
    """The context numbers that are known, in order of name."""
    known = []
    for name in sorted(mapping.used_context):
        column = mapping.context[name]
        value = line.number(column)
        if value is None and not mapping.may_be_missing(name):
            raise line.flaw(column, f"is empty, and the strategy has no feature `{_CONTEXT}{name}{_MISSING}`")
        if value is not None and abs(value) > MOST_CONTEXT:
            raise line.flaw(column, f"must not be larger than {MOST_CONTEXT:g} in size")
        if value is not None:
            known.append((name, value))
    return tuple(known)


def _reward(line: _Line, outcome: OutcomeColumn) -> tuple[float | None, bool]:
    """The outcome on its scale from 0 to 1, and whether it lay beyond; silence stays silence."""
    value = line.number(outcome.column)
    if value is None:
        return None, False
    reward = (value - outcome.low) / (outcome.high - outcome.low)
    inside = min(max(reward, 0.0), 1.0)
    if reward != inside and outcome.outside == "refuse":
        raise line.flaw(outcome.column, f"{value:g} lies outside {outcome.low:g} to {outcome.high:g}")
    return inside, reward != inside
