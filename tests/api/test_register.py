"""Importing the register of a group's meetings."""

from datetime import date, timedelta

import pytest

from support.running import Program, running

PATH = "/v1/register"
CSV = {"Content-Type": "text/csv"}


def test_a_register_is_imported_line_by_line(program: Program) -> None:
    caller = program.caller("signals")
    text = "group,date,seat,came,name\nnorth,2026-03-01,2,yes,Ben\nnorth,2026-03-01,99,yes,Zoe\n"
    answer = caller.call("POST", PATH, content=text, headers=CSV)
    assert answer.status_code == 200
    report = answer.json()
    assert report.pop("refused") == [
        {
            "line": 3,
            "column": "seat",
            "problem": "`north` has no seat 99; it has 1, 2, 3",
            "cell": "C3",
        }
    ]
    assert report == {
        "layout": "seat",
        "lines": 2,
        "stored": 1,
        "unchanged": 0,
        "signals": 2,
        "corrected": 0,
        "ignored_columns": ["name"],
        "to_fix": "Fix this cell and send the sheet again: C3",
    }


def test_a_register_that_takes_several_commits_is_told_of_as_one(program: Program) -> None:
    caller = program.caller("signals")
    # north has seats 1 to 3: with the meeting 4 reports a line, 100 lines make 400, more than one commit
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(100)]
    text = "\n".join(["group,date,held,came", *(f"north,{day},yes,2 3" for day in days)])
    first, again = (caller.call("POST", PATH, content=text, headers=CSV).json() for _ in range(2))
    assert (first["lines"], first["stored"], first["signals"]) == (100, 100, 400)
    assert (again["lines"], again["unchanged"], again["signals"]) == (100, 100, 0)


@pytest.mark.parametrize(
    "content",
    [b"", b"who,where\n", b"group,date,held\n\xff", b"g" * 200_000],
    ids=["empty", "other columns", "no UTF-8", "one long cell"],
)
def test_a_register_that_cannot_be_read_is_a_problem(program: Program, content: bytes) -> None:
    answer = program.caller("signals").call("POST", PATH, content=content, headers=CSV)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_a_register_that_cannot_be_stored_now_is_told_to_come_again(database_url: str) -> None:
    with running(database_url) as service:
        caller = service.program().caller("signals")
        service.service.desk.lanes["record"].stop()
        text = "group,date,held\nnorth,2026-03-01,yes\n"
        answer = caller.call("POST", PATH, content=text, headers=CSV)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
