"""A service on a simulated clock says so everywhere, and moves only when it is told to."""

from collections.abc import Iterator
from typing import Any

import pytest

from engagement.clock import SimulatedClock
from support.running import Program, Running, running

START_MS = 1_772_344_800_000  # 2026-03-01T06:00:00Z


@pytest.fixture
def simulated(database_url: str) -> Iterator[Running]:
    with running(database_url, clock=SimulatedClock(START_MS), deadline_ms=20_000) as service:
        yield service


@pytest.fixture
def program(simulated: Running) -> Program:
    return simulated.program()


def test_every_answer_says_that_time_is_simulated(program: Program) -> None:
    caller = program.caller("admin")
    for path in ("/health/live", "/metrics", "/schema", "/v1/sites", "/nothing", "/v1/members/nobody"):
        assert caller.get(path).headers["engagement-simulated"] == "true"
    assert caller.post("/v1/recommendations", {"member": "ben"}).json()["simulated"] is True
    assert caller.get("/v1/members/ben/engagement").json()["simulated"] is True


def test_time_moves_when_it_is_told_to_and_never_back(program: Program) -> None:
    caller = program.caller("admin")
    assert caller.get("/v1/clock").json() == {"now": "2026-03-01T06:00:00Z"}
    assert caller.post("/v1/clock", {"now": "2026-04-01T06:00:00Z"}).json() == {"now": "2026-04-01T06:00:00Z"}
    assert caller.post("/v1/clock", {"now": "2026-03-31T06:00:00Z"}).status_code == 400
    assert caller.get("/v1/clock").json() == {"now": "2026-04-01T06:00:00Z"}


def test_time_moves_by_days_and_under_a_name_only_once(program: Program) -> None:
    caller = program.caller("admin")
    step = {"days": 31}
    for _ in range(2):
        moved = caller.post("/v1/clock", step, headers={"Idempotency-Key": "april"})
        assert moved.json() == {"now": "2026-04-01T06:00:00Z"}
    assert caller.post("/v1/clock", step).json() == {"now": "2026-05-02T06:00:00Z"}


@pytest.mark.parametrize("body", [{}, {"days": 0}, {"days": 1, "now": "2026-05-01T06:00:00Z"}])
def test_a_move_to_nowhere_or_to_two_moments_is_refused(program: Program, body: dict[str, Any]) -> None:
    assert program.caller("admin").post("/v1/clock", body).status_code == 400


def test_a_month_lived_in_a_moment_is_learned_from(program: Program) -> None:
    caller = program.caller("admin")
    decision = caller.post("/v1/recommendations", {"member": "ben"}).json()
    came = {"source": "s", "id": "1", "kind": "attendance", "member": "ben"}
    held = {"source": "s", "id": "2", "kind": "meeting_held", "group": "north"}
    day = {"occurred_at": "2026-03-10T06:00:00Z"}
    caller.post("/v1/clock", {"now": "2026-04-15T06:00:00Z"})
    caller.post("/v1/signals", {"signals": [came | day, held | day]})
    made = caller.post("/v1/folds").json()
    assert [(row["strategy"], row["version"], row["rows_in"]) for row in made] == [("learned", 1, 1)]
    earned = caller.get(f"/v1/decisions/{decision['decision_id']}").json()["outcomes"]
    assert [row["source"] for row in earned] == ["signals"]


def test_the_clock_is_described_where_it_exists(simulated: Running) -> None:
    assert "/v1/clock" in simulated.client.get("/schema/openapi.json").json()["paths"]
