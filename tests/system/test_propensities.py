"""The stored propensity is the probability with which the action was drawn, decision by decision.

A program that learns month by month is asked about everybody; what was drawn is held against what was stored,
and every decision is made again from its evidence.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import chdtrc

from support.ledger import agrees_with_itself, size
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

ONE_IN = 1e-5
"""How often this fails although all is right: draws are keyed by a secret that each program makes up."""


def live(client: Client, people: list[str], month: int) -> list[dict[str, Any]]:
    """Decides about everybody, tells who came, and folds when it is over; the decisions."""
    client.move_clock(on_day(40 * month))
    asks = [{"member": name, "strategy": "learned", "decision_point": f"month-{month}"} for name in people]
    told: list[dict[str, Any]] = []
    while len(told) < len(people):
        answers = client.insist("/v1/recommendations/batch", {"requests": asks})["answers"]
        told = [body for answer in answers if (body := answer["recommendation"])["decision_id"]]
    came = [
        {"source": "register", "id": f"{name}/{month}", "kind": "attendance", "member": name}
        | {"value": int((place + month) % 3 > 0), "occurred_at": on_day(40 * month + 1 / 1440)}
        for place, name in enumerate(people)
    ]
    client.insist("/v1/signals", {"signals": came})
    client.move_clock(on_day(40 * month + 39))
    client.insist("/v1/folds")
    return told


def tail(told: list[dict[str, Any]]) -> float:
    """How rarely draws are as far from what was stored as here: χ², a degree of freedom an action.

    What was possible depends on earlier draws, so the sum of the differences is a martingale, and its
    covariance the sum of diag(π) − ππᵀ, which is singular by one for probabilities sum to 1.
    """
    names = sorted({row["action"] for body in told for row in body["chances"]})
    chances = [{row["action"]: row["probability"] for row in body["chances"]} for body in told]
    pi = np.array([[row.get(name, 0.0) for name in names] for row in chances])
    drawn = np.array([[body["action"]["id"] == name for name in names] for body in told])
    away = (drawn - pi).sum(axis=0)
    covariance = np.diag(pi.sum(axis=0)) - pi.T @ pi
    return float(chdtrc(len(names) - 1, away @ np.linalg.pinv(covariance, hermitian=True) @ away))


@pytest.mark.parametrize(("groups", "months"), [(16, 3), pytest.param(125, 12, marks=pytest.mark.slow)])
def test_actions_are_drawn_as_often_as_their_stored_probabilities_say(
    database_url: str, tmp_path: Path, groups: int, months: int
) -> None:
    people = members(groups)
    program = new_program(database_url, roster(groups))
    with (
        running_service(database_url, tmp_path, on_day(0), deadline_ms=60_000) as service,
        client_of(service, program.key, timeout_s=600) as client,
    ):
        told = [body for month in range(months) for body in live(client, people, month)]
    assert len(told) == size(database_url, "decisions") == months * len(people)
    for body in told:
        assert body["probability"] == next(
            row["probability"] for row in body["chances"] if row["action"] == body["action"]["id"]
        )
    assert len({body["version"] for body in told}) == months
    assert tail(told) > ONE_IN
    assert agrees_with_itself(database_url)
