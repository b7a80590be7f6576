"""What is said of cells that are wrong: where they are, why, and what to do."""

import pytest

from engagement.errors import Invalid
from engagement.workflows.roster import COLUMNS, NEEDED
from engagement.workflows.sheet import (
    MOST_LINES,
    Merged,
    Refused,
    Row,
    Sheet,
    addressed,
    header,
    must_say,
    not_read,
    pseudonym,
    read_lines,
    to_fix,
)
from engagement.workflows.sheet_file import opened
from engagement.workflows.sheet_written import marked

NAMES = ("group", "member", "seat")


def sheet(*rows: tuple[str, ...], names: tuple[str, ...] = NAMES, head: int = 1, **more: object) -> Sheet:
    placed = tuple(Row(head + n, head + n, row) for n, row in enumerate(rows, start=1))
    return Sheet(names, head, placed, **more)


def read(given: Sheet, columns: tuple[str, ...] = NAMES) -> list[Refused]:
    def line(cells: dict[str, str], _number: int) -> None:
        must_say(cells, NAMES)
        pseudonym(cells, "member")

    return read_lines(given, "a roster", columns, line).refused


def test_a_cell_is_named_as_a_spreadsheet_names_it() -> None:
    (flaw,) = read(sheet(("g", "a", "1"), ("g", "", "2"), head=3))
    assert (flaw.line, flaw.column, flaw.cell) == (5, "member", "B5")


def test_columns_beyond_the_twenty_sixth_have_two_letters() -> None:
    names = (*NAMES, *(f"x{n}" for n in range(24)))
    (flaw,) = read(sheet(("g", "a", "1", *[""] * 23, "rings on 98765 43210"), names=names))
    assert (flaw.column, flaw.cell) == ("x23", "AA2")


def test_a_cell_within_merged_cells_is_said_to_be_so() -> None:
    merged = (Merged("A2:A4", range(1), range(2, 5)),)
    first, second = read(sheet(("g", "a", "1"), ("", "b", "2"), ("", "c", "3"), merged=merged))
    assert (first.cell, second.cell) == ("A3", "A4")
    assert (
        first.problem == "`group` is empty: A2:A4 are merged into one cell; take them apart and fill in each"
    )


def test_a_cell_that_is_filled_though_merged_is_not_said_to_be_empty() -> None:
    merged = (Merged("B2:C2", range(1, 3), range(2, 3)),)
    (flaw,) = read(sheet(("g", "9876543210", ""), merged=merged))
    assert "merged" in flaw.problem  # seat is the one that is empty
    assert flaw.cell == "C2"


def test_where_no_line_names_the_columns_merged_cells_above_are_blamed() -> None:
    merged = (Merged("A1:C1", range(3), range(1, 2)),)
    with pytest.raises(Invalid, match=r"`group` is missing .* The cells A1:C1 are merged"):
        header(sheet(("g", "a", "1"), names=("roster",), merged=merged), COLUMNS, NEEDED)


def test_a_column_without_a_name_is_named_by_its_letter_where_something_stands_in_it() -> None:
    names = ("group", "", "member", "", "seat")
    assert not_read(sheet(("g", "", "a", "north", "1"), names=names), NAMES) == ("column D",)


@pytest.mark.parametrize("cell", ["9876543210", "m-9876543210", "ana@example.org", "234123412346"])
def test_an_id_by_which_somebody_could_be_found_is_refused(cell: str) -> None:
    (flaw,) = read(sheet(("g", cell, "1")))
    assert (flaw.cell, "use a pseudonym" in flaw.problem) == ("B2", True)


def test_cells_beyond_the_named_columns_are_refused_where_the_first_stands() -> None:
    (flaw,) = read(sheet(("g", "a", "1", "", "more")))
    assert (flaw.column, flaw.cell) == (None, "E2")


def test_too_many_lines_are_refused_as_a_whole() -> None:
    with pytest.raises(Invalid, match="at most 1000 lines; send it in parts"):
        read(sheet(*[("g", "a", "1")] * (MOST_LINES + 1)))


def test_flaws_found_later_get_their_cells_and_all_come_in_order() -> None:
    found = [Refused(3, "seat", "x"), Refused(2, None, "y"), Refused(2, "elsewhere", "z")]
    rows = sheet(("g", "a", "1"), ("g", "b", "1"))
    assert [(flaw.line, flaw.cell) for flaw in addressed(rows, found)] == [(2, None), (2, None), (3, "C3")]


def test_what_to_fix_is_one_sentence_and_never_long() -> None:
    assert to_fix([]) == ""
    assert to_fix([Refused(4, None, "x")]) == "Fix this cell and send the sheet again: row 4"
    twice = [Refused(2, "seat", "x", "C2"), Refused(2, "seat", "y", "C2"), Refused(3, "seat", "z", "C3")]
    assert to_fix(twice) == "Fix these 2 cells and send the sheet again: C2, C3"
    many = to_fix([Refused(n, "seat", "x", f"C{n}") for n in range(2, 500)])
    assert many.startswith("Fix these 498 cells")
    assert many.endswith("C11, …")


def test_a_marked_sheet_is_read_again_as_it_was() -> None:
    given = opened("Title,,\n\ngroup,member,seat,note\ng,a,1,'=1+1\ng,b,x,\x07bell\n")
    again = opened(marked(given, read(given, COLUMNS)))
    assert (again.names, again.head) == (given.names, given.head)
    assert [row.cells for row in again.rows] == [("g", "a", "1", "=1+1"), ("g", "b", "x", "bell")]


def test_a_line_without_a_cell_of_its_own_is_marked_at_its_beginning() -> None:
    given = opened("group,member,seat\ng,a,1\n")
    content = marked(given, [Refused(2, None, "somebody else told of this")])
    assert opened(content).rows == given.rows
