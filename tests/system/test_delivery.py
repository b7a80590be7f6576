"""A month of reports that came late, shuffled and three times ends where one delivery in order ends."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import make_url, select

from engagement.store import tables as t
from engagement.store.codec import array_of
from engagement.store.database import Database
from support.databases import sqlite_database
from support.ledger import agrees_with_itself
from support.month import decide
from support.postgres import Server
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

GROUPS = 2
PEOPLE = members(GROUPS)
STRATEGIES = ("counted", "learned")
MONTH = 30
LATE = 7
CLOSED, FOLDED = 36, 40
"""Windows last 35 days from day 0: the first fold hears nothing of the late reports, the second does."""
BATCH = 50

Report = dict[str, Any]


class State(NamedTuple):
    """What is made of the reports: tallies as bytes, last rewards, newest belief nodes."""

    tallies: dict[tuple[str, str], bytes]
    rewards: dict[str, float | None]
    nodes: dict[tuple[str, str], list[float]]


def the_month(draws: Random) -> list[Report]:
    """Every day: meetings, who came, goals, contacts; corrected now and then, and corrections corrected.

    In order of time. The first member leaves in the end.
    """
    reports: list[Report] = []
    for day in range(MONTH):
        reports += [
            said("meeting_held", day, f"g{group}", draws.randrange(5) > 0, unit="group")
            for group in range(1, GROUPS + 1)
        ]
        for name in PEOPLE:
            kind = draws.choice(["attendance", "goal_met", "goal_set", "health_worker_contact"])
            value = 1 if kind == "goal_set" else draws.randrange(2)
            reports += with_corrections(said(kind, day, name, value), draws)
    return [*reports, said("left", MONTH, PEOPLE[0], 1), said("stopped_messages", MONTH, PEOPLE[1], 1)]


def said(kind: str, day: int, about: str, value: int | None, *, unit: str = "member") -> Report:
    """One report of noon."""
    return {
        "source": "register",
        "id": f"{kind}/{about}/{day}",
        "kind": kind,
        unit: about,
        "value": value if value is None else int(value),
        "occurred_at": on_day(day + 0.01),
    }


def with_corrections(report: Report, draws: Random) -> list[Report]:
    """The report; one in six is corrected or taken back, and half of those corrected again."""
    chain = [report]
    if draws.randrange(6) == 0:
        taken_back = report["kind"] == "goal_set" or draws.randrange(2)
        chain.append(corrected(report, None if taken_back else 1 - report["value"]))
        if draws.randrange(2):
            chain.append(corrected(chain[-1], 1))
    return chain


def corrected(report: Report, value: int | None) -> Report:
    return report | {"id": report["id"] + "+", "corrects": report["id"], "value": value}


def deliver(client: Client, reports: Sequence[Report]) -> None:
    """Sends them in parts of this order."""
    for start in range(0, len(reports), BATCH):
        answer = client.insist("/v1/signals", {"signals": reports[start : start + BATCH]})
        assert all("receipt" in result for result in answer["results"]), answer


def shuffled(reports: Sequence[Report], seed: int) -> list[Report]:
    return Random(seed).sample(reports, len(reports))


def state(url: str) -> State:
    """Reads it from the database itself."""
    a, o, n = t.tallies.c, t.outcomes.c, t.nodes.c
    with closing(Database(url)) as db, db.read() as conn:
        nodes = conn.execute(select(n.strategy_id, n.node, n.state).order_by(n.version))
        rewards = conn.execute(select(o.decision_id, o.reward).order_by(o.revision))
        return State(
            {
                (kind, name): tally
                for kind, name, tally in conn.execute(select(a.unit_kind, a.unit_id, a.tally))
            },
            {row.decision_id: row.reward for row in rewards},
            {(strategy, node): array_of(content).tolist() for strategy, node, content in nodes},
        )


@pytest.fixture
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Copies a database to which nobody is connected; the copy's URL."""

    def copied(url: str) -> str:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return sqlite_database(Path(str(parsed.database)), tmp_path)
        server: Server = request.getfixturevalue("postgres")
        return server.create(f"twin_{uuid4().hex}", str(parsed.database))

    return copied


def test_late_shuffled_and_repeated_delivery_ends_in_the_same_state(
    database_url: str, twin: Callable[[str], str], tmp_path: Path
) -> None:
    """Two copies of one database with the same decisions in it, told the same month in two ways."""
    program = new_program(database_url, roster(GROUPS))
    month = the_month(Random(20260313))
    with (
        running_service(database_url, tmp_path, on_day(0)) as service,
        client_of(service, program.key) as client,
    ):
        decide(client, PEOPLE, STRATEGIES, "march")
        assert service.stop() == 0
        other = twin(database_url)
        service.start(on_day(0))
        for day in range(MONTH + 1):
            client.move_clock(on_day(day + 0.5))
            deliver(
                client, [report for report in month if report["occurred_at"].startswith(on_day(day)[:10])]
            )
        client.move_clock(on_day(FOLDED))
        client.insist("/v1/folds")
    with (
        running_service(other, tmp_path, on_day(CLOSED), name="late") as service,
        client_of(service, program.key) as client,
        ThreadPoolExecutor(3) as pool,
    ):
        client.insist("/v1/folds")
        client.move_clock(on_day(MONTH + LATE))
        list(pool.map(lambda seed: deliver(client, shuffled(month, seed)), range(3)))
        client.move_clock(on_day(FOLDED))
        client.insist("/v1/folds")
    in_order, late = state(database_url), state(other)
    assert late.tallies == in_order.tallies
    assert late.rewards == in_order.rewards
    assert late.nodes.keys() == in_order.nodes.keys()
    for key, sums in in_order.nodes.items():  # sums of the same rows in another order
        np.testing.assert_allclose(late.nodes[key], sums, rtol=1e-9, atol=1e-9)
    assert agrees_with_itself(database_url)
    assert agrees_with_itself(other)
