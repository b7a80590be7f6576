"""A log's columns, read whole from CSV or Parquet: what a million decisions can be evaluated from."""

import csv
import gzip
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engagement.errors import Invalid
from engagement.records import Bools, Floats
from engagement.workflows.log_mapping import Column

PARQUET = (".parquet", ".pq")


class Columns(NamedTuple):
    """Cells by column, as they stand, all of one length; None where Parquet has nothing.

    missing : cells that say nothing      first : the number of the line that the first cells stand in
    """

    cells: dict[str, list[str | None]]
    rows: int
    first: int
    missing: frozenset[str]

    def found(self, column: Column) -> str:
        """The name under which the log has a column. raises : Invalid when it has none"""
        names = (column,) if isinstance(column, str) else column
        name = next((name for name in names if name in self.cells), None)
        if name is None:
            raise Invalid(f"the log has no column `{' or '.join(names)}`; it has {', '.join(self.cells)}")
        return name

    def words(self, column: Column) -> list[str]:
        """Cells as they stand: where a word for nothing may be one of those that say nothing."""
        return [cell or "" for cell in self.cells[self.found(column)]]

    def texts(self, column: Column) -> list[str]:
        """Cells that must all say something."""
        words = self.words(column)
        self.sound(self.found(column), np.array([word not in self.missing for word in words]), "is empty")
        return words

    def numbers(self, column: Column) -> Floats:
        """Cells as numbers, NaN where one says nothing, (N,)."""
        said = ["nan" if word in self.missing else word for word in self.words(column)]
        try:
            numbers = np.array(said, np.float64)
        except ValueError:
            self.sound(self.found(column), np.array([_is_number(cell) for cell in said]), "is not a number")
            raise
        self.sound(self.found(column), ~np.isinf(numbers), "is not a finite number")
        return numbers

    def sound(self, name: str, good: Bools, problem: str) -> None:
        """Refuses the log for its first bad cell, with the number of such cells.

        The whole log: leaving out lines by what they hold would be a choice among outcomes.
        """
        bad = np.flatnonzero(~good)
        if len(bad):
            cell = self.cells[name][bad[0]]
            raise Invalid(
                f"line {self.first + bad[0]}, {name}: `{(cell or '')[:20]}` {problem}"
                + (f", and so in {len(bad) - 1:,} further lines" if len(bad) > 1 else "")
            )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


MISSING = ("", "NA", "NaN", "nan", "null", "None")


def read_columns(file: Path, delimiter: str = ",", missing: Sequence[str] = MISSING) -> Columns:
    """The columns of a file, by its ending: Parquet, or CSV that may be packed as .gz.

    missing : cells that say nothing      raises : Invalid for a file that is no log
    """
    try:
        if file.suffix.lower() in PARQUET:
            return _parquet(file, missing)
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        return csv_columns(content.decode("utf-8-sig"), delimiter, missing)
    except (OSError, UnicodeDecodeError, EOFError) as flaw:
        raise Invalid(f"cannot read {file}: {flaw}") from flaw


def csv_columns(content: str, delimiter: str = ",", missing: Sequence[str] = MISSING) -> Columns:
    """The columns of a CSV text."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader, [])]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise Invalid(f"the log's first line names `{twice}` twice")
    try:
        lines = [line for line in reader if line]
    except csv.Error as flaw:
        raise Invalid(f"line {reader.line_num} of the log cannot be read as CSV: {flaw}") from flaw
    uneven = next((n for n, line in enumerate(lines) if len(line) != len(header)), None)
    if uneven is not None:
        raise Invalid(f"line {uneven + 2}: {len(lines[uneven])} cells under {len(header)} columns")
    cells: dict[str, list[str | None]] = {
        name: [line[place].strip() for line in lines] for place, name in enumerate(header)
    }
    return _columns(cells, len(lines), 2, missing)


def _parquet(file: Path, missing: Sequence[str]) -> Columns:
    try:
        parquet = import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise Invalid("to read Parquet, install engagement[research]") from None
    try:
        table = parquet.read_table(file)
    except ValueError as flaw:  # pyarrow's own errors are of this kind
        raise Invalid(f"cannot read {file}: {flaw}") from flaw
    cells = {
        name: [None if cell is None else str(cell) for cell in table[name].to_pylist()]
        for name in table.column_names
    }
    return _columns(cells, table.num_rows, 1, missing)


def _columns(cells: dict[str, list[str | None]], rows: int, first: int, missing: Sequence[str]) -> Columns:
    if not rows:
        raise Invalid("the log has no line below the names of the columns")
    return Columns(cells, rows, first, frozenset(missing) | {""})
