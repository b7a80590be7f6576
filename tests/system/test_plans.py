"""A plan that is killed in the middle leaves none, and whoever asks next makes it whole."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import httpx
import pytest

from engagement.store.database import Database
from engagement.workflows.access import SCOPES, create_key
from support.databases import sqlite_database
from support.ledger import agrees_with_itself, size
from support.locks import held, wait_for_waiters
from support.peer_groups import ms
from support.service import Client, Service, client_of, on_day, running_service
from support.visits import a_planned_program, add_groups, add_worker

GROUPS = [f"g{n}" for n in range(24)]


def planned_program(url: str) -> str:
    """A program with a health worker who can make two visits a week; a key to it."""
    with closing(Database(url)) as db:
        here = a_planned_program(db)
        add_groups(here, "hill", *GROUPS)
        add_worker(here, "hill", "asha")
        with db.write() as conn:
            return create_key(conn, here.id, SCOPES, "research", ms(0), None).text


@contextmanager
def planning(client: Client) -> Iterator[None]:
    """Meanwhile a plan is asked for whose answer nobody may live to give."""

    def ask() -> None:
        with suppress(httpx.TransportError):
            client.post("/v1/plans", {})

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        yield
        asked.result()


def made_whole(url: str, client: Client) -> bool:
    """Whether one plan comes of it, the same for whoever asks, with a decision for every group."""
    first, again = (client.insist("/v1/plans", {})["items"] for _ in range(2))
    assert first == again
    (made,) = (item["plan"] for item in first)
    assert sorted(row["group"] for row in made["units"]) == sorted(GROUPS)
    assert sum(row["chance"] for row in made["units"]) == pytest.approx(made["visits"], abs=1e-9)
    return (size(url, "plans"), size(url, "decisions")) == (1, len(GROUPS))


@pytest.mark.parametrize("table", ["decisions", "visits", pytest.param("plans", marks=pytest.mark.slow)])
def test_a_plan_killed_on_postgresql_is_made_whole_by_the_next_start(
    fresh_database: Callable[[], str], tmp_path: Path, table: str
) -> None:
    """Killed where it waits to write each table of a plan."""
    url = fresh_database()
    key = planned_program(url)
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, key) as client:
        with planning(client), held(url, table):
            wait_for_waiters(url)
            service.kill()
        assert size(url, "plans") == 0
        service.start(on_day(0))
        assert made_whole(url, client)
    assert agrees_with_itself(url)


def killed_at_some_moment(service: Service, client: Client, moment_s: float) -> None:
    with planning(client):
        sleep(moment_s)
        service.kill()


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.slow)])
def test_a_plan_killed_on_sqlite_is_there_whole_or_not_at_all(
    migrated_sqlite: Path, tmp_path: Path, kills: int
) -> None:
    """Each time a little later; where it was made already, the next start tells the same."""
    url = sqlite_database(migrated_sqlite, tmp_path)
    key = planned_program(url)
    draws = Random(20260316)
    found: list[Any] = []
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, key) as client:
        for kill in range(kills):
            killed_at_some_moment(service, client, draws.uniform(0, 0.02) * kill)
            there = (size(url, "plans"), size(url, "decisions"))
            assert there in ((0, 0), (1, len(GROUPS)))
            found.append(there)
            service.start(on_day(0))
        assert sorted(found) == found
        assert made_whole(url, client)
    assert agrees_with_itself(url)
