"""A hand on PostgreSQL's locks: holds up whoever wants to write a table, and sees that they wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import psycopg
from psycopg import sql

from support.service import PATIENCE_SECONDS


def connected(url: str) -> psycopg.Connection:
    """A connection to the database behind SQLAlchemy's URL."""
    return psycopg.connect(url.replace("+psycopg", ""))


@contextmanager
def held(url: str, table: str) -> Iterator[None]:
    """Meanwhile the table can be read by all and written by nobody."""
    with connected(url) as conn:
        conn.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
        yield


def wait_for_waiters(url: str, number: int = 1) -> None:
    """Returns once at least so many sessions of this database wait for a lock."""
    waiting = (
        "SELECT count(*) >= %s FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = monotonic() + PATIENCE_SECONDS
    with connected(url) as conn:
        conn.autocommit = True  # else its view of the others would stand still
        while conn.execute(waiting, (number,)).fetchone() != (True,):
            if monotonic() > deadline:
                raise TimeoutError(f"no {number} sessions wait for a lock")
            sleep(0.01)
