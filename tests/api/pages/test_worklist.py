"""The page of a work list: what it shows to whom, and what its buttons do."""

import re
from typing import Any

import httpx
import pytest

from engagement.api.pages.page import LANGUAGES, words_of
from support.running import Caller, Program

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
CALL = {"kind": "nudge", "id": "call", "title": "<i>Call</i>", "barrier": "motivation", "minutes": 25}
CALL |= {"content": [{"language": "en", "text": "Ask seat {seat}."}]}
JOIN = {"kind": "chw_linkage", "id": "join", "title": "Come along", "carrier": "health_worker"}
PRIZE = {"kind": "incentive", "id": "prize", "title": "A prize", "level": "member", "individual": True}
PRIZE |= {"cost_minor": 5, "payer": "program", "earned_by": ["attendance"]}


def strategy(action: str) -> dict[str, Any]:
    return {
        "id": action,
        "title": action,
        "actions": [action],
        "fallback": {"name": "f", "actions": [action]},
    }


@pytest.fixture
def staff(program: Program) -> Caller:
    """Staff of a program in which members get exactly what a strategy of the same name gives."""
    caller = program.caller("admin")
    for action in (CALL, JOIN, PRIZE):
        caller.put(f"/v1/actions/{action['id']}", action).raise_for_status()
        caller.put(f"/v1/strategies/{action['id']}", strategy(str(action["id"]))).raise_for_status()
    consent = {"consent": {"chance": False, "health_worker": True}}
    for name in ("ben", "cat", "eva"):
        caller.put(f"/v1/members/{name}", {"id": name} | consent).raise_for_status()
    return caller


def give(staff: Caller, member: str, what: str = "call") -> str:
    """The id of a decision for a member."""
    told = staff.post("/v1/recommendations", {"member": member, "strategy": what}).json()
    assert told["action"]["id"] == what, told
    return str(told["decision_id"])


def link(staff: Caller, of: str, **fields: Any) -> str:
    body = {"opens": "worklist", "of": of, "audience": "adviser"} | fields
    return str(staff.post("/v1/links", body).raise_for_status().json()["path"])


def stranger(staff: Caller) -> Caller:
    return Caller(staff.client, None)


def send(staff: Caller, path: str, **fields: str) -> httpx.Response:
    """Presses a button, as a browser sends it."""
    return stranger(staff).call("POST", path, data=fields, headers=FORM)


def status(staff: Caller, decision: str) -> str:
    return str(staff.get(f"/v1/decisions/{decision}").json()["status"])


def test_the_page_has_buttons_for_every_answer_to_every_thing(staff: Caller) -> None:
    decisions = [give(staff, "ben"), give(staff, "cat")]
    text = stranger(staff).get(link(staff, "ana")).text
    for decision in decisions:
        assert text.count(f'name="decision_id" value="{decision}"') == 2
    for answer in ("done", "accepted", "not_done", "declined", "replaced"):
        assert text.count(f'name="status" value="{answer}"') == 2
    assert "&lt;i&gt;Call&lt;/i&gt;" in text
    assert "Ask seat 2." in text


@pytest.mark.parametrize("answer", ["done", "accepted", "not_done", "declined", "replaced"])
def test_a_button_stores_its_answer_once_and_leads_back_to_where_one_was(staff: Caller, answer: str) -> None:
    decision, path = give(staff, "ben"), link(staff, "ana")
    for _ in range(2):
        sent = send(staff, path, decision_id=decision, status=answer, reason="")
        assert sent.status_code == 303
        assert sent.headers["location"] == f"{path.removeprefix('/l/')}#d-{decision}"
    assert status(staff, decision) == answer
    assert len(staff.get(f"/v1/decisions/{decision}").json()["steps"]) == 1
    page = stranger(staff).get(path).text
    assert words_of("en")["worklist"]["said"][answer] in page
    assert f'id="d-{decision}"' in page


def test_an_answer_keeps_its_reason_and_the_language_of_the_page(staff: Caller) -> None:
    decision, path = give(staff, "ben"), link(staff, "ana")
    sent = send(staff, f"{path}?lang=te", decision_id=decision, status="declined", reason="no_time")
    assert "?lang=te#" in sent.headers["location"]
    step = staff.get(f"/v1/decisions/{decision}").json()["steps"][0]
    assert (step["status"], step["reason"]) == ("declined", "no_time")


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_answer_than_the_first_is_refused_kindly_in_the_page_s_language(
    staff: Caller, language: str
) -> None:
    decision, path = give(staff, "ben"), link(staff, "ana")
    send(staff, path, decision_id=decision, status="declined")
    sent = send(staff, f"{path}?lang={language}", decision_id=decision, status="done")
    assert sent.status_code == 409
    assert words_of(language)["worklist"]["trouble"]["already"] in sent.text
    assert status(staff, decision) == "declined"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "done"},
        {"decision_id": "nonsense", "status": "done"},
        {"status": "perhaps"},
        {"status": "proposed"},
        {"status": "done", "reason": "because"},
        {"status": "done", "more": "x"},
        {"status": "done", "occurred_at": "2999-01-01T00:00:00Z"},
    ],
)
def test_what_no_button_sends_is_refused_and_changes_nothing(staff: Caller, fields: dict[str, str]) -> None:
    decision, path = give(staff, "ben"), link(staff, "ana")
    whole = (
        fields
        if "decision_id" in fields or fields == {"status": "done"}
        else {"decision_id": decision} | fields
    )
    sent = send(staff, path, **whole)
    assert sent.status_code == 409
    assert words_of("en")["worklist"]["trouble"]["not_understood"] in sent.text
    assert status(staff, decision) == "proposed"


def test_a_link_answers_nothing_that_is_not_on_its_list(staff: Caller, other: Program) -> None:
    south, joined = give(staff, "eva"), give(staff, "ben", "join")
    unknown = "01900000-0000-7000-8000-000000000000"
    for decision in (south, joined, unknown):
        sent = send(staff, link(staff, "ana"), decision_id=decision, status="done")
        assert (sent.status_code, words_of("en")["worklist"]["trouble"]["not_here"] in sent.text) == (
            409,
            True,
        )
    assert {status(staff, south), status(staff, joined)} == {"proposed"}
    foreign = other.caller("admin").post("/v1/links", {"opens": "worklist", "of": "adviser"}).json()["path"]
    assert send(staff, foreign, decision_id=south, status="done").status_code == 409
    assert status(staff, south) == "proposed"


def test_a_health_worker_answers_what_falls_to_her(staff: Caller) -> None:
    for name in ("asha", "bina"):
        staff.put(f"/v1/health_workers/{name}", {"id": name}).raise_for_status()
    to = {"relation": "health_worker", "starts_on": "2026-01-01", "to": "asha"}
    staff.post("/v1/groups/north/links", to).raise_for_status()
    decision = give(staff, "ben", "join")
    path = link(staff, "bina", audience="health_worker")
    assert send(staff, path, decision_id=decision, status="done").status_code == 409
    path = link(staff, "asha", audience="health_worker")
    assert send(staff, path, decision_id=decision, status="done").status_code == 303
    assert status(staff, decision) == "done"


def test_a_prize_that_nobody_has_seen_earned_is_refused_with_the_reason(staff: Caller) -> None:
    decision, path = give(staff, "ben", "prize"), link(staff, "ana")
    sent = send(staff, path, decision_id=decision, status="done")
    assert (sent.status_code, words_of("en")["worklist"]["trouble"]["not_earned"] in sent.text) == (409, True)


def test_the_page_shows_a_neighbour_nothing_that_is_not_for_her(staff: Caller) -> None:
    checked = {"barriers": {"motivation": "yes"}, "barriers_checked_on": "2026-01-01"}
    staff.put("/v1/members/cat", {"id": "cat"} | checked).raise_for_status()
    give(staff, "ben")
    for of in ("ana", "adviser"):
        assert "motivation" not in stranger(staff).get(link(staff, of, audience="staff")).text


def test_a_shared_phone_is_told_how_many_things_wait_and_of_whom_not_at_all(staff: Caller) -> None:
    decision = give(staff, "ben")
    staff.put("/v1/members/ana", {"id": "ana", "phone": "shared"}).raise_for_status()
    text = stranger(staff).get(link(staff, "ana")).text
    assert words_of("en")["worklist"]["withheld"].format(things=1) in text
    assert decision not in text
    assert not re.search(r"[Ss]eat 2|ben", text)


def test_a_link_to_somebody_who_leads_no_group_any_more_has_kind_words(staff: Caller) -> None:
    path = link(staff, "ana")
    left = {"member": "ana", "starts_on": "2026-01-02", "reason": "left"}
    staff.post("/v1/members/ana/memberships", left).raise_for_status()
    answer = stranger(staff).get(path)
    assert (answer.status_code, words_of("hi")["common"]["trouble"]["ended"] in answer.text) == (410, True)
