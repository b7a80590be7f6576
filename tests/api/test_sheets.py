"""Sheets over HTTP: workbooks in, wrong cells marked and sent back, rosters and registers out."""

import io

import pytest
from openpyxl import Workbook, load_workbook

from engagement.api.bodies import WORKBOOK
from support.running import Program

XLSX = {"Content-Type": WORKBOOK}
MARKED = {**XLSX, "Accept": WORKBOOK}
ROSTER = "/v1/imports/roster"


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


ROWS = (
    ("group", "member", "seat", "note"),
    ("west", "w1", 1, None),
    ("west", "w2", "two", None),
    ("west", "w3", 3, "call 98765 43210"),
    ("west", "w4", 4, "'=1+1 is fine"),
)


def test_a_workbook_is_imported_and_its_wrong_cells_are_named(program: Program) -> None:
    answer = program.caller("admin").call("POST", ROSTER, content=workbook(*ROWS), headers=XLSX)
    report = answer.json()
    assert (answer.status_code, report["stored"]) == (200, 2)
    assert [(flaw["cell"], flaw["column"]) for flaw in report["refused"]] == [("C3", "seat"), ("D4", "note")]
    assert report["to_fix"] == "Fix these 2 cells and send the sheet again: C3, D4"
    assert "looks like a phone number" in report["refused"][1]["problem"]


def test_a_workbook_comes_back_with_its_wrong_cells_marked(program: Program) -> None:
    answer = program.caller("admin").call("POST", ROSTER, content=workbook(*ROWS), headers=MARKED)
    assert (answer.status_code, answer.headers["content-type"]) == (200, WORKBOOK)
    book = load_workbook(io.BytesIO(answer.content))
    sheet = book["Sheet"]
    noted = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment}
    assert noted == {"C3", "D4"}
    assert "whole number" in sheet["C3"].comment.text
    assert sheet["C3"].fill.fgColor.rgb == sheet["D4"].fill.fgColor.rgb != sheet["C2"].fill.fgColor.rgb
    assert (sheet["D5"].value, sheet["D5"].data_type) == ("=1+1 is fine", "s")
    assert [row[:2] for row in book["to fix"].iter_rows(min_row=2, values_only=True)] == [
        ("C3", "seat"),
        ("D4", "note"),
    ]


def test_the_marked_sheet_once_mended_is_imported_whole(program: Program) -> None:
    caller = program.caller("admin")
    answer = caller.call("POST", ROSTER, content=workbook(*ROWS), headers=MARKED)
    book = load_workbook(io.BytesIO(answer.content))
    book["Sheet"]["C3"], book["Sheet"]["D4"] = "2", None
    out = io.BytesIO()
    book.save(out)
    report = caller.call("POST", ROSTER, content=out.getvalue(), headers=XLSX).json()
    assert (report["stored"], report["unchanged"], report["refused"]) == (2, 2, [])


def test_a_register_may_be_a_workbook_and_comes_back_marked_too(program: Program) -> None:
    rows = (("group", "date", "held", "came"), ("north", "2026-03-01", "yes", "2 99"))
    caller = program.caller("signals")
    report = caller.call("POST", "/v1/register", content=workbook(*rows), headers=XLSX).json()
    assert (report["stored"], report["refused"][0]["cell"]) == (1, "D2")
    answer = caller.call("POST", "/v1/register", content=workbook(*rows), headers=MARKED)
    assert "has no seat 99" in load_workbook(io.BytesIO(answer.content))["Sheet"]["D2"].comment.text


def test_a_sheet_in_utf_16_with_tabs_is_imported(program: Program) -> None:
    content = "group\tmember\tseat\nwest\tw1\t१\n".encode("utf-16")
    report = program.caller("admin").call("POST", ROSTER, content=content).json()
    assert (report["stored"], report["refused"]) == (1, [])


def test_a_workbook_that_is_none_is_a_problem(program: Program) -> None:
    answer = program.caller("admin").call("POST", ROSTER, content=b"PK\x03\x04", headers=XLSX)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("name", ["roster.xlsx", "roster.csv", "register.xlsx", "register.csv"])
def test_a_download_sent_back_changes_nothing(program: Program, name: str) -> None:
    caller = program.caller("admin")
    answer = caller.get(f"/v1/exports/{name}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    kind = answer.headers["content-type"].partition(";")[0]
    back = ROSTER if name.startswith("roster") else "/v1/register"
    report = caller.call("POST", back, content=answer.content, headers={"Content-Type": kind}).json()
    assert (report["lines"], report["unchanged"], report["refused"]) == (5, 5, [])


def test_a_roster_is_not_for_neighbours_and_a_register_is(program: Program) -> None:
    for audience, seen in (("group", 403), ("adviser", 403), ("health_worker", 200), ("research", 200)):
        reader = program.caller("read", audience=audience)  # type: ignore[arg-type]  # one of the five
        assert reader.get("/v1/exports/roster.csv").status_code == seen
        register = reader.get("/v1/exports/register.csv", params={"group": "north"})
        assert register.status_code == 200
        assert "ben" not in register.text


@pytest.mark.parametrize(
    "query", [{"month": "March"}, {"month": "2026-13"}, {"layout": "wide"}, {"site": "a b"}, {"group": "?"}]
)
def test_a_wish_that_cannot_be_is_a_problem_that_names_it(program: Program, query: dict[str, str]) -> None:
    answer = program.caller("read").get("/v1/exports/register.xlsx", params=query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, next(iter(query)))


def test_a_register_of_a_month_is_of_that_month(program: Program) -> None:
    answer = program.caller("read").get(
        "/v1/exports/register.csv", params={"month": "2027-02", "layout": "meeting"}
    )
    assert [line.split(",")[:2] for line in answer.text.splitlines()[1:]] == [
        ["north", "2027-02-28"],
        ["south", "2027-02-28"],
    ]
