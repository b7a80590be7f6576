"""What a member agrees to holds from the very next call, whichever way it is asked for and withdrawn.

Ben is decided for without chance, so that it is known what stands open for him when he changes his mind.
"""

from collections.abc import Callable
from typing import Any

import pytest

from support.running import Caller, Program

ASK = "/v1/recommendations"
TITLE = "Canary of what needs consent"
ACTIONS: dict[str, dict[str, Any]] = {
    "messages": {"kind": "nudge"},
    "family": {"kind": "nudge", "contacts_family": True},
    "health_worker": {"kind": "chw_linkage", "carrier": "health_worker", "minutes": 10},
}
AGREED = {"messages": True, "my_signals": True, "chance": False, "health_worker": True, "family": True}
CSV = {"Content-Type": "text/csv"}
PURPOSES = sorted(ACTIONS)
FLOW = {"id": "flow-1", "kind": "stopped_messages", "member": "ben", "at": "2026-01-02T00:00:00Z"}
WAITS = {"requested", "accepted", "active"}
"""How FHIR calls what is still to be done."""


@pytest.fixture
def staff(program: Program) -> Caller:
    return program.caller("admin", "recommend", "read", "signals")


def agree(staff: Caller, **changes: bool) -> None:
    staff.put("/v1/members/ben", {"id": "ben", "consent": AGREED | changes}).raise_for_status()


def by_roster(staff: Caller, purpose: str) -> None:
    sheet = f"group,member,seat,{purpose}\nnorth,ben,2,no\n"
    staff.call("POST", "/v1/imports/roster", content=sheet, headers=CSV).raise_for_status()


def by_put(staff: Caller, purpose: str) -> None:
    agree(staff, **{purpose: False})


def by_signal(staff: Caller, _purpose: str) -> None:
    said = {"source": "app", "id": "1", "kind": "stopped_messages", "member": "ben"}
    answer = staff.post("/v1/signals", {"signals": [said | {"occurred_at": "2026-01-02T00:00:00Z"}]})
    assert answer.json()["results"][0]["receipt"]["status"] == "stored"


def by_flow(staff: Caller, _purpose: str) -> None:
    answer = staff.post("/adapters/rapidpro/signal", FLOW)
    assert answer.status_code == 200, answer.text


def offered(staff: Caller, purpose: str) -> str:
    """An action that needs this consent stands open for Ben."""
    action = {"id": "canary", "title": TITLE} | ACTIONS[purpose]
    staff.put("/v1/actions/canary", action).raise_for_status()
    strategy = {"id": "only", "title": "Only one", "actions": ["canary"], "fallback": {"actions": ["canary"]}}
    staff.put("/v1/strategies/only", strategy).raise_for_status()
    staff.put("/v1/health_workers/worker", {"id": "worker"}).raise_for_status()
    link = {"relation": "health_worker", "starts_on": "2026-01-01", "to": "worker"}
    staff.post("/v1/members/ben/links", link).raise_for_status()
    for other in ("ana", "cat"):
        staff.put(f"/v1/members/{other}", {"id": other, "consent": {"messages": False}}).raise_for_status()
    agree(staff)
    told = staff.post(ASK, {"member": "ben", "strategy": "only"}).json()
    assert told["action"]["id"] == "canary", told
    return str(told["decision_id"])


def seen(staff: Caller, of: str) -> set[str]:
    """The ways in which somebody could still be told of what was offered. of : whose work list"""
    link = staff.post("/v1/links", {"opens": "worklist", "of": of, "audience": "staff"}).json()["path"]
    ask = {"member": "ben", "strategy": "only"}
    flag = {"context": {"targetingKey": "ben", "flags": ["only"]}}
    texts = {
        "recommendation": staff.post(ASK, ask).text,
        "another decision point": staff.post(ASK, ask | {"decision_point": "later"}).text,
        "batch": staff.post(f"{ASK}/batch", {"requests": [ask]}).text,
        "everybody": staff.post(f"{ASK}/all", {"strategy": "only", "group": "north"}).text,
        "flow": staff.post("/adapters/rapidpro/recommendation", ask).text,
        "flag": staff.post("/ofrep/v1/evaluate/flags", flag).text,
        "open decisions": staff.get("/v1/decisions").text,
        "work list": staff.get(f"/v1/worklists/{of}").text,
        "work list as words": staff.get(f"/v1/worklists/{of}?format=text").text,
        "work list as CSV": staff.get(f"/v1/worklists/{of}?format=csv").text,
        "page of a link": staff.get(link).text,
        "CHT": staff.get("/adapters/cht/docs").text,
        "CommCare": staff.get("/adapters/commcare/cases").text,
        "FHIR": "".join(
            str(entry)
            for kind in ("Task", "CommunicationRequest")
            for entry in staff.get(f"/fhir/R4/{kind}").json().get("entry", ())
            if entry["resource"]["status"] in WAITS
        ),
        "SMS": staff.get("/v1/groups/north/brief?format=sms").text,
        "voice": staff.get("/v1/groups/north/brief?format=voice").text,
        "brief": staff.get("/v1/groups/north/brief").text,
    }
    return {way for way, text in texts.items() if TITLE in text or '"canary"' in text}


NEVER = {"SMS", "voice", "brief"}
"""What a group takes to its meeting tells of no single member's recommendation."""


@pytest.mark.parametrize(
    ("purpose", "withdraw"),
    [
        *((purpose, by_put) for purpose in PURPOSES),
        ("messages", by_roster),
        ("health_worker", by_roster),
        ("messages", by_signal),
        ("messages", by_flow),
    ],
)
def test_withdrawn_it_is_told_in_no_way_from_the_very_next_call(
    staff: Caller, purpose: str, withdraw: Callable[[Caller, str], None]
) -> None:
    offered(staff, purpose)
    of = "worker" if purpose == "health_worker" else "ana"
    assert len(seen(staff, of)) == 14
    assert not seen(staff, of) & NEVER
    withdraw(staff, purpose)
    assert seen(staff, of) == set()


@pytest.mark.parametrize("purpose", ["family", "health_worker"])
def test_what_stands_open_against_a_consent_is_withheld_and_nothing_new_is_stored(
    staff: Caller, program: Program, purpose: str
) -> None:
    decision = offered(staff, purpose)
    by_put(staff, purpose)
    ask = {"member": "ben", "strategy": "only"}
    told = staff.post(ASK, ask).json()
    assert (told["withheld"], told["decision_id"], told["action"]["id"]) == (
        "consent_withdrawn",
        None,
        "none",
    )
    neighbour = program.caller("recommend", audience="adviser").post(ASK, ask).json()
    assert neighbour["withheld"] == "not_now"
    assert [row["decision_id"] for row in staff.get("/v1/members/ben/decisions").json()["items"]] == [
        decision
    ]
    agree(staff)
    assert staff.post(ASK, ask).json()["decision_id"] == decision


def test_without_chance_the_next_choice_is_the_fixed_one(staff: Caller) -> None:
    agree(staff, chance=True)
    first = staff.post(ASK, {"member": "ben"}).json()
    staff.post(f"/v1/decisions/{first['decision_id']}/answers", {"status": "declined"})
    agree(staff)
    told = staff.post(ASK, {"member": "ben", "decision_point": "next"}).json()
    assert (told["randomised"], told["probability"], told["fallback"]) == (False, 1.0, "chance_declined")


def readings(program: Program) -> dict[str, str]:
    """What a key for a health worker reads of Ben, by way."""
    reader = program.caller("read", audience="health_worker")
    member = reader.get("/v1/members/ben")
    assert member.status_code == (200 if "diabetes" in member.text else 403)
    return {
        "member": member.text,
        "members": reader.get("/v1/members").text,
        "engagement": reader.get("/v1/members/ben/engagement").text,
        "roster": reader.get("/v1/exports/roster.csv").text,
    }


def test_without_that_consent_a_health_worker_reads_no_more_of_a_member_than_a_neighbour(
    program: Program, staff: Caller
) -> None:
    kinds = {"pressure_controlled": 0, "clinic_follow_up": 1, "medicine_taken": 1, "motivation": 1}
    said = {"source": "app", "member": "ben", "occurred_at": "2026-01-02T00:00:00Z"}
    reports = [said | {"id": kind, "kind": kind, "value": value} for kind, value in kinds.items()]
    answer = staff.post("/v1/signals", {"signals": reports})
    assert [row.get("problem") for row in answer.json()["results"]] == [None] * len(kinds)
    known = {"barriers": {"sabotage": "yes"}, "barriers_checked_on": "2026-01-01", "conditions": ["diabetes"]}
    near = program.caller("read", audience="adviser").get("/v1/members/ben/engagement").text
    for shares in (True, False, True):
        consent = {"consent": AGREED | {"health_worker": shares}}
        staff.put("/v1/members/ben", {"id": "ben"} | consent | known).raise_for_status()
        found = readings(program)
        assert {way for way, text in found.items() if "diabetes" in text} == (
            {"member", "members", "roster"} if shares else set()
        )
        assert (found["engagement"] == near) is not shares


def test_a_member_who_never_said_is_shared_with_no_health_worker(program: Program, staff: Caller) -> None:
    staff.put("/v1/members/zoe", {"id": "zoe"}).raise_for_status()
    assert program.caller("read", audience="health_worker").get("/v1/members/zoe").status_code == 403
    consent = staff.get("/v1/members/zoe").json()["value"]["consent"]
    assert (consent["health_worker"], consent["family"], consent["research"]) == (False, False, False)
