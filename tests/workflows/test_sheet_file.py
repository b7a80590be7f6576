"""Files as spreadsheets write them, read as the same sheet."""

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook

from engagement.errors import Invalid, TooLarge
from engagement.workflows.sheet import NO_WORDS, YES_WORDS, FlawError, day, plain, yes_no
from engagement.workflows.sheet_file import MOST_UNPACKED, opened

TEXT = "group,member,seat\nnorth,ana,1\nnorth,ben,2\n"
NAMES = ("group", "member", "seat")
CELLS = [("north", "ana", "1"), ("north", "ben", "2")]


def read(content):
    sheet = opened(content)
    return sheet.names, [row.cells[: len(sheet.names)] for row in sheet.rows]


def workbook(*rows, fill=None):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    if fill is not None:
        fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def packed(**parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in parts.items():
            box.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return out.getvalue()


# --- text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_whatever_a_spreadsheet_writes_is_the_same_sheet(encoding, separator, ending):
    text = TEXT.replace(",", separator).replace("\n", ending)
    assert read(text.encode(encoding)) == (NAMES, CELLS)


def test_utf_16_with_the_byte_order_mark_of_either_end_is_read():
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert read(mark + TEXT.encode(encoding)) == (NAMES, CELLS)


def test_a_first_line_that_tells_the_separator_is_understood():
    sheet = opened("sep=;\r\n" + TEXT.replace(",", ";"))
    assert (sheet.names, [(row.line, row.place) for row in sheet.rows]) == (NAMES, [(3, 2), (4, 3)])


def test_a_comma_within_a_cell_does_not_separate_where_semicolons_do():
    assert read("group;member;seat\nnorth;a,b;1\n") == (NAMES, [("north", "a,b", "1")])


def test_empty_rows_and_columns_at_the_end_are_nothing():
    assert read("group,member,seat,,\nnorth,ana,1,,\n,,,,\nnorth,ben,2,,\n,,,,\n\n") == (NAMES, CELLS)


def test_a_title_and_empty_rows_above_the_columns_are_passed_over():
    sheet = opened("Roster of the north,,\n,,\n" + TEXT)
    assert (sheet.names, sheet.head, [row.place for row in sheet.rows]) == (NAMES, 3, [4, 5])


def test_a_cell_of_two_lines_moves_the_line_but_not_the_row():
    sheet = opened('group,member,seat\n"no\nrth",ana,1\nnorth,ben,2\n')
    assert [(row.line, row.place) for row in sheet.rows] == [(3, 2), (4, 3)]


def test_bytes_in_another_encoding_are_refused_with_a_way_out():
    with pytest.raises(Invalid, match="CSV UTF-8"):
        opened("group,member,seat\nnörth,ana,1\n".encode("cp1252"))


# --- workbooks ----------------------------------------------------------------------------------------


def test_a_workbook_is_the_same_sheet_as_its_text():
    content = workbook(NAMES, ("north", "ana", 1), ("north", "ben", 2.0))
    assert read(content) == (NAMES, CELLS)


def test_dates_are_dates_however_they_are_shown_and_ids_lose_the_point_that_excel_gave_them():
    def shown(book):
        book.active["B2"].number_format = "dd-mm-yyyy"

    content = workbook(
        ("group", "date", "n"), (7.0, date(2026, 3, 31), True), (0.5, datetime(2026, 4, 1), False), fill=shown
    )
    assert read(content)[1] == [("7", "2026-03-31", "yes"), ("0.5", "2026-04-01", "no")]


def test_a_title_above_in_merged_cells_is_passed_over():
    def merge(book):
        book.active.merge_cells("A1:C1")

    sheet = opened(workbook(("Roster",), (), NAMES, ("north", "ana", 1), fill=merge))
    assert (sheet.names, sheet.head, sheet.rows[0].place) == (NAMES, 3, 4)
    assert sheet.merged_at(1, 2).name == "A1:C1"
    assert sheet.merged_at(2, 2) is None


def test_the_first_sheet_that_is_shown_is_read():
    def hide(book):
        book.active.sheet_state = "hidden"
        for row in (NAMES, *CELLS):
            book.create_sheet("shown") if len(book.worksheets) == 1 else None
            book["shown"].append(row)

    assert read(workbook(("other",), fill=hide)) == (NAMES, CELLS)


def test_cells_far_out_and_below_are_found_or_left_but_never_waited_for():
    def far(book):
        book.active["A1048576"] = "north"
        book.active["XFD2"] = "lost"

    sheet = opened(workbook(NAMES, ("north", "ana", 1), fill=far))
    assert [(row.place, row.cells) for row in sheet.rows] == [
        (2, ("north", "ana", "1")),
        (1048576, ("north",)),
    ]


def test_a_workbook_that_unpacks_to_too_much_is_refused_unread():
    bomb = packed(xl__workbook_xml="<x/>", xl__sheet_xml=b" " * (MOST_UNPACKED + 1))
    assert len(bomb) < 20_000
    with pytest.raises(TooLarge, match="16 MiB"):
        opened(bomb)


def test_a_workbook_of_very_many_parts_is_refused():
    with pytest.raises(TooLarge):
        opened(packed(xl__workbook_xml="<x/>", **{f"part{n}": "" for n in range(500)}))


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
AS_EXCEL_WRITES = {
    "[Content_Types].xml": f'''<Types xmlns="{PACKAGE}/content-types">
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
        <Default Extension="xml" ContentType="application/xml"/>
        <Override PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/>
        <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KIND}.worksheet+xml"/>
        <Override PartName="/xl/styles.xml" ContentType="{KIND}.styles+xml"/>
        <Override PartName="/xl/sharedStrings.xml" ContentType="{KIND}.sharedStrings+xml"/></Types>''',
    "_rels/.rels": f'''<Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="rId1" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>
        </Relationships>''',
    "xl/workbook.xml": f'''<workbook xmlns="{SHEET}" xmlns:r="{RELATION}"><sheets>
        <sheet name="Roster" sheetId="1" r:id="rId1"/></sheets></workbook>''',
    "xl/_rels/workbook.xml.rels": f'''<Relationships xmlns="{PACKAGE}/relationships">
        <Relationship Id="rId1" Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/>
        <Relationship Id="rId2" Type="{RELATION}/styles" Target="styles.xml"/>
        <Relationship Id="rId3" Type="{RELATION}/sharedStrings" Target="sharedStrings.xml"/>
        </Relationships>''',
    "xl/styles.xml": f'''<styleSheet xmlns="{SHEET}">
        <fonts count="1"><font/></fonts>
        <fills count="1"><fill><patternFill patternType="none"/></fill></fills>
        <borders count="1"><border/></borders>
        <cellStyleXfs count="1"><xf/></cellStyleXfs>
        <cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="9"/></cellXfs></styleSheet>''',
    "xl/sharedStrings.xml": f'''<sst xmlns="{SHEET}" count="4" uniqueCount="4">
        <si><t>group</t></si><si><t>date</t></si><si><t>came</t></si>
        <si><r><t>no</t></r><r><rPr><b/></rPr><t>rth</t></r></si></sst>''',
    "xl/worksheets/sheet1.xml": f'''<worksheet xmlns="{SHEET}"><dimension ref="A1"/><sheetData>
        <row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>
        <row r="2"><c r="A2" t="s"><v>3</v></c><c r="B2" s="1"><v>46112</v></c>
          <c r="C2" s="2"><v>1</v></c></row>
        <row r="4"><c r="A4" t="inlineStr"><is><t>north</t></is></c>
          <c r="B4" t="str"><f>"31-03"&amp;"-2026"</f><v>31-03-2026</v></c><c r="C4" t="b"><v>0</v></c></row>
        <row r="5"><c r="A5" t="e"><v>#REF!</v></c></row><row r="6" spans="1:3"/>
        <row r="7"><c r="C7" s="1"/></row>
        </sheetData><mergeCells count="1"><mergeCell ref="A4:A5"/></mergeCells>
        <extLst><ext uri="{{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}}"/></extLst></worksheet>''',
}
"""Parts of a workbook as Excel writes them: shared text in runs, a date and a share by their format, a
formula with its last value, a size that is not so, an extension. 46112 is 31 March 2026."""


def test_a_workbook_as_excel_writes_it_is_read_as_excel_shows_it():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in AS_EXCEL_WRITES.items():
            box.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{content}')
    sheet = opened(out.getvalue())
    assert sheet.names == ("group", "date", "came")
    assert [(row.place, row.cells) for row in sheet.rows] == [
        (2, ("north", "2026-03-31", "1")),
        (4, ("north", "31-03-2026", "no")),
        (5, ("#REF!",)),
    ]
    assert sheet.merged_at(5, 0).name == "A4:A5"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_workbook_that_defines_entities_is_refused(encoding):
    laughs = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(Invalid, match="DOCTYPE"):
        opened(packed(xl__workbook_xml=laughs.encode(encoding)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "password"),
        (b"PK\x03\x04 and nothing", "damaged"),
        (packed(content_xml="<x/>"), "no workbook"),
        (packed(xl__workbook_xml="<x/>"), "save it again"),
        (packed(xl__workbook_xml="<workbook"), "save it again"),
        (workbook(NAMES)[:-300], "damaged"),
    ],
    ids=["old", "damaged", "document", "empty", "malformed", "cut"],
)
def test_what_is_no_workbook_is_refused_with_a_way_out(content, words):
    with pytest.raises(Invalid, match=words):
        opened(content)


# --- cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("  ana ", "ana"),
        ("१४/०२/२०२६", "14/02/2026"),
        ("౧౪-౦౨-౨౦౨౬", "14-02-2026"),
        ("\u200bana\ufeff", "ana"),
        ("\xa0ana\xa0", "ana"),
        ("'=1+1", "=1+1"),
        ("'-3", "-3"),
        ("'tis", "'tis"),
    ],
)
def test_what_nobody_sees_in_a_cell_does_not_matter(typed, understood):
    assert plain(typed) == understood


@pytest.mark.parametrize(
    ("words", "answer"),
    [(YES_WORDS, True), (NO_WORDS, False)],
)
def test_yes_and_no_are_understood_in_three_languages(words, answer):
    assert {yes_no({"x": plain(word).upper()}, "x") for word in words} == {answer}


@pytest.mark.parametrize(
    ("typed", "order", "understood"),
    [
        ("2026-03-31", "month_first", "2026-03-31"),
        ("2026-3-1", "day_first", "2026-03-01"),
        ("2026-03-31 00:00:00", "day_first", "2026-03-31"),
        ("31-03-2026", "day_first", "2026-03-31"),
        ("31/03/2026", "day_first", "2026-03-31"),
        ("31.3.2026", "day_first", "2026-03-31"),
        ("03/04/2026", "day_first", "2026-04-03"),
        ("03/04/2026", "month_first", "2026-03-04"),
    ],
)
def test_a_date_is_understood_as_the_program_writes_it(typed, order, understood):
    assert day({"on": typed}, "on", order).isoformat() == understood


@pytest.mark.parametrize(
    ("typed", "order", "words"),
    [
        ("31/03/2026", "month_first", "03/31/2026 with the month first"),
        ("03/31/2026", "day_first", "31/03/2026 with the day first"),
        ("31/03-2026", "day_first", "is not a day"),
        ("31-03-26", "day_first", "is not a day"),
        ("46112", "day_first", "is not a day"),
        ("2026-02-30", "day_first", "is not a day"),
    ],
)
def test_a_date_that_cannot_be_is_refused_with_how_to_write_it(typed, order, words):
    with pytest.raises(FlawError, match=words):
        day({"on": typed}, "on", order)


@pytest.mark.parametrize("way", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("at", range(40, 100, 6))
def test_a_workbook_with_damaged_bytes_is_refused_in_words(way, at):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", way) as box:
        box.writestr("xl/workbook.xml", "".join(f"<sheet n='{n * n}'/>" for n in range(200)))
    content = bytearray(out.getvalue())
    content[at : at + 8] = b"\xff" * 8
    with pytest.raises(Invalid, match="damaged"):
        opened(bytes(content))
