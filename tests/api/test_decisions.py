"""A decision's story, what became of it, and what it earned."""

from typing import Any

import pytest

from support.running import Caller, Program

UNKNOWN = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("recommend", "signals", "read")


@pytest.fixture
def decision(caller: Caller) -> dict[str, Any]:
    """A decision for ben that the belief has made."""
    made: dict[str, Any] = caller.post("/v1/recommendations", {"member": "ben"}).json()
    return made


def path(decision: dict[str, Any], more: str = "") -> str:
    return f"/v1/decisions/{decision['decision_id']}{more}"


def test_the_story_repeats_what_was_recommended(caller: Caller, decision: dict[str, Any]) -> None:
    told = caller.get(path(decision)).json()
    assert (told["recommendation"], told["status"], told["steps"]) == (decision, "proposed", [])


def test_the_story_tells_what_was_believed_of_every_action(caller: Caller, decision: dict[str, Any]) -> None:
    told = caller.get(path(decision)).json()
    asked = {row["action"] for row in decision["chances"] + decision["unavailable"]}
    assert {belief["action"] for belief in told["beliefs"]} == asked
    assert 0 <= told["uniform"] < 1


def test_answers_and_outcomes_become_part_of_the_story(caller: Caller, decision: dict[str, Any]) -> None:
    caller.post(path(decision, "/answers"), {"status": "accepted"})
    caller.post(path(decision, "/answers"), {"status": "not_done", "reason": "no_time"})
    caller.post(path(decision, "/outcome"), {"reward": 0.5})
    told = caller.get(path(decision)).json()
    assert [(step["status"], step["reason"]) for step in told["steps"]] == [
        ("accepted", None),
        ("not_done", "no_time"),
    ]
    assert [(row["revision"], row["reward"], row["source"]) for row in told["outcomes"]] == [
        (1, 0.5, "posted")
    ]


def test_repeating_an_answer_changes_nothing(caller: Caller, decision: dict[str, Any]) -> None:
    answers = [caller.post(path(decision, "/answers"), {"status": "done"}).json() for _ in range(2)]
    assert [(row["status"], row["changed"]) for row in answers] == [("done", True), ("done", False)]


def test_an_answer_that_cannot_follow_is_a_conflict(caller: Caller, decision: dict[str, Any]) -> None:
    caller.post(path(decision, "/answers"), {"status": "done"})
    answer = caller.post(path(decision, "/answers"), {"status": "declined"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:engagement:problem:conflict")
    assert answer.json()["title"] == "The request does not fit what is stored already"


def test_repeating_an_outcome_changes_nothing(caller: Caller, decision: dict[str, Any]) -> None:
    answers = [caller.post(path(decision, "/outcome"), {"reward": 1}).json() for _ in range(2)]
    assert [(row["revision"], row["changed"]) for row in answers] == [(1, True), (1, False)]


@pytest.mark.parametrize("reward", [-0.1, 1.1, "1"])
def test_a_reward_lies_between_nought_and_one(
    caller: Caller, decision: dict[str, Any], reward: object
) -> None:
    answer = caller.post(path(decision, "/outcome"), {"reward": reward})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reward")


@pytest.mark.parametrize(
    ("method", "more", "body"),
    [("GET", "", None), ("POST", "/answers", {"status": "done"}), ("POST", "/outcome", {"reward": 1})],
)
def test_an_unknown_decision_is_not_found(caller: Caller, method: str, more: str, body: object) -> None:
    answer = caller.call(method, f"/v1/decisions/{UNKNOWN}{more}", json=body)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:engagement:problem:not-found")
