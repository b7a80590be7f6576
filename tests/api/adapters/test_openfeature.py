"""The official OpenFeature SDK with its OFREP provider, unchanged, against the running service."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from support.running import Program

FLAG = "learned"
GROUP_FLAG = "group_learned"


@pytest.fixture
def client(program: Program) -> Iterator[OpenFeatureClient]:
    key = program.key("recommend")[0]
    yield connected(program, {"X-API-Key": key})
    api.clear_providers()


def connected(program: Program, headers: dict[str, str]) -> OpenFeatureClient:
    domain = str(uuid.uuid4())
    provider = OFREPProvider(program.running.address, headers_factory=lambda: headers, timeout=30)
    api.set_provider(provider, domain)
    return api.get_client(domain)


def about(target: str | None, **attributes: Any) -> EvaluationContext:
    return EvaluationContext(target, attributes)


def strategies(program: Program) -> dict[str, str]:
    rows = program.caller("read").get("/v1/strategies").json()["items"]
    return {row["value"]["id"]: row["value"]["level"] for row in rows if not row["value"]["plan"]}


def recommended(program: Program, **ask: Any) -> dict[str, Any]:
    told: dict[str, Any] = program.caller("recommend").post("/v1/recommendations", ask).json()
    return told


def test_a_flag_is_a_strategy_and_its_value_what_is_recommended(
    program: Program, client: OpenFeatureClient
) -> None:
    told = client.get_string_details(FLAG, "default", about("ben"))
    asked = recommended(program, member="ben", strategy=FLAG)
    assert told.error_code is None
    assert told.variant == asked["action"]["id"]
    assert told.value == (asked["action"]["text"] or "")
    assert told.reason == (Reason.SPLIT if asked["randomised"] else Reason.STATIC)
    metadata = dict(told.flag_metadata)
    assert metadata["decision_id"] == asked["decision_id"]
    assert metadata["probability"] == asked["probability"]
    assert all(isinstance(value, str | int | float | bool) for value in metadata.values())


def test_while_the_decision_is_open_it_is_the_same_evaluation(client: OpenFeatureClient) -> None:
    told = [client.get_string_details(FLAG, "", about("ben")) for _ in range(3)]
    assert {str(row) for row in told} == {str(told[0])}


def test_the_value_may_be_an_object_or_whether_there_is_anything(
    program: Program, client: OpenFeatureClient
) -> None:
    asked = recommended(program, member="ben", strategy=FLAG)["action"]
    flat = client.get_object_value(FLAG, {}, about("ben", valueType="object"))
    assert isinstance(flat, dict)
    assert (flat["action"], flat["kind"], flat["title"]) == (asked["id"], asked["kind"], asked["title"])
    assert not any(isinstance(value, dict | list) or value is None for value in flat.values())
    anything = client.get_boolean_value(FLAG, asked["id"] == "none", about("ben", valueType="boolean"))
    assert anything is (asked["id"] != "none")


def test_a_flag_of_groups_is_evaluated_for_a_group(program: Program, client: OpenFeatureClient) -> None:
    name = next(name for name, level in strategies(program).items() if level == "group")
    told = client.get_string_details(name, "", about("north"))
    assert (
        told.flag_metadata["decision_id"] == recommended(program, group="north", strategy=name)["decision_id"]
    )


def test_a_decision_point_and_numbers_go_along_and_nothing_else_does(
    program: Program, client: OpenFeatureClient
) -> None:
    strategy = {"id": "walks", "title": "Walks", "actions": ["win_story"], "features": ["context.steps"]}
    assert program.caller("admin").put("/v1/strategies/walks", strategy).status_code == 200
    context = about("ben", decisionPoint="meeting-7", steps=1, email="a@example.org", Weather=3, tags=["x"])
    told = client.get_string_details("walks", "", context)
    assert told.flag_metadata["decision_point"] == "meeting-7"
    story = program.caller("read").get(f"/v1/decisions/{told.flag_metadata['decision_id']}").json()
    assert [row["value"] for row in story["features"] if row["name"] == "context.steps"] == [1.0]
    assert "example.org" not in str(story)


@pytest.mark.parametrize(
    ("flag", "context", "code"),
    [
        ("unknown", about("ben"), ErrorCode.FLAG_NOT_FOUND),
        (FLAG, about(None), ErrorCode.TARGETING_KEY_MISSING),
        (FLAG, about(None, plan="gold"), ErrorCode.TARGETING_KEY_MISSING),
        (FLAG, about("nobody"), ErrorCode.INVALID_CONTEXT),
        (FLAG, about("no such\0id"), ErrorCode.INVALID_CONTEXT),
        (FLAG, about("ben", steps=10**400), ErrorCode.INVALID_CONTEXT),
        (FLAG, about("ben", valueType="picture"), ErrorCode.INVALID_CONTEXT),
        (FLAG, about("ben", decisionPoint="two words"), ErrorCode.INVALID_CONTEXT),
    ],
)
def test_what_cannot_be_evaluated_gives_the_apps_default_and_its_code(
    client: OpenFeatureClient, flag: str, context: EvaluationContext, code: ErrorCode
) -> None:
    told = client.get_string_details(flag, "as before", context)
    assert (told.value, told.reason, told.error_code) == ("as before", Reason.ERROR, code)
    assert told.error_message


def test_a_value_of_another_type_than_asked_for_is_the_clients_own_error(client: OpenFeatureClient) -> None:
    told = client.get_integer_details(FLAG, 7, about("ben"))
    assert (told.value, told.error_code) == (7, ErrorCode.TYPE_MISMATCH)


def test_either_header_brings_the_key_and_without_one_nothing_is_evaluated(program: Program) -> None:
    key = program.key("recommend")[0]
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert connected(program, headers).get_string_details(FLAG, "", about("ben")).error_code is None
    for headers in ({}, {"X-API-Key": "nonsense"}, {"X-API-Key": program.key("read")[0]}):
        told = connected(program, headers).get_string_details(FLAG, "as before", about("ben"))
        assert (told.value, told.error_code) == ("as before", ErrorCode.GENERAL)
    api.clear_providers()


def test_who_withdrew_and_a_stopped_program_are_evaluated_to_nothing(
    program: Program, client: OpenFeatureClient
) -> None:
    admin = program.caller("admin")
    assert admin.put("/v1/members/cat", {"id": "cat", "consent": {"messages": False}}).status_code == 200
    told = client.get_string_details(FLAG, "a message", about("cat"))
    assert (told.value, told.variant, told.reason) == ("", "none", Reason.DEFAULT)
    assert "decision_id" not in told.flag_metadata
    admin.post("/v1/program/stop", {"by": "lead", "why": "A test."})
    told = client.get_string_details(FLAG, "a message", about("ben"))
    assert (told.value, told.variant, told.reason) == ("", "none", Reason.DISABLED)


# --- what the provider does not do: bodies as the protocol's specification has them ----------------


def evaluated(program: Program, body: Any, path: str = "", **headers: str) -> Any:
    caller = program.caller("recommend")
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    sent = {"Content-Type": "application/json", **headers}
    return caller.call("POST", f"/ofrep/v1/evaluate/flags{path}", headers=sent, **content)


def test_several_flags_at_once_are_the_defaults_and_those_that_are_named(program: Program) -> None:
    default = program.caller("read").get("/v1/program").json()["value"]
    context = {"targetingKey": "ben", "flags": ["unknown"]}
    rows = evaluated(program, {"context": context}).json()["flags"]
    assert [row["key"] for row in rows] == [default["default_strategy"], "unknown"]
    assert rows[0]["metadata"]["decision_id"] == recommended(program, member="ben")["decision_id"]
    assert rows[1]["errorCode"] == "FLAG_NOT_FOUND"
    adviser = evaluated(program, {"context": {"targetingKey": "ana"}}).json()["flags"]
    assert [row["key"] for row in adviser] == [
        name for name in (default["default_strategy"], default["default_adviser_strategy"]) if name
    ]
    assert not [row for row in adviser if "errorCode" in row]
    group = evaluated(program, {"context": {"targetingKey": "north"}}).json()["flags"]
    assert [row["key"] for row in group] == [default["default_group_strategy"]]


def test_a_flag_that_does_not_decide_for_this_one_has_its_error_among_the_others(program: Program) -> None:
    name = next(name for name, level in strategies(program).items() if level == "group")
    rows = evaluated(program, {"context": {"targetingKey": "ben", "flags": [name]}}).json()["flags"]
    assert [row.get("errorCode") for row in rows] == [None, "INVALID_CONTEXT"]


def test_a_newcomer_of_a_trial_comes_into_its_arm_by_a_bulk_evaluation_and_not_by_a_named_flag(
    program: Program,
) -> None:
    staff = program.caller("admin", "recommend", "read", "research")
    for name in ("one", "two"):
        strategy = {"id": name, "title": name, "actions": ["win_story"]}
        staff.put(f"/v1/strategies/{name}", strategy).raise_for_status()
    arms = [{"id": name, "title": name, "strategies": [name]} for name in ("one", "two")]
    trial = {"id": "which", "title": "Which?", "conditions": arms, "starts_on": "2026-01-01"}
    staff.put("/v1/trials/which", trial).raise_for_status()
    body = {"context": {"targetingKey": "ben"}}
    flags = "/ofrep/v1/evaluate/flags"
    for name in ("one", "two"):
        refused = staff.post(f"{flags}/{name}", body).json()
        assert refused["errorCode"] == "INVALID_CONTEXT"
        assert "has no arm of trial `which` yet" in refused["errorDetails"]
    assert staff.get("/v1/trials/which/assignments").json()["assigned"] == []
    first = staff.post(flags, body).json()["flags"]
    ((arm, group),) = [
        (row["arm"], row["group"]) for row in staff.get("/v1/trials/which/assignments").json()["assigned"]
    ]
    assert group == "north"
    assert [row["key"] for row in first] == [arm]
    assert staff.post(flags, body).json()["flags"] == first


def test_what_has_not_changed_is_not_sent_again(program: Program) -> None:
    body = {"context": {"targetingKey": "ben"}}
    first = evaluated(program, body)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = evaluated(program, body, **{"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = evaluated(program, {"context": {"targetingKey": "cat"}}, **{"If-None-Match": tag})
    assert other.status_code == 200
    decision = first.json()["flags"][0]["metadata"]["decision_id"]
    program.caller("recommend").post(f"/v1/decisions/{decision}/answers", {"status": "declined"})
    moved = {"context": {"targetingKey": "ben", "decisionPoint": "another"}}
    assert evaluated(program, moved, **{"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["", f"/{FLAG}"])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        ({"context": "ben"}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": 5}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "nobody"}}, "INVALID_CONTEXT"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({}, "TARGETING_KEY_MISSING"),
    ],
)
def test_errors_have_the_protocols_shape(program: Program, path: str, body: Any, code: str) -> None:
    told = evaluated(program, body, path)
    assert (told.status_code, told.json()["errorCode"]) == (400, code)
    assert told.json()["errorDetails"]
    assert told.json().get("key") == (FLAG if path else None)


def test_a_flag_that_is_not_there_is_not_found(program: Program) -> None:
    told = evaluated(program, {"context": {"targetingKey": "ben"}}, "/unknown")
    assert (told.status_code, told.json()["errorCode"], told.json()["key"]) == (
        404,
        "FLAG_NOT_FOUND",
        "unknown",
    )
