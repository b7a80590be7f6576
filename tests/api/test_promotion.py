"""Control, shadow and promotion over HTTP."""

from typing import Any

import pytest

from support.running import Program

WATCHING: dict[str, Any] = {
    "id": "watching",
    "title": "Watches",
    "actions": ["goal_reminder"],
    "control": {"share": 0.2, "baseline": {"kind": "fixed_order", "actions": ["goal_reminder"]}},
    "shadow": {"until": "2020-01-31", "baseline": {"kind": "even_chance"}, "rule": {"outcomes": 1}},
}


@pytest.fixture
def watched(program: Program) -> Program:
    """A program with a strategy in shadow."""
    assert program.caller("admin").put("/v1/strategies/watching", WATCHING).status_code == 200
    return program


def test_a_strategy_with_control_and_shadow_is_read_back_as_it_was_given(watched: Program) -> None:
    stored = watched.caller("read").get("/v1/strategies/watching").json()["value"]
    assert stored["control"] == WATCHING["control"]
    assert stored["shadow"]["until"] == "2020-01-31"
    assert stored["shadow"]["rule"]["outcomes"] == 1


def test_a_recommendation_says_its_arm(watched: Program) -> None:
    answer = watched.caller("recommend").post(
        "/v1/recommendations", {"member": "ben", "strategy": "watching"}
    )
    assert answer.json()["arm"] in ("control", "shadow")


def test_it_is_counted_as_a_baselines(watched: Program) -> None:
    def counted() -> float:
        found = [sample for family in registry.collect() for sample in family.samples]
        return sum(
            sample.value
            for sample in found
            if sample.name == "engagement_recommendations_total" and sample.labels["decided_by"] == "baseline"
        )

    registry = watched.running.service.metrics.registry
    before = counted()
    watched.caller("recommend").post("/v1/recommendations", {"member": "ben", "strategy": "watching"})
    assert counted() == before + 1


def test_its_standing_names_each_condition(watched: Program) -> None:
    told = watched.caller("read").get("/v1/strategies/watching/promotion").json()
    assert told["shadow"] is True
    assert {one["name"]: one["met"] for one in told["judged"]["conditions"]} == {
        "day": True,
        "outcomes": False,
        "groups": False,
        "belief": True,
    }


def test_a_rule_that_is_not_met_is_a_conflict_in_words(watched: Program) -> None:
    refused = watched.caller("admin").post("/v1/strategies/watching/promotion", {"revision": 1})
    assert refused.status_code == 409
    assert "0 outcomes; at least 1 wanted" in refused.json()["detail"]


def test_ending_a_shadow_by_hand_is_a_conflict(watched: Program) -> None:
    refused = watched.caller("admin").put("/v1/strategies/watching", WATCHING | {"shadow": None})
    assert refused.status_code == 409


def test_how_a_strategy_compares_is_not_for_those_who_carry_it_out(watched: Program) -> None:
    adviser = watched.caller("read", audience="adviser")
    assert adviser.get("/v1/strategies/watching/promotion").status_code == 403


def test_a_strategy_that_does_not_exist_has_no_promotion(watched: Program) -> None:
    assert watched.caller("read").get("/v1/strategies/other/promotion").status_code == 404
