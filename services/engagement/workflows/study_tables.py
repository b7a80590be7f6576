"""A study's tables: runs, groups and the summary as CSV, the summary as JSON, groups as Parquet besides.

The first column of every table says that the figures are simulated.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from engagement.simulation.figures import MEASURES, GroupFigures
from engagement.workflows.study_run import DecisionRow, Run
from engagement.workflows.study_summary import Estimate, Row

ORIGIN = "simulated"
_ESTIMATE = Estimate.__struct_fields__
_GROUP = GroupFigures.__struct_fields__
_DECISION = DecisionRow.__struct_fields__
_OF_RUN = ("origin", "world", "strategy", "seed")


def write_tables(root: Path, runs: Sequence[Run], rows: Sequence[Row]) -> tuple[Path, ...]:
    """Writes all tables; where they are."""
    made = [
        _csv(root / "runs.csv", (*_OF_RUN, "key", *MEASURES), map(_run, runs)),
        _csv(root / "months.csv", (*_OF_RUN, "month", "alive", "attendance"), _months(runs)),
        _csv(root / "groups.csv", (*_OF_RUN, *_GROUP), _groups(runs)),
        _csv(root / "summary.csv", _summary_header(), map(_summary, rows)),
        _json(root / "summary.json", rows),
    ]
    if any(run.decisions for run in runs):
        made.append(_csv(root / "decisions.csv", (*_OF_RUN, *_DECISION), _decisions(runs)))
    if find_spec("pyarrow") is not None:
        made.append(_parquet(root / "groups.parquet", runs))
    return tuple(made)


def _of_run(run: Run) -> tuple[object, ...]:
    return ORIGIN, run.world, run.strategy, run.seed


def _run(run: Run) -> tuple[object, ...]:
    return (*_of_run(run), run.key, *msgspec.structs.astuple(run.figures))


def _months(runs: Sequence[Run]) -> Iterator[tuple[object, ...]]:
    for run in runs:
        for month, shares in enumerate(zip(run.alive, run.attendance, strict=True), start=1):
            yield (*_of_run(run), month, *shares)


def _groups(runs: Sequence[Run]) -> Iterator[tuple[object, ...]]:
    return ((*_of_run(run), *msgspec.structs.astuple(group)) for run in runs for group in run.groups)


def _decisions(runs: Sequence[Run]) -> Iterator[tuple[object, ...]]:
    return ((*_of_run(run), *msgspec.structs.astuple(one)) for run in runs for one in run.decisions)


def _summary_header() -> tuple[str, ...]:
    against = (f"difference_{name}" for name in _ESTIMATE)
    return ("origin", "world", "strategy", "measure", "seeds", *_ESTIMATE, *against)


def _summary(row: Row) -> tuple[object, ...]:
    difference = (
        (None,) * len(_ESTIMATE) if row.difference is None else msgspec.structs.astuple(row.difference)
    )
    value = msgspec.structs.astuple(row.value)
    return (ORIGIN, row.world, row.strategy, row.measure, row.seeds, *value, *difference)


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)
    return path


def _json(path: Path, rows: Sequence[Row]) -> Path:
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"origin": ORIGIN, "rows": rows})) + b"\n")
    return path


def _parquet(path: Path, runs: Sequence[Run]) -> Path:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    columns = zip(*_groups(runs), strict=True)
    parquet.write_table(arrow.table(dict(zip((*_OF_RUN, *_GROUP), map(list, columns), strict=True))), path)
    return path
