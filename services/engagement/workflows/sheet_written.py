"""Sheets for people to fill in, as workbooks and as CSV, and a sheet sent back with its wrong cells marked.

Nothing that is written can be taken for a formula: text in a workbook is text, and in CSV a cell that begins
like a formula gets a ' in front, which is taken away again where the sheet comes back.
"""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from engagement.strategy.setup import Dates
from engagement.workflows.sheet import MOST_LINES, Refused, Sheet

NUMBER_FORMAT: dict[Dates, str] = {"day_first": "dd-mm-yyyy", "month_first": "mm-dd-yyyy"}
LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_LISTED = 255
"""So many characters Excel allows a list of choices."""
MOST_IN_A_CELL = 32_767
OPEN = Protection(locked=False)
HEAD = PatternFill("solid", fgColor="D9E2EC")
FIXED = PatternFill("solid", fgColor="ECECEC")
WRONG = PatternFill("solid", fgColor="F8C9C4")

Value = str | int | date | None


class Column(NamedTuple):
    """One column of a sheet to be filled in.

    note : what it means, in the reader's language      choices : what it may say, empty for anything
    fixed : says whom or what a line is about, and is protected
    """

    name: str
    note: str
    choices: tuple[str, ...] = ()
    fixed: bool = False
    is_date: bool = False


class Notes(NamedTuple):
    """The sheet that explains another one: its name, the words above its three columns, advice above all."""

    title: str
    head: tuple[str, str, str]
    advice: tuple[str, ...]


class Filled(NamedTuple):
    """A sheet with its lines, for people to change or to fill in."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: Notes
    dates: Dates


def as_csv(filled: Filled) -> bytes:
    """The sheet as CSV in UTF-8 with a byte order mark, without which Excel takes it for another encoding."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in filled.columns])
    writer.writerows([_guarded(value) for value in row] for row in filled.rows)
    return out.getvalue().encode("utf-8-sig")


def _guarded(value: Value) -> Value:
    if isinstance(value, str) and value.startswith(LIKE_A_FORMULA):
        return f"'{value}"
    return value.isoformat() if isinstance(value, date) else value


def as_workbook(filled: Filled) -> bytes:
    """The sheet as a workbook: names of columns that stay in sight, lists to choose from, ids protected."""
    book = Workbook()
    sheet = book.active
    sheet.title = filled.title
    _head(sheet, [column.name for column in filled.columns])
    fixed = sum(column.fixed for column in filled.columns)
    sheet.freeze_panes = sheet.cell(2, 1 + fixed)
    for place, column in enumerate(filled.columns, start=1):
        _format(sheet, place, column, filled.dates)
    for number, row in enumerate(filled.rows, start=2):
        for place, (column, value) in enumerate(zip(filled.columns, row, strict=True), start=1):
            cell = _put(sheet, number, place, value)
            if isinstance(value, date) or column.is_date:
                cell.number_format = NUMBER_FORMAT[filled.dates]
            if column.fixed:
                cell.fill = FIXED
            else:
                cell.protection = OPEN
    sheet.protection.sheet = True  # without a password: against slips, not against anybody
    for allowed in ("formatColumns", "formatCells", "sort", "autoFilter", "insertRows"):
        setattr(sheet.protection, allowed, False)  # the format's word for what is not forbidden
    _explain(book.create_sheet(filled.notes.title), filled)
    return _saved(book)


def _format(sheet: Any, place: int, column: Column, dates: Dates) -> None:
    """What holds for a whole column, lines that are still empty among them."""
    letter = get_column_letter(place)
    whole = sheet.column_dimensions[letter]
    whole.width = max(12, len(column.name) + 3)
    whole.protection = OPEN
    whole.number_format = NUMBER_FORMAT[dates] if column.is_date else "@"
    listed = ",".join(column.choices)
    if column.choices and len(listed) <= MOST_LISTED:
        choices = DataValidation("list", formula1=f'"{listed}"', allow_blank=True, errorStyle="warning")
        choices.add(f"{letter}2:{letter}{MOST_LINES + 1}")
        sheet.add_data_validation(choices)


def _explain(sheet: Any, filled: Filled) -> None:
    """The notes: advice, then a line for each column."""
    for number, words in enumerate(filled.notes.advice, start=1):
        _put(sheet, number, 1, words)
    top = len(filled.notes.advice) + 2
    _head(sheet, filled.notes.head, top)
    for number, column in enumerate(filled.columns, start=top + 1):
        for place, words in enumerate((column.name, column.note, ", ".join(column.choices)), start=1):
            _put(sheet, number, place, words).alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in zip("ABC", (24, 70, 50), strict=True):
        sheet.column_dimensions[letter].width = width


def marked(sheet: Sheet, refused: Sequence[Refused]) -> bytes:
    """A sheet as it was read, its wrong cells red and with a note of what is wrong; and a list of them.

    Every cell stands where it stood, as text. What stood above the columns' names is left out.
    """
    book = Workbook()
    shown = book.active
    _head(shown, sheet.names, sheet.head)
    for row in sheet.rows:
        for place, text in enumerate(row.cells, start=1):
            _put(shown, row.place, place, text or None)
    shown.freeze_panes = shown.cell(sheet.head + 1, 1)
    places = {row.line: row.place for row in sheet.rows}
    listed = book.create_sheet("to fix")
    _head(listed, ("cell", "column", "problem"))
    for number, flaw in enumerate(refused, start=2):
        name = flaw.cell or f"A{places.get(flaw.line, flaw.line)}"
        cell = shown[name]
        said = f"{cell.comment.text}\n" if cell.comment else ""
        cell.fill, cell.comment = WRONG, Comment(said + flaw.problem, "Engagement", 160, 320)
        for place, words in enumerate((name, flaw.column or "whole line", flaw.problem), start=1):
            _put(listed, number, place, words)
    for letter, width in zip("ABC", (10, 24, 100), strict=True):
        listed.column_dimensions[letter].width = width
    return _saved(book)


def _head(sheet: Any, names: Sequence[str], row: int = 1) -> None:
    for place, name in enumerate(names, start=1):
        cell = _put(sheet, row, place, name)
        cell.font, cell.fill = Font(bold=True), HEAD
    if row == 1:
        sheet.freeze_panes = "A2"


def _put(sheet: Any, row: int, place: int, value: Value) -> Any:
    """A cell with a value that is what it is: text is never a formula, nor made a number."""
    cell = sheet.cell(row, place)
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)[:MOST_IN_A_CELL]
        cell.data_type, cell.number_format = "s", "@"
    else:
        cell.value = value
    return cell


def _saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
