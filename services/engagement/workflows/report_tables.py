"""A report's figures as tables: a row a thing, a range as three columns, ready for a file or a data frame."""

import csv
import io
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from engagement.workflows.effects import ActionsFound
from engagement.workflows.harms import harm_rows
from engagement.workflows.report import Report
from engagement.workflows.trial_found import Analysis

Cell = str | float | bool | None
"""A number, words, or nothing; a day as it is written."""


class Table(NamedTuple):
    """A name, the names of its C columns, and its rows of C cells."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(told: Report) -> tuple[Table, ...]:
    """Everything of a report that can be a table, in the order of its pages."""
    made = [table("states", [{"state": state, "groups": count} for state, count in told.states.items()])]
    if told.trial is not None:
        made += [
            table("arms", map(_flat, told.trial.arms)),
            table("comparisons", map(_flat, told.trial.comparisons)),
            table("survival", _curves(told.trial)),
        ]
    if told.gained is not None:
        planes = told.gained.planes
        made += [
            table("costs", map(_flat, told.gained.arms)),
            table("planes", map(_flat, planes)),
            table("net-benefit", (_pair(plane) | _flat(row) for plane in planes for row in plane.worths)),
        ]
    for one in told.actions:
        made += _of_strategy(one)
    if told.harms is not None:
        made.append(table("harms", map(_flat, harm_rows(told.harms))))
    made += [
        table("hazards", map(_flat, told.fading.hazards)),
        table("reasons", map(_flat, told.fading.reasons)),
        table("barriers", map(_flat, told.fading.barriers)),
        table("trust-same", map(_flat, told.trust.same)),
        table("trust-everybody", map(_flat, told.trust.everybody)),
        table("trust-disagree", map(_flat, told.trust.disagree)),
        table("provenance", [_flat(told.provenance)]),
    ]
    if told.impact is not None:
        made += [
            table("impact-changes", map(_flat, told.impact.changes)),
            table("impact-answers", map(_flat, told.impact.answers)),
            table("impact-losses", map(_flat, told.impact.losses)),
        ]
    return tuple(made)


def table(name: str, rows: Iterable[dict[str, Cell]]) -> Table:
    """Rows by column; a column that a row lacks is empty there."""
    some = list(rows)
    columns = tuple(dict.fromkeys(column for row in some for column in row))
    return Table(name, columns, tuple(tuple(row.get(column) for column in columns) for row in some))


def as_csv(made: Table) -> bytes:
    """The table with a first line of names."""
    out = io.StringIO()
    written = csv.writer(out, lineterminator="\n")
    written.writerow(made.columns)
    written.writerows(made.rows)
    return out.getvalue().encode()


def as_parquet(made: Table) -> bytes:
    """The same as Parquet. raises : ModuleNotFoundError where pyarrow is not installed"""
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    columns = zip(*made.rows, strict=True) if made.rows else [()] * len(made.columns)
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(dict(zip(made.columns, map(list, columns), strict=True))), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _of_strategy(found: ActionsFound) -> list[Table]:
    name = found.strategy
    months = (
        _flat(row) | {"month": month.month, "decisions": month.decisions}
        for month in found.months
        for row in month.shares
    )
    quarter = [] if found.sliced.quarter is None else [_flat(found.sliced.quarter)]
    return [
        table(f"effects-{name}", map(_flat, found.effects)),
        table(f"slices-{name}", map(_flat, found.sliced.slices)),
        table(f"lower-quarter-{name}", quarter),
        table(f"learning-{name}", map(_flat, found.learning)),
        table(f"actions-over-time-{name}", months),
        table(f"draws-{name}", map(_flat, found.draws)),
    ]


def _curves(found: Analysis) -> Iterable[dict[str, Cell]]:
    return (_flat(point) | {"arm": arm.arm} for arm in found.arms for point in arm.curve)


def _pair(plane: msgspec.Struct) -> dict[str, Cell]:
    return {name: getattr(plane, name) for name in ("first", "second")}


def _flat(row: msgspec.Struct) -> dict[str, Cell]:
    """A thing as one row: what is inside it by joined names, lists of words joined, other lists left out."""
    return _columns(msgspec.to_builtins(row))


def _columns(row: dict[str, Any]) -> dict[str, Cell]:
    told: dict[str, Cell] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            inside = _columns(value)
            told |= {name if key == "value" else f"{name}_{key}": inner for key, inner in inside.items()}
        elif not isinstance(value, list | tuple):
            told[name] = value
        elif value and all(isinstance(one, str) for one in value):
            told[name] = " ".join(value)
        elif _is_span(value):
            told |= {f"{name}_low": value[0], f"{name}_high": value[1]}
    return told


def _is_span(value: Sequence[Any]) -> bool:
    return len(value) == 2 and all(isinstance(one, float) for one in value)
