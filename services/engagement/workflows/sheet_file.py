"""A file as a sheet: a workbook of Excel's (.xlsx), or text with commas, semicolons or tabs between columns.

Text comes as spreadsheets write it: UTF-8 or UTF-16, with or without a byte order mark, with a first line
`sep=;`, with empty rows and columns at its end. Of a workbook the first sheet is read that is not hidden.
Whatever stands above the line that names the columns, among the first ten, is passed over.
"""

import codecs
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import islice

from openpyxl import load_workbook
from openpyxl.utils.cell import range_boundaries

from engagement.errors import Invalid, TooLarge
from engagement.workflows.sheet import MOST_LINES, Merged, Row, Sheet, plain

MARK = "group"
"""The column by which the line is known that names the columns: every sheet here has it."""
HEAD_WITHIN = 10
SEPARATORS = (",", ";", "\t")
TOLD = re.compile(r'"?sep=(.)"?[ \t]*\r?(?:\n|$)')
"""The first line by which Excel is told the separator."""
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MOST_UNPACKED = 16 * 1024 * 1024
MOST_PARTS = 500
MOST_ROWS, MOST_COLUMNS = 1_048_576, 256
MOST_MERGED = 1_000

# of formats that it does not know and nobody here asks for, with no word of what is in the file
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")


def opened(content: str | bytes, most: int = MOST_LINES) -> Sheet:
    """The sheet that a file's bytes, or a text, hold. most : lines; of a longer one enough to see that it is

    raises : Invalid for what is no sheet, TooLarge for a workbook that unpacks to more than it should
    """
    if isinstance(content, str):
        return _of_text(content, most)
    if content.startswith(OLD_EXCEL):
        raise Invalid(
            "the file is in Excel's old form, or locked with a password: save it as .xlsx without one"
        )
    if content.startswith(ZIP):
        return _of_workbook(content, most)
    return _of_text(_text(content), most)


def _text(content: bytes) -> str:
    """A text's bytes decoded: by its byte order mark, else by where its zeros stand, else as UTF-8."""
    pairs = content[:200]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in pairs:
        encoding = "utf-16-le" if pairs[1::2].count(0) >= pairs[::2].count(0) else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise Invalid(
            "the file is neither a workbook (.xlsx) nor text in UTF-8 or UTF-16; in Excel, save it as "
            "“CSV UTF-8” or as a workbook"
        ) from None


# --- text -----------------------------------------------------------------------------------------


def _of_text(text: str, most: int) -> Sheet:
    text = text.removeprefix("\ufeff")
    told = TOLD.match(text)
    body = text[told.end() :] if told else text
    separator = told[1] if told else _separator(body)
    return _sheet(_records(body, separator, 1 if told else 0), most, characters=len(text))


def _separator(text: str) -> str:
    """The separator with which one of the first lines names the columns; a comma where none does."""
    for separator in SEPARATORS:
        try:
            reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
            if any(MARK in _names(row) for row in islice(filter(any, reader), HEAD_WITHIN)):
                return separator
        except csv.Error:
            continue
    return SEPARATORS[0]


def _records(text: str, separator: str, above: int) -> Iterator[Row]:
    """Every record of a text. above : lines before its first"""
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=separator)
    try:
        for place, record in enumerate(reader, start=1):
            yield Row(reader.line_num + above, place, tuple(map(plain, record)))
    except csv.Error as flaw:
        raise Invalid(f"line {reader.line_num + above} is no CSV: {flaw}") from flaw


def _names(cells: Sequence[str]) -> tuple[str, ...]:
    """Columns' names as they are understood, without empty ones at the end."""
    return _trimmed(plain(cell).lower() for cell in cells)


def _sheet(records: Iterable[Row], most: int, merged: tuple[Merged, ...] = (), characters: int = 0) -> Sheet:
    """A sheet from its records: the line that names the columns, and those below it."""
    coming = (row for row in records if any(row.cells))
    first = list(islice(coming, HEAD_WITHIN))
    at = next((place for place, row in enumerate(first) if MARK in _names(row.cells)), 0)
    head = first[at] if first else Row(1, 1, ())
    rows = [*first[at + 1 :], *islice(coming, most + 1)]
    length = characters or sum(len(cell) for row in (*first, *rows) for cell in row.cells)
    return Sheet(_names(head.cells), head.place, tuple(rows), merged, length)


# --- workbooks ------------------------------------------------------------------------------------


def _of_workbook(content: bytes, most: int) -> Sheet:
    _looked_into(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        shown = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
        part = shown._worksheet_path  # noqa: SLF001  # nowhere else do such sheets tell of merged cells
        shown.reset_dimensions()  # what a file says of its own size need not be so
        rows = shown.iter_rows(values_only=True, max_row=MOST_ROWS)
        return _sheet(_of_values(rows), most, _merged(content, part))
    except Exception as flaw:  # what a broken file does to its reader nobody has listed
        raise Invalid(
            "the file cannot be read as a workbook; open it in Excel and save it again as .xlsx"
        ) from flaw


def _looked_into(content: bytes) -> None:
    """Refuses a file that unpacks to too much, or whose parts would call for others."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as box:
            parts = box.infolist()
            # a part is never unpacked beyond the size that it says here, whatever it holds
            fits = len(parts) <= MOST_PARTS and sum(part.file_size for part in parts) <= MOST_UNPACKED
            names = [part.filename.lower() for part in parts]
            told = (
                name.endswith((".xml", ".rels")) and _defines_words(box.read(part))
                for name, part in zip(names, parts, strict=True)
            )
            defines_words = fits and any(told)
    except Exception as flaw:  # each way of packing has errors of its own
        raise Invalid("the file is damaged, or locked with a password; save it again as .xlsx") from flaw
    if not fits:
        raise TooLarge(
            f"the workbook unpacks to more than {MOST_UNPACKED // 1024**2} MiB; "
            "copy the sheet's cells into a new workbook"
        )
    if "xl/workbook.xml" not in names:
        raise Invalid("the file is packed, but it is no workbook of Excel's; save it as .xlsx")
    if defines_words:
        raise Invalid("the workbook defines words of its own (`DOCTYPE`), as none of Excel's does")


def _defines_words(part: bytes) -> bool:
    head = part.replace(b"\0", b"")  # in two bytes a letter it reads the same
    return b"<!DOCTYPE" in head or b"<!ENTITY" in head


def _of_values(rows: Iterable[Sequence[object]]) -> Iterator[Row]:
    for place, row in enumerate(rows, start=1):
        if any(value is not None for value in row):
            yield Row(place, place, _trimmed(map(written, row[:MOST_COLUMNS])))


def _trimmed(cells: Iterable[str]) -> tuple[str, ...]:
    """Cells without empty ones at the end."""
    kept = list(cells)
    while kept and not kept[-1]:
        kept.pop()
    return tuple(kept)


def written(value: object) -> str:
    """A cell's value as a person would have typed it: 1.0 that stands for 1, a date year first."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime() if not (value.hour or value.minute or value.second):
            return value.date().isoformat()
        case date():
            return value.isoformat()
    return plain(str(value))


def _merged(content: bytes, part: str) -> tuple[Merged, ...]:
    """The merged cells of one part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as box:
        text = box.read(part.lstrip("/")).decode("utf-8", "replace")
    found = []
    for name in islice(re.findall(r'<mergeCell\s[^>]*?ref="([A-Z0-9:]+)"', text), MOST_MERGED):
        left, top, right, bottom = map(int, range_boundaries(name))
        found.append(Merged(name, range(left - 1, right), range(top, bottom + 1)))
    return tuple(found)
