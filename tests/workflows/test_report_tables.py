"""A report as tables, and tables as files."""

import csv
import io

import msgspec
from pyarrow import parquet

from engagement.workflows.report_tables import as_csv, as_parquet, table


class Inside(msgspec.Struct, frozen=True):
    value: float
    low: float | None


def test_a_column_that_a_row_lacks_is_empty_there():
    made = table("t", [{"a": 1, "b": 2.5}, {"a": 3, "c": "x"}])
    assert (made.columns, made.rows) == (("a", "b", "c"), ((1, 2.5, None), (3, None, "x")))


def test_csv_and_parquet_hold_the_same():
    made = table("t", [{"name": "ü, 1", "share": 0.25, "low": None}, {"name": "b", "share": 1.0, "low": 0.5}])
    rows = list(csv.reader(io.StringIO(as_csv(made).decode())))
    assert rows == [["name", "share", "low"], ["ü, 1", "0.25", ""], ["b", "1.0", "0.5"]]
    read = parquet.read_table(io.BytesIO(as_parquet(made)))
    assert read.to_pydict() == {"name": ["ü, 1", "b"], "share": [0.25, 1.0], "low": [None, 0.5]}


def test_a_table_of_nothing_is_a_file_of_nothing():
    empty = table("t", [])
    assert as_csv(empty) == b"\n"
    assert parquet.read_table(io.BytesIO(as_parquet(empty))).num_rows == 0
