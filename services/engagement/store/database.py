"""Connections: one writer at a time on SQLite, plain transactions on PostgreSQL, durable on both.

SQLite runs in WAL with synchronous=FULL. The driver's own transactions are switched off and
`BEGIN IMMEDIATE` is sent instead; within a process every writer first takes one fair lock, because
SQLite's busy handler is not fair. Readers use a second engine that cannot write.
"""

import os
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from engagement.errors import Invalid
from engagement.store.acts import Act, By, act_of
from engagement.store.silence import BEGIN, Watchdog
from engagement.store.sql import ACTING
from engagement.store.wall import NOBODY, Of, words

BUSY_TIMEOUT_MS = 5000
WAL_TRIES = 100
CHECKPOINT_PAGES = 10_000
"""40 MB of log before it is copied into the database: a page that changes often is copied once."""
CACHE_KIB = 64 * 1024
"""What a connection remembers of the file; with SQLite's own 2 MB a decision re-reads 13 pages."""
CONNECT_TIMEOUT_S = 2
POOL = 8
"""Connections that are kept, and as many more for a moment."""
WHOSE = "whose"
"""Execution option of a connection: the program whose transaction begins."""


GIVE = "give sqlite:///file.db or postgresql://user:password@host/name"


class FairLock:
    """A mutual-exclusion lock that serves its waiters in the order they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Database:
    """Where the ledger lives. `write` and `read` give a connection inside one transaction."""

    def __init__(self, url: str) -> None:
        backend = re.split(r"[:+]", url, maxsplit=1)[0]
        if backend not in {"sqlite", "postgresql"}:
            raise Invalid(f"--database: `{backend}` is no database to write to; {GIVE}")
        parsed = self.url = make_url(url)
        self.is_sqlite = backend == "sqlite"
        self._lock = FairLock() if self.is_sqlite else None
        self._writer = _sqlite(parsed, "PRAGMA foreign_keys=ON") if self.is_sqlite else _postgresql(parsed)
        self._reader = _sqlite(parsed, "PRAGMA query_only=ON") if self.is_sqlite else self._writer
        self._watchdog = None if self.is_sqlite else Watchdog(self._writer)
        self.actor: Callable[[], Act] | None = None

    @contextmanager
    def write(self, of: Of = NOBODY) -> Iterator[Connection]:
        """One durable transaction: committed when the block ends, rolled back when it raises.

        of : the program whose it is; behind the wall (`store.wall`) it sees no other's rows
        """
        with self._lock or nullcontext(), self._transaction(self._writer, of) as conn:
            if self.actor is not None:
                conn.execution_options(**{ACTING: self.actor()})
            yield conn

    def acting(self, by: By, now: Callable[[], int]) -> "Database":
        """The same database, in whose transactions somebody acts: one act in each that changes anything.

        now : tells the time in milliseconds
        """
        same = copy(self)
        same.actor = lambda: act_of(by, now())
        return same

    @contextmanager
    def read(self, of: Of = NOBODY) -> Iterator[Connection]:
        """One transaction that only reads. of : the program whose it is"""
        with self._transaction(self._reader, of) as conn:
            yield conn

    @contextmanager
    def _transaction(self, engine: Engine, of: Of) -> Iterator[Connection]:
        with engine.connect() as conn:
            if not self.is_sqlite:
                conn.execution_options(**{WHOSE: of})
            try:
                with conn.begin():
                    yield conn
            finally:
                if self._watchdog is not None:
                    self._watchdog.done(conn)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Meanwhile no other thread of this process writes to an SQLite file."""
        with self._lock or nullcontext():
            yield

    def pools(self) -> dict[str, QueuePool]:
        """The pools of connections by what they are for; PostgreSQL has one for both."""
        both = {"write": self._writer, "read": self._reader} if self.is_sqlite else {"both": self._writer}
        return {name: engine.pool for name, engine in both.items() if isinstance(engine.pool, QueuePool)}

    @property
    def folder(self) -> Path | None:
        """Where the file lies; None where the database is on a server, whose disk is not ours to see."""
        name = self.url.database
        return Path(name).absolute().parent if self.is_sqlite and name else None

    def engine(self) -> Engine:
        """The writing engine, for migrations and for watching statements."""
        return self._writer

    def close(self) -> None:
        """Closes every connection."""
        if self._watchdog is not None:
            self._watchdog.close()
        self._writer.dispose()
        self._reader.dispose()


def _sqlite(url: URL, pragma: str) -> Engine:
    if not url.database or url.database == ":memory:":
        raise Invalid("an in-memory database cannot keep anything; give sqlite:///a-file.db")
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=POOL, max_overflow=POOL)
    begin = "BEGIN" if "query_only" in pragma else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "do_connect")
    def _make(*_: object) -> None:
        """A new file is for its owner alone, and so will be the log that SQLite keeps beside it."""
        with suppress(OSError):  # it is there, or cannot be made, which SQLite says better
            os.close(os.open(str(url.database), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # the driver's own connection
        connection.isolation_level = None
        for line in (
            f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
            "PRAGMA synchronous=FULL",
            f"PRAGMA cache_size=-{CACHE_KIB}",
            f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
            pragma,
        ):
            connection.execute(line)
        _into_wal(connection)

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def _into_wal(connection: sqlite3.Connection) -> None:
    """Turns the file's log on, which holds from then on for everybody.

    Where another connection does so at this moment SQLite says "locked" at once, whatever the busy
    timeout, so the waiting is ours.
    """
    for attempt in range(1, WAL_TRIES + 1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if attempt == WAL_TRIES:
                raise
            time.sleep(BUSY_TIMEOUT_MS / 1000 / WAL_TRIES)
        else:
            return


def _postgresql(url: URL) -> Engine:
    """PgBouncer-safe: no prepared statements, no start-up options, nothing set per session.

    The driver's own BEGIN is switched off for one that limits idle transactions, and says whose this one
    is, in the same message.
    Many rows go as one INSERT: the driver's pipeline for many would leave a server that has answered
    it waiting for more, where no limit on idle transactions holds.
    """
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={"prepare_threshold": None, "connect_timeout": CONNECT_TIMEOUT_S},
        pool_size=POOL,
        max_overflow=POOL,
        pool_pre_ping=False,
    )
    engine.dialect.use_insertmanyvalues_wo_returning = True

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:  # the driver's own connection
        connection.autocommit = True

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql(BEGIN + words(conn.get_execution_options().get(WHOSE, NOBODY)))

    return engine
