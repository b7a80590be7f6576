"""`/v1/worklists/{carrier}` over HTTP: its forms, and what each of them gives away."""

import csv
import re
from io import StringIO
from typing import Any

import httpx
import pytest

from engagement.api.worklists import FORMULA, harmless, wished
from support.running import Caller, Program

TITLE = "=HYPERLINK(0) & <b>calls</b>"
CALL = {
    "kind": "nudge",
    "id": "call",
    "title": TITLE,
    "barrier": "motivation",
    "minutes": 25,
    "content": [
        {"language": "en", "text": "Ask seat {seat} about {goal}."},
        {"language": "hi", "text": "सीट {seat} से {goal} के बारे में पूछिए।"},
    ],
}
STRATEGY = {
    "id": "calls",
    "title": "Calls",
    "actions": ["call"],
    "fallback": {"name": "f", "actions": ["call"]},
}
NO_CHANCE = {"consent": {"chance": False, "health_worker": True}}


@pytest.fixture
def staff(program: Program) -> Caller:
    """Staff of a program in which the advisers have three members to call, two of them in the north."""
    caller = program.caller("admin")
    caller.put("/v1/actions/call", CALL).raise_for_status()
    caller.put("/v1/strategies/calls", STRATEGY).raise_for_status()
    for name in ("ben", "cat", "eva"):
        caller.put(f"/v1/members/{name}", {"id": name} | NO_CHANCE).raise_for_status()
        told = caller.post("/v1/recommendations", {"member": name, "strategy": "calls"}).json()
        assert told["action"]["id"] == "call", told
    return caller


def listed(caller: Caller, carrier: str, **wanted: Any) -> httpx.Response:
    answer = caller.get(f"/v1/worklists/{carrier}", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    """The lines of a table by the names of its columns."""
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))


def test_a_list_is_what_waits_for_its_carrier(staff: Caller) -> None:
    found = listed(staff, "ana").json()
    assert (found["carrier"], found["of"], found["audience"]) == ("adviser", "ana", "adviser")
    found_for = {(one["member"], one["seat"], one["minutes"]) for one in found["tasks"]}
    assert found_for == {("ben", 2, 25), ("cat", 3, 25)}
    assert (found["minutes"], found["capacity_minutes"], found["period"]) == (50, 60, "month")


def test_what_is_answered_on_the_interface_shows_on_the_list(staff: Caller) -> None:
    [task] = listed(staff, "dev").json()["tasks"]
    said = [{"decision_id": task["decision_id"], "status": "declined", "reason": "no_time"}]
    staff.post("/v1/answers", {"answers": said}).raise_for_status()
    found = listed(staff, "dev").json()
    assert found["tasks"] == []
    assert [(one["status"], one["reason"]) for one in found["answered"]] == [("declined", "no_time")]


@pytest.mark.parametrize(
    ("carrier", "status"), [("nobody", 404), ("ben", 404), ("a b", 400), ("x" * 65, 400)]
)
def test_a_list_that_nobody_has_is_a_problem(staff: Caller, carrier: str, status: int) -> None:
    answer = staff.get(f"/v1/worklists/{carrier}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_list_of_one_program_is_no_list_of_another(staff: Caller, other: Program) -> None:
    assert len(listed(staff, "adviser").json()["tasks"]) == 3
    assert listed(other.caller("read"), "adviser").json()["tasks"] == []


# --- forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "wanted", "media_type"),
    [
        ("", {}, "application/json"),
        ("*/*", {}, "application/json"),
        ("text/csv", {}, "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", {}, "text/html; charset=utf-8"),
        ("text/plain", {}, "text/plain; charset=utf-8"),
        ("text/html", {"format": "json"}, "application/json"),
        ("text/html", {"format": "csv"}, "text/csv; charset=utf-8"),
    ],
)
def test_the_form_is_what_was_asked_for(
    staff: Caller, accept: str, wanted: dict[str, str], media_type: str
) -> None:
    answer = staff.get("/v1/worklists/ana", params=wanted, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/csv;q=0.5, text/html;q=0.9", "html"),
        ("text/csv, text/html", "csv"),
        ("TEXT/CSV", "csv"),
        ("image/png", "json"),
        ("text/csv;q=0", "json"),
        ("text/csv;q=much, text/plain;q=0.1", "text"),
    ],
)
def test_what_is_liked_best_is_given(accept: str, form: str) -> None:
    assert wished(accept) == form


def test_a_form_that_there_is_not_is_refused_by_name(staff: Caller) -> None:
    answer = staff.get("/v1/worklists/ana?format=pdf")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "format"


def test_the_table_holds_every_task_and_no_formula(staff: Caller) -> None:
    answer = listed(staff, "ana", format="csv")
    assert answer.content.startswith("\ufeff".encode())
    found = rows(answer)
    assert {row["seat"] for row in found} == {"2", "3"}
    assert {row["what"] for row in found} == {f"'{TITLE}"}
    assert {row["words"] for row in found} == {"Ask seat 2 about ….", "Ask seat 3 about …."}
    assert not [cell for row in found for cell in row.values() if cell.startswith(FORMULA)]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_carry_out_becomes_words(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless("a=1") == "a=1"


def test_words_for_a_chat_are_plain_and_say_how_much_time_it_takes(staff: Caller) -> None:
    text = listed(staff, "ana", format="text").text
    assert "To do: 2, in 50 minutes." in text
    assert TITLE in text  # not escaped: it is no page
    assert re.search(r"^1\. Seat [23], group north: ", text, re.MULTILINE)
    assert "\n\n\n" not in text


def test_the_page_to_print_stands_alone_and_escapes_what_it_shows(staff: Caller) -> None:
    text = listed(staff, "ana", format="html").text
    assert "&lt;b&gt;calls&lt;/b&gt;" in text
    assert "<style>" in text
    assert not re.search(r"rel=.stylesheet|<script|<form|src=|href=.http", text)


def test_words_are_in_the_language_that_was_asked_for(staff: Caller) -> None:
    text = listed(staff, "ana", format="text", language="hi").text
    assert "सीट 2 से … के बारे में पूछिए।" in text
    assert "2 काम, 50 मिनट" in text
    [first, _] = listed(staff, "ana", language="hi").json()["tasks"]
    assert first["action"]["language"] == "hi"


@pytest.mark.parametrize("form", ["json", "csv", "html", "text"])
def test_no_form_tells_an_adviser_what_is_not_for_neighbours(staff: Caller, form: str) -> None:
    checked = {"barriers": {"motivation": "yes"}, "barriers_checked_on": "2026-01-01"}
    staff.put("/v1/members/ben", {"id": "ben"} | NO_CHANCE | checked).raise_for_status()
    for carrier in ("ana", "adviser"):
        assert "motivation" not in listed(staff, carrier, format=form).text


def test_on_a_shared_phone_the_words_say_nothing_of_a_member_and_the_paper_does(staff: Caller) -> None:
    staff.put("/v1/members/ana", {"id": "ana", "phone": "shared"}).raise_for_status()
    text = listed(staff, "ana", format="text").text
    assert "2 more are about one person each" in text
    assert "Seat" not in text
    assert "ben" not in text
    assert "Seat 2" in listed(staff, "ana", format="html").text
    assert listed(staff, "ana").json()["shared_phone"] is True


def test_a_list_comes_in_parts(staff: Caller) -> None:
    first = listed(staff, "adviser", limit=2).json()
    rest = listed(staff, "adviser", limit=2, after=first["next"]).json()
    ids = [one["decision_id"] for one in (*first["tasks"], *rest["tasks"])]
    assert (len(set(ids)), rest["next"]) == (3, None)


# --- languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "group", "given"),
    [
        ("hi", "te", "hi"),  # the member's own goes first
        ("te", "hi", "hi"),  # then the group's
        ("te", None, "en"),  # then the program's
        (None, None, "en"),
    ],
)
def test_words_are_in_the_first_language_in_which_they_are_written(
    staff: Caller, member: str | None, group: str | None, given: str
) -> None:
    staff.put("/v1/groups/south", {"id": "south", "site": "site-1", "language": group}).raise_for_status()
    staff.put("/v1/members/dev", {"id": "dev", "language": member} | NO_CHANCE).raise_for_status()
    told = staff.post("/v1/recommendations", {"member": "dev", "strategy": "calls"}).json()
    assert (told["action"]["id"], told["action"]["language"]) == ("call", given)


def test_what_is_written_in_none_of_the_languages_is_not_offered_and_the_answer_says_why(
    staff: Caller,
) -> None:
    only_hindi = CALL | {"content": CALL["content"][1:]}  # type: ignore[index]  # a list
    staff.put("/v1/actions/call", only_hindi).raise_for_status()
    told = staff.post("/v1/recommendations", {"member": "dev", "strategy": "calls"}).json()
    assert told["action"]["id"] == "none"
    assert [(row["action"], row["reason"]) for row in told["unavailable"]] == [("call", "no_content")]
