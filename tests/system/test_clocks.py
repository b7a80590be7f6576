"""Clocks that step back and forth decide no decision point twice and learn nothing twice.

Between starts with simulated clocks, since a real one cannot be set here: each start has a time of its own.
While two replicas serve, with clocks of their own that run in real time and are put forward and back, each
for itself; to the service they are no simulation.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engagement.clock import SystemClock
from support.ledger import agrees_with_itself, size, stored
from support.running import Caller, running
from support.service import client_of, members, new_program, on_day, roster, running_service

STARTS = (0, -15, 45, 1, 90)
"""10 March, 23 February, 24 April, 11 March and 8 June, in this order."""
PEOPLE = members(1)
POINTS = ["2026-03", "2026-04", "2026-06"]
"""The months that name the decisions of who never answers: in February that of March is still open."""


def test_no_decision_point_is_decided_twice(database_url: str, tmp_path: Path) -> None:
    """The first member always says `done`, so that nothing of theirs is open and February has its own."""
    program = new_program(database_url, roster(1))
    bodies: dict[tuple[str, str], Any] = {}
    for day in STARTS:
        with (
            running_service(database_url, tmp_path, on_day(day)) as service,
            client_of(service, program.key) as client,
        ):
            for name in PEOPLE:
                body = client.insist("/v1/recommendations", {"member": name})
                assert bodies.setdefault((name, body["decision_point"]), body) == body
                if name == PEOPLE[0]:
                    client.insist(f"/v1/decisions/{body['decision_id']}/answers", {"status": "done"})
            client.insist("/v1/folds")
            assert service.stop() == 0
    expected = sorted([(name, point) for name in PEOPLE for point in POINTS] + [(PEOPLE[0], "2026-02")])
    assert sorted(bodies) == sorted(stored(database_url).decisions) == expected
    assert size(database_url, "outcomes") == size(database_url, "fold_entries") == len(expected) - len(PEOPLE)
    assert agrees_with_itself(database_url)


class Shifted:
    """The machine's clock, so many days ahead of it or behind."""

    simulated = False

    def __init__(self) -> None:
        self.days = 0.0

    def now_ms(self) -> int:
        """The moment that this clock shows."""
        return SystemClock().now_ms() + int(self.days * 86_400_000)


STEPS = ((0.0, 0.0), (3.0, 0.0), (-2.0, 0.0), (0.0, 45.0), (45.0, -1.0), (0.0, 0.02), (90.0, 90.0))
"""Days by which the two are off, one step after the other; the last lets everything close."""


def test_two_replicas_whose_clocks_step_are_one_service(database_url: str) -> None:
    clocks = Shifted(), Shifted()
    bodies: dict[tuple[str, str], Any] = {}
    with (
        running(database_url, clock=clocks[0], deadline_ms=20_000) as one,
        running(database_url, clock=clocks[1], deadline_ms=20_000) as other,
    ):
        here = one.program().caller("admin", "read", "recommend", "signals")
        there = Caller(other.client, here.key)
        said = datetime.now(UTC) - timedelta(days=5)
        for number, (clocks[0].days, clocks[1].days) in enumerate(STEPS):
            for name in ("ana", "ben", "cat", "dev", "eva"):
                for caller in (here, there):
                    answer = caller.post("/v1/recommendations", {"member": name})
                    assert answer.status_code == 200, answer.text
                    body = answer.json()
                    if body["decision_id"] is not None:
                        assert bodies.setdefault((name, body["decision_point"]), body) == body
            report = {"source": "app", "id": f"{number}", "kind": "attendance", "member": "ana", "value": 1}
            report |= {"occurred_at": (said + timedelta(hours=number)).isoformat()}
            for caller in (here, there):
                told = caller.post("/v1/signals", {"signals": [report]})
                assert told.status_code == 200
                assert "receipt" in told.json()["results"][0], told.text
                assert caller.post("/v1/folds").status_code == 200
    assert size(database_url, "decisions") == len(bodies)
    assert size(database_url, "signals") == len(STEPS)
    assert size(database_url, "fold_entries") == size(database_url, "outcomes") > 0
    assert agrees_with_itself(database_url)
