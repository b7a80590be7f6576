"""A fold that is killed at any step, or overtaken at its last, is finished once and right."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from engagement.store import beliefs, setup
from engagement.store.beliefs import Version
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.claimed import CLAIM_MS
from engagement.workflows.fold import fold_entries
from support.databases import sqlite_database
from support.ledger import agrees_with_itself, learned, size
from support.locks import held, wait_for_waiters
from support.month import decide, live_through
from support.service import (
    PATIENCE_SECONDS,
    START_MS,
    Client,
    client_of,
    members,
    new_program,
    on_day,
    roster,
    running_service,
)

GROUPS = 32
PEOPLE = members(GROUPS)
STRATEGIES = ("counted", "learned")
CLOSED = 40
"""A day on which everything decided at the start has closed."""


def fold_unheard(client: Client) -> None:
    """Asks for a fold whose answer nobody may live to give."""
    with suppress(httpx.TransportError):
        client.post("/v1/folds")


@contextmanager
def folding(client: Client) -> Iterator[Future[None]]:
    """Meanwhile a fold goes on, until what is given is done."""
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(fold_unheard, client)
        yield asked
        asked.result()


def wait_for_rows(url: str, table: str, more_than: int, fold: Future[None]) -> None:
    """Returns once a table holds more rows than that, or the fold has ended because all had been folded."""
    deadline = monotonic() + PATIENCE_SECONDS
    while size(url, table) <= more_than and not fold.done():
        assert monotonic() < deadline
        sleep(0.001)


@contextmanager
def held_at(url: str, *tables: str) -> Iterator[None]:
    """Holds whoever wants to write a table; of two, the first is let go when the second is held."""
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(held(url, tables[0]))
        wait_for_waiters(url)
        if len(tables) == 2:
            second.enter_context(held(url, tables[1]))
            first.close()
            wait_for_waiters(url)
        yield


@pytest.mark.slow  # on PostgreSQL the same is tried with locks that hold each step, and always
def test_a_fold_killed_at_every_step_is_finished_by_the_next_start_on_sqlite(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    """Killed as soon as each table of a fold is seen to have grown."""
    url = sqlite_database(migrated_sqlite, tmp_path)
    program = new_program(url, roster(GROUPS))
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, program.key) as client:
        live_through(client, PEOPLE, STRATEGIES, 0)
        for number, table in enumerate(("outcomes", "claims", "fold_entries", "nodes", "versions")):
            service.kill()
            service.start(on_day(CLOSED + number))
            before = size(url, table)
            with folding(client) as fold:
                wait_for_rows(url, table, before, fold)
                service.kill()
        service.start(on_day(CLOSED + 10))
        client.insist("/v1/folds")
    assert size(url, "fold_entries") == size(url, "outcomes") == len(STRATEGIES) * len(PEOPLE)
    assert learned(url) == (len(STRATEGIES) * len(PEOPLE), 0)
    assert agrees_with_itself(url)


def test_a_fold_killed_at_every_step_is_finished_by_the_next_start_on_postgresql(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    """Killed where it waits to write each table of a fold."""
    url = fresh_database()
    program = new_program(url, roster(GROUPS))
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, program.key) as client:
        live_through(client, PEOPLE, STRATEGIES, 0)
        steps = (("outcomes",), ("claims",), ("fold_entries",), ("fold_entries", "nodes"), ("versions",))
        for number, tables in enumerate(steps):
            service.kill()
            service.start(on_day(CLOSED + number))
            with folding(client), held_at(url, *tables):
                service.kill()
        service.start(on_day(CLOSED + 10))
        client.insist("/v1/folds")
    assert size(url, "fold_entries") == size(url, "outcomes") == len(STRATEGIES) * len(PEOPLE)
    assert learned(url) == (len(STRATEGIES) * len(PEOPLE), 0)
    assert agrees_with_itself(url)


def test_a_fold_that_claims_a_version_just_published_leaves_it_as_it_is(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    """Another folder, here by hand, publishes between this one's look at the pointer and its claim."""
    url, name, people = fresh_database(), "counted", members(1)
    program, key = new_program(url, roster(1))
    now_ms = START_MS + CLOSED * 86_400_000
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, key) as client:
        for decision in decide(client, people, [name], "march"):
            client.insist(f"/v1/decisions/{decision}/outcome", {"reward": 1})
        client.move_clock(on_day(CLOSED))
        with closing(Database(url)) as db:
            with db.write() as conn:
                beliefs.claim(conn, program, name, 1, "other", now_ms, now_ms + CLAIM_MS)
                fresh = beliefs.unfolded(conn, program, name, 1, now_ms, len(people))
                beliefs.insert_entries(conn, program, name, fresh)
                catalogue = setup.catalogue(conn, Kept(), program, setup.catalogue_revision(conn, program))
                nodes, rows = fold_entries(conn, program, catalogue.strategies[name], fresh, lambda _: {})
                beliefs.write_nodes(conn, program, name, 1, nodes)
            with folding(client), db.write() as conn:
                beliefs.publish(conn, program, Version(name, 1, *rows, now_ms))
                beliefs.release(conn, program, name, 1)
                wait_for_waiters(url)
    assert learned(url) == (len(people), 0)
    assert agrees_with_itself(url)
