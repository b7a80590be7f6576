"""A migration that is killed leaves the old schema or the new one, and the next start finishes it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import Connection, inspect, text

from engagement.errors import Conflict
from engagement.store.database import Database
from engagement.store.migrate import change, is_current
from engagement.store.tables import metadata
from support.databases import migrate, sqlite_url
from support.locks import connected, wait_for_waiters
from support.postgres import Server
from support.service import PATIENCE_SECONDS, on_day, running_service, started

KILLS = 6
"""Kills of a migration on SQLite, at moments spread over its length."""


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
