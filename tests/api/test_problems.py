"""Whatever is wrong with a request is answered precisely, as problem details, and changes nothing."""

import json
from typing import Any

import pytest

from engagement.store import setup
from engagement.store import tables as t
from engagement.telemetry import JsonLines
from support.running import Caller, Program

ASK = "/v1/recommendations"
PROBLEM = "application/problem+json"


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin")


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "", "ask for one member or one group: give `member` or `group`"),
        ({"member": 5}, "member", "Expected `str | null`, got `int`"),
        ({"member": "ben", "mood": 1}, "mood", "Object contains unknown field `mood`"),
        ({"member": "ben", "context": {"steps": "1"}}, "context[...]", "Expected `float`, got `str`"),
        ({"member": "ben", "context": {"steps": 1e7}}, "context[...]", "Expected `float` <= 1000000.0"),
    ],
)
def test_a_bad_body_is_told_field_and_reason(
    caller: Caller, body: dict[str, Any], field: str, message: str
) -> None:
    answer = caller.post(ASK, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert answer.json()["errors"] == [{"field": field, "message": message}]
    assert answer.json()["detail"] == f"{field}: {message}".removeprefix(": ")


def test_a_flaw_deep_in_a_batch_is_told_by_its_place(caller: Caller) -> None:
    requests = [{"member": "ben"}, {"member": "eva"}, {}]
    *sound, flawed = caller.post(f"{ASK}/batch", {"requests": requests}).json()["answers"]
    assert [list(row) for row in sound] == [["recommendation"]] * 2
    words = "requests[2]: ask for one member or one group: give `member` or `group`"
    assert (flawed["problem"]["status"], flawed["problem"]["detail"]) == (400, words)


@pytest.mark.parametrize(
    "body", [{"requests": []}, {"requests": "all"}, {"asks": []}, {"requests": [], "x": 1}]
)
def test_a_batch_that_is_none_is_refused_as_a_whole(caller: Caller, body: dict[str, Any]) -> None:
    assert caller.post(f"{ASK}/batch", body).status_code == 400


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(caller: Caller, number: str) -> None:
    content = f'{{"member": "ben", "context": {{"steps": {number}}}}}'
    answer = caller.call("POST", ASK, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"null", b'"ben"', b"[" * 100_000],
    ids=["empty", *"{x", "null", "text", "["],
)
def test_what_is_no_json_object_is_refused(caller: Caller, content: bytes) -> None:
    answer = caller.call("POST", ASK, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert answer.json()["detail"]


@pytest.mark.parametrize("path", [ASK, f"{ASK}/batch", "/v1/groups/north/month"])
def test_a_body_that_is_missing_is_asked_for(caller: Caller, path: str) -> None:
    answer = caller.call("POST", path, content=b"", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is missing; it must be JSON")


def month(**given: Any) -> dict[str, Any]:
    return {"held": True, "goals": [{"seat": 2, "became": "met"}, given]}


def signal(**given: Any) -> dict[str, Any]:
    return {"source": "app", "id": "1", "kind": "app_open", "member": "ben"} | given


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "/v1/groups/north/month",
            month(seat=3, became="misssed"),
            "goals[1].became: `misssed` is not known here; there are: met, partly, missed, not_followed_up, ",
        ),
        (
            "/v1/groups/north/month",
            {"held": True, "reported_by": "anybody"},
            "reported_by: `anybody` is not known here; there are: self, adviser, ",
        ),
    ],
)
def test_a_word_that_is_not_known_is_told_with_those_that_are(
    caller: Caller, path: str, body: dict[str, Any], said: str
) -> None:
    answer = caller.post(path, body)
    assert (answer.status_code, answer.json()["detail"][: len(said)]) == (400, said)


@pytest.mark.parametrize("rest", [b"", b', "x": \xff}', b', "x": ' + b"[" * 100_000])
def test_what_follows_a_word_that_is_not_known_need_not_be_json(caller: Caller, rest: bytes) -> None:
    content = b'{"held": true, "reported_by": "anybody"' + rest
    headers = {"Content-Type": "application/json"}
    answer = caller.call("POST", "/v1/groups/north/month", content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)


def test_a_kind_of_belief_that_is_not_known_is_told_with_those_that_are(caller: Caller) -> None:
    strategy = {"id": "s", "title": "s", "actions": ["walk"], "posterior": {"kind": "magic"}}
    answer = caller.put("/v1/strategies/s", strategy)
    said = "posterior.kind: `magic` is not known here; there are: "
    assert (answer.status_code, answer.json()["detail"][: len(said)]) == (400, said)
    assert "pooled" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-03-10T12:00:00", "the time zone is missing; write it like 2026-03-10T12:00:00+05:30"),
        ("2026-03-10", "this is no moment; write it like 2026-03-10T12:00:00+05:30"),
    ],
)
def test_a_moment_that_is_none_is_told_how_to_write_one(caller: Caller, written: str, said: str) -> None:
    answer = caller.post("/v1/signals", {"signals": [signal(occurred_at=written)]})
    [told] = answer.json()["results"]
    assert told["problem"]["detail"] == f"signals[0].occurred_at: {said}"


def test_an_item_of_a_batch_is_told_the_words_that_are_known(caller: Caller) -> None:
    body = {"signals": [signal(occurred_at="2026-03-10T12:00:00Z", reported_by="nobody")]}
    [told] = caller.post("/v1/signals", body).json()["results"]
    said = "signals[0].reported_by: `nobody` is not known here; there are: self, adviser, "
    assert told["problem"]["detail"].startswith(said)


def test_a_refused_body_leaves_no_trace(program: Program) -> None:
    caller = program.caller("admin")
    caller.put("/v1/members/zoe", {"id": "zoe", "phone": "+91 98765 43210"})
    assert caller.get("/v1/members/zoe").status_code == 404


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/recommendations", "/v1/recommendations/batch/more"])
def test_an_unknown_address_is_not_found(caller: Caller, path: str) -> None:
    answer = caller.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json()["title"] == "There is no such address"


def test_a_wrong_method_is_told_which_there_are(caller: Caller) -> None:
    answer = caller.call("DELETE", "/v1/sites")
    assert (answer.status_code, answer.headers["content-type"]) == (405, PROBLEM)
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "sent", "wanted"),
    [
        (ASK, "application/x-www-form-urlencoded", "application/json"),
        (ASK, "text/plain", "application/json"),
        ("/v1/imports/roster", "application/json", "text/csv"),
        ("/v1/register", "application/json", "text/csv"),
    ],
)
def test_another_media_type_is_refused_with_the_right_one(
    caller: Caller, path: str, sent: str, wanted: str
) -> None:
    answer = caller.call("POST", path, content=b'{"member": "ben"}', headers={"Content-Type": sent})
    assert (answer.status_code, answer.headers["content-type"]) == (415, PROBLEM)
    assert wanted in answer.json()["detail"]


@pytest.mark.parametrize("sent", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_announced_in_its_usual_ways(caller: Caller, sent: str) -> None:
    answer = caller.call("POST", ASK, content=b'{"member": "ben"}', headers={"Content-Type": sent})
    assert answer.status_code == 200


def test_a_body_without_a_media_type_is_taken_as_it_must_be(caller: Caller) -> None:
    assert caller.call("POST", ASK, content=b'{"member": "ben"}').status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_four_mebibytes_is_too_large(caller: Caller, *, chunked: bool) -> None:
    content = b" " * (4 * 1024 * 1024) + b'{"member": "ben"}'
    body: Any = iter([content]) if chunked else content
    answer = caller.call("POST", ASK, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_a_body_just_under_the_limit_is_read(caller: Caller) -> None:
    content = json.dumps({"member": "ben"}).encode().rjust(4 * 1024 * 1024)
    answer = caller.call("POST", ASK, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/members/%00"),
        ("GET", "/v1/members/a%20b"),
        ("GET", f"/v1/members/{'a' * 65}"),
        ("GET", "/v1/groups/%C3%A9/engagement"),
        ("GET", "/v1/decisions/7"),
        ("GET", "/v1/members?after=%00"),
        ("GET", "/v1/members?limit=0"),
        ("GET", "/v1/members?limit=1001"),
        ("GET", "/v1/members?limit=ten"),
    ],
)
def test_what_stands_in_the_address_is_checked_as_well(caller: Caller, method: str, path: str) -> None:
    answer = caller.call(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    assert answer.json()["errors"][0]["field"] in {
        "name",
        "member_id",
        "group_id",
        "decision_id",
        "after",
        "limit",
    }


def test_what_nobody_foresaw_at_the_desk_is_our_fault_without_a_word_of_the_content(
    program: Program, caller: Caller
) -> None:
    row = {"program_id": program.id, "noun": "member", "id": "canary-4712", "revision": 1}
    with program.running.service.db.write(program.id) as conn:  # what no caller can bring about
        conn.execute(t.revisions.insert(), row | {"body": b"canary", "catalogue": None, "recorded_at": 0})
    answer = caller.get("/v1/members/canary-4712")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json() == {
        "type": "urn:engagement:problem:fault",
        "title": "The service could not do its part; nothing was stored",
        "status": 500,
    }


def test_what_nobody_foresaw_elsewhere_is_answered_the_same_way_and_logged_by_its_kind(
    program: Program, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    row = {"program_id": program.id, "noun": "strategy", "id": "learned", "revision": 9}
    with program.running.service.db.write(program.id) as conn:
        newest = setup.catalogue_revision(conn, program.id) + 1
        conn.execute(t.revisions.insert(), row | {"body": b"canary", "catalogue": newest, "recorded_at": 0})
    answer = caller.post("/v1/folds")
    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert answer.json()["type"] == "urn:engagement:problem:fault"
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any("unforeseen: DecodeError" in line for line in lines)
    assert not any("canary" in line for line in [answer.text, *lines])


DEEP = "[" * 3000 + "]" * 3000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ASK, f'{{"member": "ben", "context": {DEEP}}}'),
        (f"{ASK}/batch", f'{{"requests": [{{}}, {DEEP}]}}'),
        ("/adapters/commcare/cases", f'{{"case_id": "ben", "properties": {DEEP}}}'),
        ("/ofrep/v1/evaluate/flags", f'{{"context": {{"targetingKey": "ben", "x": {DEEP}}}}}'),
        ("/personalizer/v1.0/rank", f'{{"contextFeatures": [{DEEP}], "actions": [{{"id": "a"}}]}}'),
    ],
)
def test_a_body_of_lists_inside_of_lists_without_end_is_refused(
    program: Program, path: str, body: str
) -> None:
    everything = program.caller("admin", "recommend", "signals")
    answer = everything.call("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "inside of one another" in answer.text or "Expected" in answer.text


def test_an_item_that_is_no_text_behind_another_that_is_flawed_is_told_by_its_place(caller: Caller) -> None:
    content = b'{"requests": [{"member": 1}, {"member": "\xff"}, {"member": "ben"}]}'
    answer = caller.call(
        "POST", f"{ASK}/batch", content=content, headers={"Content-Type": "application/json"}
    )
    details = [row.get("problem", {}).get("detail", "") for row in answer.json()["answers"]]
    assert details[0].startswith("requests[0].member: Expected")
    assert details[1:] == ["requests[1]: no text in UTF-8, from byte 1 on", ""]


def test_to_go_on_behind_what_no_page_gave_is_told_in_words(caller: Caller) -> None:
    """Ids that callers choose may be any; those that the service draws are none but its own."""
    paths = caller.get("/schema/openapi.json").json()["paths"]
    lists = [
        path.format(name="m0", carrier="adviser", group="g0", trial="t")
        for path, methods in paths.items()
        if any(one.get("name") == "after" for one in methods.get("get", {}).get("parameters", ()))
    ]
    assert len(lists) > 10
    answers = {path: caller.get(path, params={"after": "zebra"}) for path in lists}
    assert [path for path, answer in answers.items() if answer.status_code >= 500] == []
    drawn = (
        "/v1/decisions",
        "/v1/plans",
        "/v1/members/m0/decisions",
        "/v1/worklists/adviser",
        "/adapters/cht/docs",
    )
    assert [answers[path].status_code for path in drawn] == [400] * len(drawn)
    assert answers["/v1/worklists/adviser"].json()["detail"] == (
        "`after` is a decision's id, as the page before gave it to go on"
    )
