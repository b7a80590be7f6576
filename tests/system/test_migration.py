"""A migration that is killed leaves the old schema or the new one, and the next start finishes it."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import Connection, Engine, event, inspect, text

from engagement.cli import main
from engagement.errors import Conflict
from engagement.store.database import Database
from engagement.store.migrate import change, is_current
from engagement.store.tables import metadata
from support.databases import migrate, sqlite_url
from support.ledger import Content, agrees_with_itself, changed, content, size
from support.load import loaded
from support.locks import connected, wait_for_waiters
from support.postgres import Server
from support.service import (
    PATIENCE_SECONDS,
    Program,
    client_of,
    members,
    new_program,
    on_day,
    roster,
    running_service,
    started,
)

KILLS = 6
"""Kills of a migration of an empty database on SQLite, at moments spread over its length."""
OLDEST = "0001"
"""The revision whose tables hold all that a program needs; from there every step is walked."""
CHANGES = ("ALTER", "CREATE", "DROP", "INSERT", "UPDATE")
"""How a statement begins that changes something."""


def tables(url: str) -> set[str]:
    """The names of the tables there are."""
    with closing(Database(url)) as db:
        return set(inspect(db.engine()).get_table_names())


def serves(url: str, folder: Path) -> bool:
    """Whether a service started on the database brings it up to date and ends in order."""
    with running_service(url, folder, on_day(0)) as service:
        ended = service.stop()
    with closing(Database(url)) as db:
        return ended == 0 and is_current(db) and set(metadata.tables) <= tables(url)


def lived(url: str, folder: Path) -> Program:
    """A program that decided, was told, and has learned; its service was stopped on day 40."""
    program = new_program(url, roster(2))
    with running_service(url, folder, on_day(0)) as service:
        with loaded(service, program.key, members(2), callers=4) as load:
            load.grow(80)
            load.finish()
        with client_of(service, program.key) as client:
            client.move_clock(on_day(40))
            client.insist("/v1/folds")
        assert service.stop() == 0
    assert all(size(url, table) for table in ("decisions", "answers", "signals", "outcomes", "nodes"))
    return program


def held(url: str, of: Content | None = None) -> Content:
    """Every row of every table; see `content`."""
    with closing(Database(url)) as db:
        return content(db, of)


def migrated(url: str, killed_behind: int = 0) -> int:
    """How many changes `engagement migrate` made. killed_behind : the one behind which it kills itself"""
    made = 0

    def count(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal made
        if statement.lstrip().startswith(CHANGES):
            made += 1
            if made == killed_behind:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", count)
    try:
        assert main(["migrate", "--database", url]) == 0
    finally:
        event.remove(Engine, "after_cursor_execute", count)
    return made


def kill_a_migration(url: str, behind: int) -> None:
    """Migrates in a process of its own, which is killed with so many changes made and nothing committed."""
    process = multiprocessing.get_context("spawn").Process(target=migrated, args=(url, behind))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_a_migration_killed_on_sqlite_is_finished_by_the_next_start(tmp_path: Path) -> None:
    """Killed again and again, each time a little further on after its file has appeared."""
    draws = Random(20260312)
    for number in range(KILLS):
        file = tmp_path / f"{number}.db"
        migration = started(tmp_path, "migrations.log", "migrate", "--database", sqlite_url(file))
        while not file.exists():
            assert migration.poll() is None
            sleep(0.001)
        sleep(draws.uniform(0.02, 0.04) * number)
        migration.kill()
        migration.wait()
        assert tables(sqlite_url(file)) in (set(), {*metadata.tables, "alembic_version"})
        migrate(sqlite_url(file))
    assert serves(sqlite_url(file), tmp_path)


@pytest.mark.parametrize("table", ["api_keys", "fold_entries"])
def test_a_migration_killed_on_postgresql_is_finished_by_the_next_start(
    postgres: Server, tmp_path: Path, table: str
) -> None:
    """Killed where it waits to create a table that somebody else is about to create, and then does not."""
    url = postgres.create(f"killed_{uuid4().hex}")
    with connected(url) as other:
        other.execute(sql.SQL("CREATE TABLE {} (nothing integer)").format(sql.Identifier(table)))
        migration = started(tmp_path, "migrations.log", "migrate", "--database", url)
        wait_for_waiters(url)
        migration.kill()
        migration.wait()
        other.rollback()
    assert serves(url, tmp_path)


@pytest.mark.parametrize("kills", [3, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_filled_database_loses_nothing_to_kills_of_its_migration(
    database_url: str, tmp_path: Path, kills: int
) -> None:
    """Killed behind the first of its changes, the last, and others between: in full behind each of them."""
    program = lived(database_url, tmp_path)
    migrate(database_url, OLDEST)
    before = held(database_url)
    changes = migrated(database_url)
    assert changed(before, held(database_url, of=before)) == []
    migrate(database_url, OLDEST)
    assert changed(before, held(database_url)) == []
    for behind in sorted({1 + (changes - 1) * kill // (kills - 1) for kill in range(kills)}):
        kill_a_migration(database_url, behind)
        assert changed(before, held(database_url)) == []
    with (
        running_service(database_url, tmp_path, on_day(41)) as service,
        client_of(service, program.key) as client,
    ):
        assert changed(before, held(database_url, of=before)) == []
        assert client.recommend("g1-m1", "behind-the-migration")["decision_id"]
        assert service.stop() == 0
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    assert agrees_with_itself(database_url)


def test_two_migrations_at_once_both_succeed(postgres: Server, tmp_path: Path) -> None:
    url = postgres.create(f"twice_{uuid4().hex}")
    both = [started(tmp_path, "migrations.log", "migrate", "--database", url) for _ in range(2)]
    assert [migration.wait() for migration in both] == [0, 0]
    assert serves(url, tmp_path)


def widen(conn: Connection) -> None:
    """Changes one table, and then another."""
    conn.execute(text("ALTER TABLE decisions ADD COLUMN what_is_new VARCHAR(16)"))
    conn.execute(text("CREATE INDEX ix_signals_to_come ON signals (program_id, kind)"))


def columns(url: str) -> set[str]:
    """Of decisions."""
    with closing(Database(url)) as db:
        return {column["name"] for column in inspect(db.engine()).get_columns("decisions")}


def test_a_migration_steps_aside_for_whoever_would_wait_for_it_for_ever(
    postgres: Server, migrated_postgresql: str
) -> None:
    """Who has written the second table reads the first: a deadlock, if the migration kept what it has."""
    url = postgres.create(f"aside_{uuid4().hex}", migrated_postgresql)
    with closing(Database(url)) as db, ThreadPoolExecutor(1) as beside:
        with connected(url) as served:
            served.execute("LOCK TABLE signals IN ROW EXCLUSIVE MODE")
            migration = beside.submit(change, db, widen)
            wait_for_waiters(url)
            assert served.execute("SELECT count(*) FROM decisions").fetchone() == (0,)
            assert not migration.done()
            served.rollback()
        migration.result(timeout=PATIENCE_SECONDS)
    assert "what_is_new" in columns(url)


def test_a_migration_that_finds_no_moment_changes_nothing_and_says_so(
    postgres: Server, migrated_postgresql: str
) -> None:
    url = postgres.create(f"no_moment_{uuid4().hex}", migrated_postgresql)
    with closing(Database(url)) as db, connected(url) as served:
        served.execute("LOCK TABLE signals IN ROW EXCLUSIVE MODE")
        with pytest.raises(Conflict, match="others kept the tables"):
            change(db, widen, patience_s=0.5)
    assert "what_is_new" not in columns(url)
