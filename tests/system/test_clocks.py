"""Clocks that step back and forth between starts decide no decision point twice and learn nothing twice.

Simulated clocks, since a real one cannot be set here: each start has a time of its own.
"""

from pathlib import Path
from typing import Any

from support.ledger import agrees_with_itself, size, stored
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
