"""Fresh databases: of both kinds, migrated, and strangers to each other."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from support.databases import (
    postgresql_database,
    postgresql_template,
    sqlite_database,
    sqlite_template,
)
from support.postgres import Server


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Execute the statements in one transaction; returns the rows of the last, if it gives any."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        results = [connection.execute(text(statement)) for statement in statements]
        return [tuple(row) for row in results[-1]] if results[-1].returns_rows else []


def add_a_table(url: str) -> None:
    """A migration small enough to see: one table with one row."""
    run(url, "CREATE TABLE nudge (words TEXT)", "INSERT INTO nudge VALUES ('well done')")


def test_a_test_that_asks_for_a_database_runs_on_both_kinds() -> None:
    asking = f"{__file__}::{test_a_database_keeps_what_is_written.__name__}"
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", asking], capture_output=True, text=True, check=True
    )
    assert "[sqlite]" in collected.stdout
    assert "[postgresql]" in collected.stdout


def test_a_database_keeps_what_is_written(database_url: str) -> None:
    add_a_table(database_url)
    assert run(database_url, "SELECT words FROM nudge") == [("well done",)]


def test_two_fresh_databases_are_strangers(fresh_database: Callable[[], str]) -> None:
    one, other = fresh_database(), fresh_database()
    add_a_table(one)
    add_a_table(other)  # fails if the table is there already
    assert one != other


def test_a_postgresql_copy_carries_the_migration(durable_postgres: Server) -> None:
    template = postgresql_template(durable_postgres, add_a_table)
    with postgresql_database(durable_postgres, template) as url:
        assert run(url, "SELECT words FROM nudge") == [("well done",)]


def test_a_postgresql_copy_is_dropped_after_use(durable_postgres: Server) -> None:
    with postgresql_database(durable_postgres, "template1") as url:
        run(url, "SELECT 1")
    with pytest.raises(OperationalError, match="does not exist"):
        run(url, "SELECT 1")


def test_a_sqlite_copy_carries_the_migration(tmp_path: Path) -> None:
    template = sqlite_template(tmp_path, add_a_table)
    assert run(sqlite_database(template, tmp_path), "SELECT words FROM nudge") == [("well done",)]
