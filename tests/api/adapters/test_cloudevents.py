"""Signals as CloudEvents, made by the official SDK, to the running service."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent

from support.running import Program

WHEN = "2026-02-14T10:00:00+05:30"
BATCH = "application/cloudevents-batch+json"


def event(id_: str = "e1", data: Any = None, **more: Any) -> CloudEvent:
    """An attendance of ben, unless something else is said."""
    attributes = {"source": "register", "id": id_, "type": "attendance", "time": WHEN} | more
    return CloudEvent(attributes, {"member": "ben", "value": 1} if data is None else data)


def sent(program: Program, event_: CloudEvent, how: Any = to_structured) -> httpx.Response:
    headers, body = how(event_)
    return program.caller("signals").call("POST", "/v1/events", headers=headers, content=body)


@pytest.fixture(params=[to_structured, to_binary], ids=["structured", "binary"])
def how(request: pytest.FixtureRequest) -> Any:
    return request.param


def seen(program: Program, member: str = "ben") -> str:
    return program.caller("read", audience="staff").get(f"/v1/members/{member}/engagement").text


def test_an_event_is_stored_once_however_often_and_however_it_comes(program: Program) -> None:
    told = [sent(program, event(), way).json() for way in (to_structured, to_binary, to_structured)]
    assert [row["status"] for row in told] == ["stored", "repeated", "repeated"]
    assert (told[0]["source"], told[0]["id"]) == ("register", "e1")


def test_it_is_the_same_report_as_one_to_the_signals(program: Program, how: Any) -> None:
    report = {"source": "register", "id": "e1", "kind": "attendance", "member": "ben", "occurred_at": WHEN}
    caller = program.caller("signals")
    assert sent(program, event(), how).json()["status"] == "stored"
    [result] = caller.post("/v1/signals", {"signals": [report]}).json()["results"]
    assert result["receipt"]["status"] == "repeated"


def test_a_type_may_have_a_prefix_and_a_subject_may_say_who(program: Program, how: Any) -> None:
    plain = event(type="org.example.program.attendance", subject="member/ben", data={})
    assert sent(program, plain, how).json()["status"] == "stored"
    held = event("e2", {"value": 1}, type="meeting_held", subject="group/north")
    assert sent(program, held, how).json()["status"] == "stored"
    assert sent(program, event("e2"), how).status_code == 409


def test_an_address_as_source_and_any_id_name_the_report_as_well(program: Program, how: Any) -> None:
    strange = event("a b/c" * 40, source="https://example.org/registers/7?site=north")
    told = sent(program, strange, how).json()
    assert told["status"] == "stored"
    assert told["source"].startswith("ce-")
    assert sent(program, strange, how).json() == told | {"status": "repeated"}
    again = event("new", {"member": "ben", "value": 0, "corrects": "a b/c" * 40}, source=strange["source"])
    assert sent(program, again, how).json()["status"] == "stored"
    elsewhere = event("a b/c" * 40, source="https://example.org/registers/8")
    assert sent(program, elsewhere, how).json()["status"] == "stored"


@pytest.mark.parametrize(
    ("change", "data", "words"),
    [
        ({"type": "org.example.party"}, None, "party"),
        ({}, {"member": "ben", "value": 9}, "attendance"),
        ({}, {"membre": "ben"}, "data.membre"),
        ({}, {"member": "ben", "value": "x y"}, "data.value"),
        ({"subject": "ben"}, {"value": 1}, "subject"),
        ({}, {"value": 1}, "member"),
        ({}, [1], "data"),
        ({"time": "2099-01-01T00:00:00Z"}, None, "ahead"),
    ],
)
def test_what_is_wrong_with_an_event_is_said_in_a_problem(
    program: Program, how: Any, change: dict[str, str], data: Any, words: str
) -> None:
    told = sent(program, event(data=data, **change), how)
    assert (told.status_code, told.headers["content-type"]) == (400, "application/problem+json")
    assert words in told.json()["detail"]
    assert sent(program, event(), how).json()["status"] == "stored"  # nothing was kept under its name


def raw(program: Program, body: Any, media_type: str = "application/cloudevents+json") -> httpx.Response:
    headers = {"Content-Type": media_type}
    content = body if isinstance(body, bytes) else httpx.Request("POST", "http://x", json=body).content
    return program.caller("signals").call("POST", "/v1/events", headers=headers, content=content)


PLAIN = {
    "specversion": "1.0",
    "source": "register",
    "id": "e1",
    "type": "attendance",
    "time": WHEN,
    "data": {"member": "ben"},
}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b'{"data": ' + b"[" * 3000 + b"]" * 3000 + b"}", "inside of one another"),
        (PLAIN | {"specversion": "0.3"}, "specversion"),
        ({**PLAIN, "time": None}, "time"),
        ({name: value for name, value in PLAIN.items() if name != "source"}, "source"),
        (PLAIN | {"id": ""}, "id"),
        (PLAIN | {"data_base64": "eA=="}, "data"),
        (PLAIN | {"datacontenttype": "text/xml", "data": "<x/>"}, "data"),
        ([PLAIN], "the event"),
    ],
)
def test_what_is_no_event_is_said_to_be_none(program: Program, body: Any, words: str) -> None:
    told = raw(program, body)
    assert told.status_code == 400
    assert words in told.json()["detail"]


def test_extensions_and_other_attributes_are_for_others(program: Program) -> None:
    more = {"traceparent": "00-ab-cd-01", "partitionkey": "7", "dataschema": "https://example.org/s"}
    assert raw(program, PLAIN | more).json()["status"] == "stored"


def test_without_any_sign_of_an_event_it_is_told_how_to_send_one(program: Program) -> None:
    told = raw(program, {"member": "ben"}, "application/json")
    assert told.status_code == 400
    assert "cloudevents" in told.json()["detail"]


def test_a_binary_event_without_a_body_speaks_of_its_subject(program: Program) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "b", "ce-source": "register", "ce-type": "attendance"}
    headers |= {"ce-time": datetime(2026, 2, 14, tzinfo=UTC).isoformat(), "ce-subject": "member/ben"}
    told = program.caller("signals").call("POST", "/v1/events", headers=headers)
    assert told.json() == {"source": "register", "id": "b", "status": "stored"}


def test_in_a_batch_each_has_its_receipt_or_its_problem(program: Program) -> None:
    rows = [PLAIN, PLAIN | {"id": "e2", "type": "party"}, {"id": 3}, PLAIN | {"id": "e4"}, PLAIN]
    results = raw(program, rows, BATCH).json()["results"]
    assert [row.get("receipt", {}).get("status") for row in results] == [
        "stored",
        None,
        None,
        "stored",
        "repeated",
    ]
    assert [row["problem"]["status"] for row in results if "problem" in row] == [400, 400]
    assert raw(program, [], BATCH).json() == {"results": []}


def test_a_batch_has_at_most_a_thousand_events(program: Program) -> None:
    assert raw(program, [{}] * 1001, BATCH).status_code == 413


def test_a_key_needs_the_scope_of_signals(program: Program) -> None:
    headers, body = to_structured(event())
    for caller, status in ((program.caller("read"), 403), (program.running.stranger(), 401)):
        told = caller.call("POST", "/v1/events", headers=headers, content=body)
        assert told.status_code == status


def test_what_a_header_cannot_hold_comes_percent_encoded(program: Program) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "ann%C3%A9e%201", "ce-source": "register"}
    headers |= {"ce-type": "attendance", "ce-time": WHEN, "ce-subject": "member/ben"}
    told = program.caller("signals").call("POST", "/v1/events", headers=headers).json()
    assert told["status"] == "stored"
    same = raw(program, PLAIN | {"id": "année 1"}).json()
    assert same == told | {"status": "repeated"}
