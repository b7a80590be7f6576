"""A sheet that people typed, as CSV: its first line, its other lines, and what is wrong with a cell.

A bad line is reported with its number and column and harms no other.
"""

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from engagement.errors import Invalid
from engagement.strategy.setup import identifies

MOST_LINES = 1_000
YES_NO = {
    "yes": True,
    "y": True,
    "1": True,
    "true": True,
    "no": False,
    "n": False,
    "0": False,
    "false": False,
}

T = TypeVar("T")
Reader: TypeAlias = "csv.DictReader[str]"
Cells = Mapping[str, str]
"""A line by column, without blanks around the cells; the empty cell is the empty text."""


class Refused(msgspec.Struct, frozen=True):
    """What was not stored of a line, where it is wrong, and how to mend it."""

    line: int
    column: str | None
    problem: str


class FlawError(Exception):
    """A cell that cannot be used."""

    def __init__(self, column: str | None, problem: str) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem


class Lines(NamedTuple, Generic[T]):
    """The lines below the first: how many, the sound ones as what they mean, and the others."""

    total: int
    sound: list[T]
    refused: list[Refused]


def opened(content: str) -> Reader:
    """The sheet, its columns' names as they are understood from here on."""
    reader = csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline=None))
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    except csv.Error as flaw:
        raise Invalid(f"line 1 is no CSV: {flaw}") from flaw
    return reader


def header(reader: Reader, columns: Collection[str], needed: Sequence[str]) -> list[str]:
    """The columns' names. Refuses a sheet without a needed column, or with one that stands twice."""
    names = list(reader.fieldnames or ())
    missing = [name for name in needed if name not in names]
    if missing:
        raise Invalid(
            f"the first line must name the columns: `{missing[0]}` is missing of {', '.join(columns)}"
        )
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise Invalid(f"the first line must name each column once: `{twice[0]}` stands twice")
    return names


def not_read(names: Sequence[str], columns: Collection[str]) -> tuple[str, ...]:
    """The columns that are not read."""
    return tuple(name for name in names if name and name not in columns)


def read_lines(reader: Reader, noun: str, read: Callable[[Cells, int], T]) -> Lines[T]:
    """Every line below the first, read one by one.

    noun : what the sheet is, with its article      read : a line and its number; raises FlawError
    raises : Invalid for more than MOST_LINES lines, and for text that is no CSV
    """
    sound: list[T] = []
    refused: list[Refused] = []
    total = 0
    try:
        for row in reader:
            total += 1
            if total > MOST_LINES:
                raise Invalid(f"{noun} has at most {MOST_LINES} lines; send it in parts")
            try:
                sound.append(read(_cells(row), reader.line_num))
            except FlawError as flaw:
                refused.append(Refused(reader.line_num, flaw.column, flaw.problem))
    except csv.Error as flaw:
        raise Invalid(f"line {reader.line_num + 1} is no CSV: {flaw}") from flaw
    return Lines(total, sound, refused)


def _cells(row: Mapping[str, str | None]) -> dict[str, str]:
    if None in row:
        raise FlawError(None, "the line has more cells than the first line has columns")
    return {name: (value or "").strip() for name, value in row.items()}


def must_say(cells: Cells, columns: Sequence[str]) -> None:
    """Refuses a line in which one of these cells is empty."""
    for column in columns:
        if not cells.get(column):
            raise FlawError(column, f"`{column}` is empty")


def pseudonym(cells: Cells, column: str) -> str:
    """An id, unless a person could be found by it."""
    name = cells[column]
    if identifies(name):
        raise FlawError(
            column, "looks like a phone number, an identity number or an address; use a pseudonym"
        )
    return name


def yes_no(cells: Cells, column: str) -> bool:
    """A yes or a no."""
    answer = YES_NO.get(cells[column].lower())
    if answer is None:
        raise FlawError(column, f"`{cells[column][:20]}` is neither yes nor no")
    return answer


def whole_number(text: str, column: str) -> int:
    """A whole number, 0 or more, in the digits of any script."""
    if not text.isdecimal() or len(text) > 9:
        raise FlawError(column, f"`{text[:20]}` is not a whole number")
    return int(text)


def few(things: Sequence[object]) -> str:
    """Things by name, the first ten of them: a report must not grow with what somebody pastes into a cell."""
    return ", ".join(map(str, things[:10])) + (", …" if len(things) > 10 else "")
