"""A migration that is killed leaves the old schema or the new one, and the next start finishes it."""

from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep
from uuid import uuid4

import pytest
from psycopg import sql
from sqlalchemy import inspect

from engagement.store.database import Database
from engagement.store.migrate import is_current
from engagement.store.tables import metadata
from support.databases import migrate, sqlite_url
from support.locks import connected, wait_for_waiters
from support.postgres import Server
from support.service import on_day, running_service, started

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
