"""One synthetic month of a program over HTTP: everybody is decided for, and then comes or does not."""

from collections.abc import Sequence
from typing import Any

from support.service import Client, on_day

MINUTE = 1 / 1440
"""In days. The service takes reports from up to ten minutes ahead of its clock."""


def decide(client: Client, people: Sequence[str], strategies: Sequence[str], point: str) -> list[str]:
    """Asks every strategy about everybody, until each has a decision; their ids."""
    decided: list[str] = []
    for strategy in strategies:
        asks = [{"member": name, "strategy": strategy, "decision_point": point} for name in people]
        while asks:
            answers = client.insist("/v1/recommendations/batch", {"requests": asks})["answers"]
            made = [answer["recommendation"]["decision_id"] for answer in answers]
            decided += filter(None, made)
            asks = [ask for ask, decision in zip(asks, made, strict=True) if decision is None]
    return decided


def attendance(people: Sequence[str], day: float) -> list[dict[str, Any]]:
    """Every second of them came to a meeting, a minute after this moment; the others did not."""
    return [
        {
            "source": "register",
            "id": f"{name}/came/{day}",
            "kind": "attendance",
            "member": name,
            "value": place % 2,
            "occurred_at": on_day(day + MINUTE),
        }
        for place, name in enumerate(people)
    ]


def live_through(client: Client, people: Sequence[str], strategies: Sequence[str], day: float) -> None:
    """Decides, and reports who came. The windows close 35 days later."""
    decide(client, people, strategies, f"day-{day}")
    client.insist("/v1/signals", {"signals": attendance(people, day)})
