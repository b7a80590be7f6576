"""What a member agrees to holds from the very next call, whichever way it is asked for and withdrawn.

Ben is decided for without chance, so that it is known what stands open for him when he changes his mind.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from engagement.signals.reasons import REASONS
from engagement.signals.signal import Audience
from engagement.signals.tally import DAY_MS
from engagement.workflows.tell import moment
from support.running import Caller, Program
from support.signed_in import tab_of, words

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


HIDDEN = ("sabotage", "not_home", "not at home", "forgot")
"""What a neighbour is not told: the barrier, why something was declined, why somebody did not come."""
TELLING = {
    "recommendation",
    "named",
    "tried",
    "batch",
    "everybody",
    "declined",
    "accepted",
    "open",
    "FHIR",
} | {"list"}
"""The ways in which one of these is told to a health worker with whom Ben shares."""
RIDE = {"kind": "nudge", "id": "ride", "title": "Ask whether to go together", "barrier": "sabotage"}


@pytest.fixture
def known(program: Program, staff: Caller) -> list[str]:
    """Ben has a barrier, gave a reason for not coming, and declined the first of two decisions about it."""
    staff.put("/v1/actions/ride", RIDE | {"carrier": "health_worker", "minutes": 10}).raise_for_status()
    strategy = {"id": "only", "title": "Only one", "actions": ["ride"], "fallback": {"actions": ["ride"]}}
    strategy |= {"features": ["attendance", "sabotage"]}
    staff.put("/v1/strategies/only", strategy).raise_for_status()
    staff.put("/v1/health_workers/worker", {"id": "worker"}).raise_for_status()
    link = {"relation": "health_worker", "starts_on": "2026-01-01", "to": "worker"}
    staff.post("/v1/members/ben/links", link).raise_for_status()
    at = moment(program.running.service.clock.now_ms() - DAY_MS).isoformat()
    said = {"source": "app", "id": "1", "kind": "absence_reason", "value": REASONS.index("forgot") + 1}
    answer = staff.post("/v1/signals", {"signals": [said | {"member": "ben", "occurred_at": at}]})
    assert answer.json()["results"][0]["receipt"]["status"] == "stored"
    for other in ("ana", "cat"):
        staff.put(f"/v1/members/{other}", {"id": other, "consent": {"messages": False}}).raise_for_status()
    agree(staff)
    ids = []
    for point, status in (("first", "declined"), ("second", "accepted")):
        told = staff.post(ASK, {"member": "ben", "strategy": "only", "decision_point": point}).json()
        assert told["action"]["id"] == "ride", told
        ids.append(told["decision_id"])
        reply = {"status": status} | ({"reason": "not_home"} if status == "declined" else {})
        staff.post(f"/v1/decisions/{ids[-1]}/answers", reply).raise_for_status()
    return ids


def ways(program: Program, ids: list[str], audience: Audience) -> dict[str, str]:
    """All that is said of Ben's decisions, and of him in his group, to a reader; by way."""
    reader = program.caller("recommend", "read", audience=audience)
    ask = {"member": "ben", "strategy": "only", "decision_point": "second"}
    flag = {"context": {"targetingKey": "ben", "flags": ["only"]}}
    out = {
        "recommendation": reader.post(ASK, ask),
        "named": reader.post(ASK, ask, headers={"Idempotency-Key": uuid4().hex}),
        "tried": reader.post(f"{ASK}?dry_run=true", ask),
        "batch": reader.post(f"{ASK}/batch", {"requests": [ask]}),
        "everybody": reader.post(f"{ASK}/all", {"strategy": "only", "group": "north"}),
        "flow": reader.post("/adapters/rapidpro/recommendation", ask),
        "flag": reader.post("/ofrep/v1/evaluate/flags", flag),
        "declined": reader.get(f"/v1/decisions/{ids[0]}"),
        "accepted": reader.get(f"/v1/decisions/{ids[1]}"),
        "open": reader.get("/v1/decisions"),
        "history": reader.get("/v1/members/ben/decisions"),
        "history of the group": reader.get("/v1/groups/north/decisions"),
        "memberships": reader.get("/v1/members/ben/memberships"),
        "FHIR": reader.get("/fhir/R4/CommunicationRequest"),
        "CHT": reader.get("/adapters/cht/docs?carrier=health_worker"),
        "CommCare": reader.get("/adapters/commcare/cases?of=member"),
    }
    for way in ("", "?format=text", "?format=csv"):
        out[f"list{way}"] = reader.get(f"/v1/worklists/worker{way}")
    assert {way: row.text for way, row in out.items() if row.status_code not in (200, 403)} == {}
    return {way: row.text for way, row in out.items()}


def console(program: Program, ids: list[str], audience: Audience) -> dict[str, str]:
    """The same in the console."""
    with tab_of(program, "read", "recommend", audience=audience) as tab:
        pages = ("", "/groups/north", "/members/ben", "/work", *(f"/decisions/{name}" for name in ids))
        found = {page: tab.get(page) for page in pages}
    assert {page for page, answer in found.items() if answer.status_code != 200} == set()
    return {page: words(answer) for page, answer in found.items()}


def leaks(texts: dict[str, str]) -> dict[str, list[str]]:
    """The hidden words, by way. On a worker's list stand the reasons that she gave herself."""
    own = {
        way: text.replace("not_home", "") if way.startswith("list") else text for way, text in texts.items()
    }
    found = {way: [word for word in HIDDEN if word in text.lower()] for way, text in own.items()}
    return {way: said for way, said in found.items() if said}


def share(staff: Caller, shares: bool) -> None:
    barriers = {"barriers": {"sabotage": "yes"}, "barriers_checked_on": "2026-01-01"}
    member = {"id": "ben", "consent": AGREED | {"health_worker": shares}} | barriers
    staff.put("/v1/members/ben", member).raise_for_status()


def test_of_who_does_not_share_a_health_worker_is_told_of_every_decision_what_a_neighbour_is(
    program: Program, staff: Caller, known: list[str]
) -> None:
    near = ways(program, known, "adviser")
    assert leaks(near) == {}
    for shares in (True, False, True):
        share(staff, shares)
        found = ways(program, known, "health_worker")
        assert set(leaks(found)) == (TELLING if shares else set())
        if not shares:  # a list says for whose eyes it is
            alike = [way for way in found if not way.startswith("list")]
            assert {way: found[way] for way in alike} == {way: near[way] for way in alike}


@pytest.mark.usefixtures("known")
def test_whom_to_visit_and_what_for_a_health_worker_is_told_whoever_shares(
    program: Program, staff: Caller
) -> None:
    for shares in (True, False):
        share(staff, shares)
        listed = program.caller("read", audience="health_worker").get("/v1/worklists/worker").json()
        told = [(row["member"], row["seat"], row["title"]) for row in listed["tasks"]]
        assert told == [("ben", 2, RIDE["title"])]


def test_of_who_does_not_share_the_console_tells_a_health_worker_no_barrier_and_no_reason(
    program: Program, staff: Caller, known: list[str]
) -> None:
    declined, accepted = known
    telling = {"/groups/north", "/members/ben", f"/decisions/{declined}", f"/decisions/{accepted}"}
    for shares in (True, False):
        share(staff, shares)
        found = console(program, known, "health_worker")
        assert set(leaks(found)) == (telling if shares else set())
        assert ("Where this member sat" in found["/members/ben"]) is shares


def test_a_neighbour_reads_on_a_health_workers_list_no_reason_why_something_was_not_done(
    program: Program, known: list[str]
) -> None:
    for audience, reason in (("adviser", None), ("health_worker", "not_home"), ("staff", "not_home")):
        reader = program.caller("read", audience=audience)  # type: ignore[arg-type]  # one of the five
        (answered,) = reader.get("/v1/worklists/worker").json()["answered"]
        assert (answered["decision_id"], answered["reason"]) == (known[0], reason)
