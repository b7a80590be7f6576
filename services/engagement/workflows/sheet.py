"""A sheet that people typed: its first line, its other lines, and what is wrong with a cell.

A bad line is reported with its number and column, and with the cell as a spreadsheet names it, and harms
no other. How a sheet is read from a file stands in `sheet_file`.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
from openpyxl.utils import get_column_letter

from engagement.errors import Invalid
from engagement.strategy.setup import Dates
from engagement.workflows.personal import personal

MOST_LINES = 1_000
YES_WORDS = ("yes", "y", "1", "true", "100%", "हाँ", "हां", "हा", "जी", "जी हाँ", "जी हां", "అవును", "ఔను")
NO_WORDS = ("no", "n", "0", "false", "0%", "नहीं", "नही", "ना", "కాదు", "లేదు")
YES_NO = {
    unicodedata.normalize("NFC", word): yes
    for yes, words in ((True, YES_WORDS), (False, NO_WORDS))
    for word in words
}
"""Yes and no in English, Hindi and Telugu, and as spreadsheets write them."""
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
IN_NUMBERS = re.compile(r"(\d{1,2})(?P<between>[/.-])(\d{1,2})(?P=between)(\d{4})")
WRITE: Mapping[Dates, str] = {
    "day_first": "31/03/2026 with the day first",
    "month_first": "03/31/2026 with the month first",
}
GUARDED = ("'=", "'+", "'-", "'@")
"""How a cell begins that was kept from being taken for a formula."""
NO_WIDTH = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))

T = TypeVar("T")
Cells = Mapping[str, str]
"""A line by column, without blanks around the cells; the empty cell is the empty text."""


class Refused(msgspec.Struct, frozen=True):
    """What was not stored of a line, where it is wrong, and how to mend it.

    cell : as a spreadsheet names it, such as D7; null where it is not one cell
    """

    line: int
    column: str | None
    problem: str
    cell: str | None = None


class FlawError(Exception):
    """A cell that cannot be used. place : of the cell in its line, where no column's name says so"""

    def __init__(self, column: str | None, problem: str, place: int | None = None) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem
        self.place = place


class Row(NamedTuple):
    """A line that is not empty.

    line : its number as an editor counts      place : as a spreadsheet does, where a cell may hold two lines
    """

    line: int
    place: int
    cells: tuple[str, ...]


class Merged(NamedTuple):
    """Cells that are merged into one: columns from 0, rows as a spreadsheet counts them."""

    name: str
    columns: range
    rows: range


class Sheet(NamedTuple):
    """A sheet as it was read.

    names : of the columns, as they are understood from here on      head : the row in which they stand
    rows : below it, without the empty ones      characters : how long it is
    """

    names: tuple[str, ...]
    head: int
    rows: tuple[Row, ...]
    merged: tuple[Merged, ...] = ()
    characters: int = 0

    def cells(self, row: Row) -> dict[str, str]:
        """A row by column; of two columns of one name the last."""
        filled = (*row.cells, *[""] * (len(self.names) - len(row.cells)))
        return {name: cell for name, cell in zip(self.names, filled, strict=False) if name}

    def merged_at(self, row: int, column: int) -> Merged | None:
        """The merged cells that a cell belongs to."""
        return next((area for area in self.merged if row in area.rows and column in area.columns), None)


class Lines(NamedTuple, Generic[T]):
    """The lines below the first: how many, the sound ones as what they mean, and the others."""

    total: int
    sound: list[T]
    refused: list[Refused]


def plain(cell: str) -> str:
    """A cell's text without what nobody sees: blanks around it, digits of another script, guards."""
    cell = cell.strip()
    if not cell.isascii():
        cell = unicodedata.normalize("NFC", cell.translate(NO_WIDTH)).strip()
        cell = "".join(str(unicodedata.decimal(sign, sign)) for sign in cell)
    return cell[1:] if cell.startswith(GUARDED) else cell


def header(sheet: Sheet, columns: Collection[str], needed: Sequence[str]) -> tuple[str, ...]:
    """The columns' names. Refuses a sheet without a needed column, or with one that stands twice."""
    missing = [name for name in needed if name not in sheet.names]
    if missing:
        raise Invalid(
            f"the first line must name the columns: `{missing[0]}` is missing of {', '.join(columns)}"
            + merged_above(sheet)
        )
    twice = [name for name in columns if sheet.names.count(name) > 1]
    if twice:
        raise Invalid(f"the first line must name each column once: `{twice[0]}` stands twice")
    return sheet.names


def merged_above(sheet: Sheet) -> str:
    """What to say of merged cells where the columns' names are looked for in vain."""
    area = next((area for area in sheet.merged if area.rows.start <= sheet.head), None)
    if area is None:
        return ""
    return (
        f". The cells {area.name} are merged into one: take them apart, so that each column has its own name"
    )


def not_read(sheet: Sheet, columns: Collection[str]) -> tuple[str, ...]:
    """The columns that are not read; one without a name only where something stands in it."""
    nameless = [
        f"column {get_column_letter(place + 1)}"
        for place, name in enumerate(sheet.names)
        if not name and any(place < len(row.cells) and row.cells[place] for row in sheet.rows)
    ]
    return (*(name for name in sheet.names if name and name not in columns), *nameless)


def read_lines(
    sheet: Sheet,
    noun: str,
    columns: Collection[str],
    read: Callable[[Cells, int], T],
    most: int = MOST_LINES,
) -> Lines[T]:
    """Every line below the first, read one by one.

    noun : what the sheet is, with its article      columns : those that are read
    read : a line and its number; raises FlawError
    raises : Invalid for more than `most` lines
    """
    if len(sheet.rows) > most:
        raise Invalid(f"{noun} has at most {most} lines; send it in parts")
    unread = [place for place, name in enumerate(sheet.names) if name not in columns]
    sound: list[T] = []
    refused: list[Refused] = []
    for row in sheet.rows:
        try:
            _fits(sheet, row, unread)
            sound.append(read(sheet.cells(row), row.line))
        except FlawError as flaw:
            refused.append(_refused(sheet, row, flaw))
    return Lines(len(sheet.rows), sound, refused)


def _fits(sheet: Sheet, row: Row, unread: Sequence[int]) -> None:
    """Refuses a line that is too long, or in which a person could be found though nobody reads it."""
    wide = len(sheet.names)
    more = next((place for place, cell in enumerate(row.cells) if place >= wide and cell), None)
    if more is not None:
        raise FlawError(None, "the line has more cells than the first line has columns", more)
    for place in unread:
        found = personal(row.cells[place]) if place < len(row.cells) else None
        if found is not None:
            raise FlawError(
                sheet.names[place] or None,
                f"looks like {found}, which has no place in this service: people have pseudonyms here. Empty "
                "the cell, or delete the column, which is not read",
                place,
            )


def _refused(sheet: Sheet, row: Row, flaw: FlawError) -> Refused:
    """A flaw with its cell, and with why a cell is empty of which its reader thinks that it is not."""
    place = flaw.place
    if place is None and flaw.column in sheet.names:
        place = sheet.names.index(flaw.column)
    if place is None:
        return Refused(row.line, flaw.column, flaw.problem)
    area = sheet.merged_at(row.place, place)
    empty = place >= len(row.cells) or not row.cells[place]
    words = (
        f": {area.name} are merged into one cell; take them apart and fill in each" if area and empty else ""
    )
    return Refused(row.line, flaw.column, flaw.problem + words, f"{get_column_letter(place + 1)}{row.place}")


def addressed(sheet: Sheet, refused: Sequence[Refused]) -> tuple[Refused, ...]:
    """Flaws in order of line, each with its cell."""
    places = {row.line: row.place for row in sheet.rows}
    return tuple(
        msgspec.structs.replace(flaw, cell=_address(sheet, flaw.column, places.get(flaw.line)))
        if flaw.cell is None
        else flaw
        for flaw in sorted(refused, key=lambda flaw: flaw.line)
    )


def _address(sheet: Sheet, column: str | None, row: int | None) -> str | None:
    if column is None or row is None or column not in sheet.names:
        return None
    return f"{get_column_letter(sheet.names.index(column) + 1)}{row}"


def to_fix(refused: Sequence[Refused]) -> str:
    """What to do about all that was refused, in one sentence; empty where nothing was."""
    cells = list(dict.fromkeys(flaw.cell or f"row {flaw.line}" for flaw in refused))
    if not cells:
        return ""
    counted = "this cell" if len(cells) == 1 else f"these {len(cells)} cells"
    return f"Fix {counted} and send the sheet again: {few(cells)}"


class Report(Protocol):
    """What became of a sheet, as far as it is told alike for all of them."""

    @property
    def refused(self) -> tuple[Refused, ...]:
        """What was not stored."""

    @property
    def ignored_columns(self) -> tuple[str, ...]:
        """Columns that are not read."""

    @property
    def to_fix(self) -> str:
        """The cells to mend."""


def refusals_in_words(report: Report) -> list[str]:
    """A line for everything that was refused, and what else a person should know of the sheet."""
    out = [
        f"  {flaw.cell or f'line {flaw.line}'}, {flaw.column or 'whole line'}: {flaw.problem}"
        for flaw in report.refused
    ]
    if report.to_fix:
        out.append(report.to_fix)
    if report.ignored_columns:
        out.append(f"  not read, not stored: {', '.join(report.ignored_columns)}")
    return out


def must_say(cells: Cells, columns: Sequence[str]) -> None:
    """Refuses a line in which one of these cells is empty."""
    for column in columns:
        if not cells.get(column):
            raise FlawError(column, f"`{column}` is empty")


def pseudonym(cells: Cells, column: str) -> str:
    """An id, unless a person could be found by it."""
    name = cells[column]
    found = personal(name)
    if found is not None:
        raise FlawError(column, f"looks like {found}; use a pseudonym, such as the id that your own app gave")
    return name


def yes_no(cells: Cells, column: str) -> bool:
    """A yes or a no."""
    answer = YES_NO.get(cells[column].lower())
    if answer is None:
        raise FlawError(column, f"`{cells[column][:20]}` is neither yes nor no")
    return answer


def day(cells: Cells, column: str, order: Dates) -> date:
    """A date, year first or in the program's own order."""
    iso, numbers = ISO.fullmatch(cells[column]), IN_NUMBERS.fullmatch(cells[column])
    try:
        if iso is not None:
            return date(*map(int, iso.groups()))
        if numbers is not None:
            first, second, year = map(int, numbers.group(1, 3, 4))
            return date(year, second, first) if order == "day_first" else date(year, first, second)
    except ValueError:
        pass
    raise FlawError(column, f"`{cells[column][:20]}` is not a day; write 2026-03-31, or {WRITE[order]}")


def whole_number(text: str, column: str) -> int:
    """A whole number, 0 or more, in the digits of any script."""
    if not text.isdecimal() or len(text) > 9:
        raise FlawError(column, f"`{text[:20]}` is not a whole number")
    return int(text)


def few(things: Sequence[object]) -> str:
    """Things by name, the first ten of them: a report must not grow with what somebody pastes into a cell."""
    return ", ".join(map(str, things[:10])) + (", …" if len(things) > 10 else "")
