"""The flows of `examples/rapidpro`: of the documented shape, and run against the service itself.

What is checked of the shape is what the flow engine refuses when it reads a definition (nyaruka/goflow,
`flows/definition`), and what no engine finds: a result that is read and never set.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engagement.api.adapters import rapidpro
from engagement.workflows.tallies import standing
from support.rapidpro import SPEC, Run, key_of
from support.running import Program

EXPORT = json.loads((Path(__file__).parents[3] / "examples" / "rapidpro" / "flows.json").read_text())
SMS, VOICE = EXPORT["flows"]
ANSWERS = {
    "/adapters/rapidpro/recommendation": rapidpro.Flat,
    "/adapters/rapidpro/brief": rapidpro.FlatBrief,
    "/adapters/rapidpro/month": rapidpro.MonthNoted,
    "/adapters/rapidpro/answer": rapidpro.Stands,
}
each_flow = pytest.mark.parametrize("flow", EXPORT["flows"], ids=lambda flow: flow["type"])


def actions(flow: Any) -> list[Any]:
    return [action for node in flow["nodes"] for action in node["actions"]]


def named(flow: Any, prefix: str) -> set[str]:
    """Every `prefix.name` that the flow's templates use."""
    return set(re.findall(rf"\b{prefix}\.(\w+)", json.dumps(flow)))


def test_the_export_has_what_an_import_looks_for():
    assert set(EXPORT) == {"version", "site", "flows", "campaigns", "triggers", "fields", "groups"}
    assert EXPORT["version"] == "13"
    declared = {field["key"] for field in EXPORT["fields"]}
    assert declared == {name for flow in EXPORT["flows"] for name in named(flow, "fields")}


@each_flow
def test_a_flow_has_the_header_of_its_specification(flow):
    assert (flow["spec_version"], flow["language"]) == (SPEC, "eng")
    assert flow["expire_after_minutes"] <= {"messaging": 20_160, "voice": 15}[flow["type"]]
    assert set(flow["_ui"]["nodes"]) == {node["uuid"] for node in flow["nodes"]}


@each_flow
def test_every_id_is_one_of_its_own_and_every_reference_leads_somewhere(flow):
    nodes = {node["uuid"] for node in flow["nodes"]}
    ids = Counter(re.findall(r'"uuid": "([0-9a-f-]{36})"', json.dumps(flow["nodes"])))
    assert max(ids.values()) == 1
    assert all(name[14] == "4" for name in ids)
    for node in flow["nodes"]:
        exits = {leaving["uuid"] for leaving in node["exits"]}
        assert exits
        assert {leaving["destination_uuid"] for leaving in node["exits"]} <= nodes | {None}
        if "router" in node:
            router = node["router"]
            categories = {one["uuid"]: one["exit_uuid"] for one in router["categories"]}
            assert set(categories.values()) == exits
            assert router["default_category_uuid"] in categories
            assert {case["category_uuid"] for case in router["cases"]} <= set(categories)
            assert all(1 <= len(one["name"]) <= 36 for one in router["categories"])
            assert len(router.get("result_name", "")) <= 64
        else:
            assert len(exits) == 1


@each_flow
def test_every_node_is_reached_from_the_first(flow):
    leads = {
        node["uuid"]: [leaving["destination_uuid"] for leaving in node["exits"]] for node in flow["nodes"]
    }
    reached, waiting = set(), [flow["nodes"][0]["uuid"]]
    while waiting:
        name = waiting.pop()
        if name is not None and name not in reached:
            reached.add(name)
            waiting += leads[name]
    assert reached == set(leads)


@each_flow
def test_a_flow_does_only_what_its_type_allows(flow):
    speaks = {"voice": "say_msg", "messaging": "send_msg"}[flow["type"]]
    assert {action["type"] for action in actions(flow)} == {speaks, "set_run_result", "call_webhook"}


@each_flow
def test_every_result_that_is_read_is_set_somewhere(flow):
    routers = [node["router"].get("result_name") for node in flow["nodes"] if "router" in node]
    given = [action.get("name") or action.get("result_name") for action in actions(flow)]
    assert named(flow, "results") <= {key_of(name) for name in (*routers, *given) if name}


@each_flow
def test_every_field_of_an_answer_that_is_read_is_in_that_answer(flow):
    by_exit = {}
    for node in flow["nodes"]:
        if node["actions"] and node["actions"][0]["type"] == "call_webhook":
            answer = ANSWERS[node["actions"][0]["url"].removeprefix("@globals.engagement_url")]
            by_exit[node["exits"][0]["destination_uuid"]] = {
                field.name for field in msgspec.structs.fields(answer)
            }
    for node in flow["nodes"]:
        read = set(re.findall(r"@webhook\.(\w+)", json.dumps(node)))
        assert not read or read <= by_exit[node["uuid"]]


@each_flow
def test_every_text_of_the_flow_itself_is_there_in_three_languages(flow):
    own = {
        action["uuid"]
        for action in actions(flow)
        if re.sub(r"@(webhook|results)\.\w+", "", action.get("text", "")).strip()
    }
    assert set(flow["localization"]) == {"hin", "tel"}
    for texts in flow["localization"].values():
        assert set(texts) == own
        assert all(said["text"][0].strip() for said in texts.values())


@each_flow
def test_a_key_is_nowhere_in_the_file_and_goes_out_in_one_header(flow):
    calls = [action for action in actions(flow) if action["type"] == "call_webhook"]
    assert {action["headers"]["Authorization"] for action in calls} == {"Bearer @globals.engagement_key"}
    assert "eng_" not in json.dumps(EXPORT)


# --- the same, run ---------------------------------------------------------------------------------


def started(program: Program, flow: Any, key: str | None = None, **fields: str) -> Run:
    own = key or program.key("signals", "read", "recommend", audience="adviser")[0]

    def call(method: str, path: str, body: str, headers: dict[str, str]):
        headers["Authorization"] = headers["Authorization"].replace("KEY", own)
        return program.running.client.request(method, path, content=body, headers=headers)

    return Run(flow, {"engagement_group": "north", "engagement_phone": "basic"} | fields, call)


def told(program: Program) -> set[tuple[str, str, int | None]]:
    """What counts of the group's last month: unit, kind, value."""
    with program.running.service.db.read(program.id) as conn:
        rows = standing(conn, program.id, [], ["north"])
    return {(row.unit_id, row.kind, row.value) for row in rows}


MONTH = {
    ("north", "meeting_held", 1),
    ("ana", "attendance", 1),
    ("ben", "attendance", 1),
    ("cat", "attendance", 0),
    ("ben", "goal_met", 1),
}


def test_a_month_by_sms_is_noted_and_thanked_for(program: Program):
    run = started(program, SMS)
    assert run.read[0].endswith("send: 1 | who came | who met the goal")
    run.answer("1 | 1 2 | 2")
    assert "Thank you" in run.read[1]
    assert told(program) == MONTH


def test_what_cannot_be_read_is_asked_for_once_more(program: Program):
    run = started(program, SMS).answer("we had a nice time")
    assert run.read[-1].startswith("Almost!")
    assert not run.over
    run.answer("1 | 1 2 | 2")
    assert told(program) == MONTH


def test_a_wrong_seat_gets_one_kind_line_and_the_rest_is_noted(program: Program):
    run = started(program, SMS).answer("1 | 1 2 9 | 2")
    assert any("9: no such seat" in text for text in run.read)
    assert told(program) == MONTH - {("cat", "attendance", 0)}  # 9 may have been meant for any seat


def test_a_month_by_keypad_is_the_month_by_sms(program: Program):
    run = started(program, VOICE)
    assert run.read[0].startswith("Hello.")
    for key in ("1", "1", "1", "1", "1", "1*2", "2"):  # goals, missed, hour, report, held, came, met
        run.answer(key)
    assert told(program) == MONTH
    assert any(text.startswith("Thank you! ") for text in run.read)


def test_a_key_that_leads_nowhere_plays_the_menu_again(program: Program):
    run = started(program, VOICE)
    before = run.read
    assert run.answer("7").read == before * 2


def test_a_meeting_not_held_is_told_with_two_keys(program: Program):
    started(program, VOICE).answer("4").answer("0")
    assert told(program) == {("north", "meeting_held", 0)}


def test_the_same_month_sent_by_sms_and_by_keypad_and_again_is_one_meeting(program: Program):
    for _ in range(2):
        started(program, SMS).answer("1 | 1 2 | 2")
        started(program, VOICE).answer("4").answer("1").answer("1*2").answer("2")
    assert told(program) == MONTH


@each_flow
def test_a_service_that_refuses_gets_a_kind_word_and_no_silence(program: Program, flow):
    run = started(program, flow, key="eng_wrong")
    assert run.over
    assert run.read == ["We cannot reach the notebook just now. Nothing is lost: please try again tomorrow."]


def test_the_flow_asks_for_its_group_before_it_brings_the_brief(program: Program):
    run = started(program, SMS)
    assert [one.text.rpartition("/")[2] for one in run.said[:2]] == ["recommendation", "brief"]
    known = program.caller("read", "recommend")
    first = known.post("/v1/recommendations", {"group": "north"}).json()
    started(program, SMS)
    assert known.post("/v1/recommendations", {"group": "north"}).json() == first


def test_what_a_group_tried_is_answered_from_the_flow(program: Program):
    caller = program.caller("recommend", "read", "admin")
    decision = None
    for point in range(60):
        asked = {"group": "north", "decision_point": f"p{point}"}
        found = caller.post("/v1/recommendations", asked).json()
        if found["action"]["id"] != "none" and not found["action"]["needs_accept"]:
            decision = found["decision_id"]
            break
        caller.post(f"/v1/decisions/{found['decision_id']}/answers", {"status": "declined"})
    assert decision is not None
    run = started(program, SMS).answer("1 | 1 2 | 2")
    assert run.read[-1].startswith("Did the group try it: ")
    run.answer("1")
    assert run.over
    assert caller.get(f"/v1/decisions/{decision}").json()["status"] == "done"


def test_a_shared_phone_hears_nothing_about_a_member(program: Program):
    caller = program.caller("signals")
    shared = {"source": "app", "kind": "goal_set", "value": "medicine", "occurred_at": "2026-10-01T10:00:00Z"}
    goals = [shared | {"id": name, "member": name, "chain": f"of-{name}"} for name in ("ana", "ben", "cat")]
    caller.post("/v1/signals", {"signals": goals})
    for flow in (SMS, VOICE):
        for phone in ("shared", ""):
            run = started(program, flow, engagement_phone=phone)
            if flow is VOICE:
                run.answer("1")
            assert not re.search(r"seat \d|\b[1-3] .*medicine", " ".join(run.read), re.IGNORECASE), run.read
