"""FHIR R4 out: every resource against the official schema, the life of a decision in FHIR's words, pages."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft6Validator
from jsonschema.exceptions import best_match

from engagement.clock import SimulatedClock
from engagement.strategy.life import FOLLOWS
from engagement.workflows.fhir import OF_A_REQUEST, OF_A_TASK, fhir_id
from support.fhir_schema import read
from support.running import Caller, Program, Running, running

OFFICIAL = read()
SCHEMA = Draft6Validator(OFFICIAL)
FHIR = "application/fhir+json"
NUDGE = {"kind": "nudge", "id": "say", "title": "Say hello", "carrier": "app"}
NUDGE |= {"content": [{"audience": "member", "language": "en", "text": "See you at the next meeting."}]}
VISIT = {"kind": "chw_linkage", "id": "visit", "title": "A visit", "carrier": "health_worker", "minutes": 30}
TOKEN = {"kind": "incentive", "id": "gift", "title": "A token", "level": "member", "individual": True}


def prepared(program: Program) -> Caller:
    """Who may do everything, in a program whose strategies each know one thing: hello, a visit, a token."""
    admin = program.caller("admin")
    for action in (NUDGE, VISIT, TOKEN):
        answer = admin.put(f"/v1/actions/{action['id']}", action)
        assert answer.status_code == 200, answer.text
        strategy = {"id": f"only-{action['id']}", "title": "One thing", "actions": [action["id"]]}
        strategy |= {"fallback": {"name": "it", "actions": [action["id"]]}}
        answer = admin.put(f"/v1/strategies/{strategy['id']}", strategy)
        assert answer.status_code == 200, answer.text
    for name in ("ana", "ben", "cat", "dev", "eva"):
        consent = {"chance": False, "health_worker": True}
        assert admin.put(f"/v1/members/{name}", {"id": name, "consent": consent}).status_code == 200
    return admin


@pytest.fixture
def setting(program: Program) -> Caller:
    return prepared(program)


def decided(caller: Caller, action: str, member: str = "ben") -> str:
    """A decision for this action, which without chance is all that the strategy can give."""
    answer = caller.post("/v1/recommendations", {"member": member, "strategy": f"only-{action}"}).json()
    assert answer["action"]["id"] == action, answer
    return str(answer["decision_id"])


def validate(resource: dict[str, Any]) -> None:
    """Fails with what is wrong with a resource by the official schema of its kind."""
    own = {"$ref": f"#/definitions/{resource['resourceType']}", "definitions": OFFICIAL["definitions"]}
    flaw = best_match(Draft6Validator(own).iter_errors(resource))
    assert flaw is None, f"{flaw.json_path}: {flaw.message[:300]}"


def fetched(caller: Caller, path: str, **query: Any) -> dict[str, Any]:
    """A resource, after it has been checked against the official schema."""
    answer = caller.get(f"/fhir/R4/{path}", params=query or None)
    assert (answer.status_code, answer.headers["content-type"]) == (200, FHIR), answer.text
    resource: dict[str, Any] = answer.json()
    validate(resource)
    return resource


def pages(caller: Caller, kind: str, count: int) -> Iterator[dict[str, Any]]:
    """Every page of a search, by the links that the pages give."""
    page = fetched(caller, kind, _count=count)
    while True:
        yield page
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            return
        page = fetched(caller, following[0].partition("/fhir/R4/")[2])


def test_the_schema_is_the_one_that_knows_a_wrong_status() -> None:
    task = {"resourceType": "Task", "intent": "proposal", "status": "requested"}
    assert SCHEMA.is_valid(task)
    assert not SCHEMA.is_valid(task | {"status": "proposed"})
    assert not SCHEMA.is_valid(task | {"surprise": 1})


def test_a_visit_is_a_task(setting: Caller, program: Program) -> None:
    name = decided(setting, "visit")
    task = fetched(setting, f"Task/{name}")
    system = f"urn:engagement:{program.id}"
    assert (task["id"], task["status"], task["intent"]) == (name, "requested", "proposal")
    assert task["for"] == {"type": "Patient", "identifier": {"system": f"{system}:member", "value": "ben"}}
    assert task["focus"]["reference"] == "Group/north"
    assert task["code"]["coding"] == [{"system": f"{system}:action", "code": "visit", "display": "A visit"}]
    assert task["performerType"][0]["coding"][0]["code"] == "health_worker"
    assert fetched(setting, "Task")["entry"][0]["resource"] == task


def test_an_incentive_is_a_task_and_a_nudge_is_none(setting: Caller) -> None:
    gift, hello = decided(setting, "gift"), decided(setting, "say", "cat")
    assert [entry["resource"]["id"] for entry in fetched(setting, "Task")["entry"]] == [gift]
    assert setting.get(f"/fhir/R4/Task/{hello}").status_code == 404
    assert setting.get(f"/fhir/R4/CommunicationRequest/{gift}").status_code == 404


def test_a_nudge_is_a_communication_request(setting: Caller) -> None:
    name = decided(setting, "say")
    request = fetched(setting, f"CommunicationRequest/{name}")
    assert (request["status"], request["statusReason"]) == ("active", {"text": "proposed"})
    assert request["payload"] == [{"contentString": "See you at the next meeting."}]
    assert request["subject"]["identifier"]["value"] == "ben"
    assert request["recipient"] == [request["subject"]]
    assert request["about"][0]["reference"] == "Group/north"
    assert request["occurrencePeriod"]["end"] > request["authoredOn"]


LIVES = [
    ((), "requested", "active"),
    (("accepted",), "accepted", "active"),
    (("declined",), "rejected", "revoked"),
    (("replaced",), "cancelled", "revoked"),
    (("accepted", "done"), "completed", "completed"),
    (("not_done",), "failed", "revoked"),
]


@pytest.mark.parametrize(("steps", "of_a_task", "of_a_request"), LIVES)
def test_what_became_of_a_decision_is_said_in_fhir_s_words(
    setting: Caller, steps: tuple[str, ...], of_a_task: str, of_a_request: str
) -> None:
    visit, hello = decided(setting, "visit"), decided(setting, "say", "cat")
    for name in (visit, hello):
        for step in steps:
            reason = {} if step in ("accepted", "done") else {"reason": "no_time"}
            body = {"status": step, **reason}
            assert setting.post(f"/v1/decisions/{name}/answers", body).status_code == 200
    task = fetched(setting, f"Task/{visit}")
    request = fetched(setting, f"CommunicationRequest/{hello}")
    last = (steps or ("proposed",))[-1]
    assert (task["status"], task["businessStatus"]["text"]) == (of_a_task, last)
    assert request["status"] == of_a_request
    assert ("executionPeriod" in task) is (last == "done")
    if last in ("declined", "replaced", "not_done"):
        assert task["statusReason"]["coding"][0]["code"] == "no_time"


def test_what_nobody_answered_is_cancelled_or_unknown_and_simulated_time_is_test_data(
    database_url: str,
) -> None:
    clock = SimulatedClock(1_773_000_000_000)  # in March 2026
    with running(database_url, clock=clock, deadline_ms=20_000) as service:
        caller = prepared(service.program())
        visit, hello = decided(caller, "visit"), decided(caller, "say", "cat")
        clock.move_to(clock.now_ms() + 40 * 86_400_000)
        task = fetched(caller, f"Task/{visit}")
        assert (task["status"], task["businessStatus"]["text"]) == ("cancelled", "expired")
        assert fetched(caller, f"CommunicationRequest/{hello}")["status"] == "unknown"
        assert task["meta"]["tag"][0]["code"] == "HTEST"
        assert caller.post(f"/v1/decisions/{visit}/answers", {"status": "done"}).status_code == 200
        assert fetched(caller, f"Task/{visit}")["status"] == "completed"


def test_every_step_of_a_life_has_its_word() -> None:
    assert set(OF_A_TASK) == set(OF_A_REQUEST) == {*FOLLOWS, "withdrawn"}
    # the value set `request-status` of R4, which its JSON schema does not check in a CommunicationRequest
    allowed = {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}
    assert set(OF_A_REQUEST.values()) <= allowed


def test_what_may_not_be_done_any_more_is_no_open_task(setting: Caller) -> None:
    visit = decided(setting, "visit")
    assert fetched(setting, f"Task/{visit}")["status"] == "requested"
    setting.put("/v1/members/ben", {"id": "ben", "consent": {"messages": False}})
    task = fetched(setting, f"Task/{visit}")
    assert (task["status"], task["businessStatus"]) == ("cancelled", {"text": "withdrawn"})


def test_none_is_no_resource(setting: Caller) -> None:
    strategy = {
        "id": "nothing",
        "title": "Nothing",
        "actions": ["say"],
        "fallback": {"name": "n", "actions": []},
    }
    assert setting.put("/v1/strategies/nothing", strategy).status_code == 200
    answer = setting.post("/v1/recommendations", {"member": "ben", "strategy": "nothing"}).json()
    assert answer["action"]["id"] == "none"
    assert "entry" not in fetched(setting, "CommunicationRequest")
    assert "entry" not in fetched(setting, "Task")


# --- groups -------------------------------------------------------------------------------------------


def test_a_group_is_a_group_of_those_who_sit_in_it_today(setting: Caller, program: Program) -> None:
    group = fetched(setting, "Group/north")
    assert (group["active"], group["type"], group["actual"], group["quantity"]) == (True, "person", True, 3)
    assert [row["entity"]["identifier"]["value"] for row in group["member"]] == ["ana", "ben", "cat"]
    assert group["member"][0]["period"] == {"start": "2026-01-01"}
    assert group["identifier"] == [{"system": f"urn:engagement:{program.id}:group", "value": "north"}]
    assert group["managingEntity"]["identifier"]["value"] == "site-1"


@pytest.mark.parametrize("name", ["a_b", "a.b", "a:b", "a.u", "a..b", "A-9", "_".join("abcdefgh" * 4) + "x"])
def test_a_group_of_any_id_is_found_by_the_id_that_fhir_allows(setting: Caller, name: str) -> None:
    group = {"id": name, "site": "site-1", "ended": True}
    assert setting.put(f"/v1/groups/{name}", group).status_code == 200
    found = fetched(setting, f"Group/{fhir_id(name)}")
    assert (found["identifier"][0]["value"], found["active"], "member" in found) == (name, False, False)


def test_no_two_ids_become_one() -> None:
    names = ["a_b", "a.b", "a:b", "a.u", "a..u", "a.ub", "ab", "a__b", "a._b"]
    assert len({fhir_id(name) for name in names}) == len(names)


# --- pages, errors, what the server can ----------------------------------------------------------------


def test_a_search_comes_in_pages_that_link_to_one_another(setting: Caller) -> None:
    made = [decided(setting, "visit", member) for member in ("ana", "ben", "cat", "dev", "eva")]
    found = list(pages(setting, "Task", 2))
    ids = [[entry["resource"]["id"] for entry in page.get("entry", ())] for page in found]
    assert ids == [made[:2], made[2:4], made[4:]]
    assert [page["type"] for page in found] == ["searchset"] * 3
    entry = found[0]["entry"][0]
    assert setting.get(entry["fullUrl"]).json() == entry["resource"]
    groups = [entry["resource"]["id"] for page in pages(setting, "Group", 1) for entry in page["entry"]]
    assert groups == ["north", "south"]


def test_a_page_is_never_larger_than_the_server_likes(setting: Caller) -> None:
    for asked, given in ((0, 1), (10_000, 200)):
        [link] = fetched(setting, "Task", _count=asked)["link"]
        assert link["url"].endswith(f"_count={given}")


def test_what_the_server_can_is_told_to_everybody(served: Running) -> None:
    answer = served.stranger().get("/fhir/R4/metadata")
    assert (answer.status_code, answer.headers["content-type"]) == (200, FHIR)
    told = answer.json()
    assert (told["fhirVersion"], told["format"]) == ("4.0.1", [FHIR])
    validate(told | {"fhirVersion": "4.0.0"})  # the schema is older than the correction and its number
    assert {row["type"] for row in told["rest"][0]["resource"]} == {"Task", "CommunicationRequest", "Group"}


ERRORS = [
    ("Task/nothing", 404, "not-found"),
    (f"Task/{'0' * 8}-0000-0000-0000-{'0' * 12}", 404, "not-found"),
    ("Task/a%20b", 400, "invalid"),
    ("Task?_cursor=x", 400, "invalid"),
    ("Task?_count=many", 400, "invalid"),
    ("Group/nobody", 404, "not-found"),
    ("Group/.hfeed", 404, "not-found"),
    ("Patient", 404, "not-found"),
    ("Patient/7/_history", 404, "not-found"),
]


@pytest.mark.parametrize(("path", "status", "code"), ERRORS)
def test_an_error_is_an_operation_outcome(program: Program, path: str, status: int, code: str) -> None:
    answer = program.caller("read").get(f"/fhir/R4/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, FHIR)
    validate(answer.json())
    [issue] = answer.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert issue["diagnostics"]


@pytest.mark.parametrize("kind", ["Task", "CommunicationRequest", "Group"])
def test_without_the_key_or_its_scope_there_is_no_way_in(program: Program, kind: str) -> None:
    for caller, status, code in (
        (program.running.stranger(), 401, "login"),
        (program.caller("signals"), 403, "forbidden"),
    ):
        for path in (kind, f"{kind}/x"):
            answer = caller.get(f"/fhir/R4/{path}")
            assert (answer.status_code, answer.json()["issue"][0]["code"]) == (status, code)
    assert program.running.stranger().get(f"/fhir/R4/{kind}").headers["www-authenticate"] == "Bearer"


def test_another_program_s_key_finds_nothing(setting: Caller, other: Program) -> None:
    visit = decided(setting, "visit")
    reader = other.caller("read")
    assert reader.get(f"/fhir/R4/Task/{visit}").status_code == 404
    assert "entry" not in fetched(reader, "Task")


# --- who may see what ---------------------------------------------------------------------------------


def test_a_neighbour_is_not_told_why_somebody_declined(setting: Caller, program: Program) -> None:
    visit = decided(setting, "visit")
    setting.post(f"/v1/decisions/{visit}/answers", {"status": "declined", "reason": "not_home"})
    for audience, told in (("group", False), ("adviser", False), ("health_worker", True), ("staff", True)):
        reader = program.caller("read", audience=audience)  # type: ignore[arg-type]  # one of the five
        task = fetched(reader, f"Task/{visit}")
        assert task["status"] == "rejected"
        assert ("not_home" in str(task)) is told
