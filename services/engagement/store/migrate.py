"""Brings a database to this version's schema, one migration at a time and all or nothing.

Migrations expand first and contract a release later, so that a release runs on the schema of the next:
while replicas are exchanged one by one, and after a step back. The database itself says from which revision
on code runs on it, so that a release which is too old for it refuses to start instead of going wrong.

On PostgreSQL a migration steps aside: it waits for a table for less time than the server takes to look for a
deadlock, gives back all that it holds, and begins again. Whoever is served meanwhile waits a moment, and is
never the one whose transaction the server ends.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from engagement.errors import Conflict
from engagement.store import facts
from engagement.store.database import Database
from engagement.store.silence import PATIENT

MIGRATION_LOCK = 7_364_207_411
"""Any fixed number: PostgreSQL's transaction-scoped advisory lock of all migrations."""
WAIT = "250ms"
"""How long a migration waits for a table: less than `deadlock_timeout`, a second by default."""
PATIENCE_S = 300.0
"""How long it goes on trying."""
PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
IN_USE = ("55P03", "40P01")
"""SQLSTATEs: a lock was not to be had in time, and a deadlock."""

FIRST = "0002"
"""Where this began: a database that says nothing runs with the code of every revision from here on."""
RUNS_FROM = FIRST
"""The oldest revision whose code runs on this version's schema. A migration that contracts raises it."""

log = logging.getLogger("engagement.store")

Standing = Literal["current", "empty", "behind", "ahead", "beyond"]
"""ahead : of a later version, and this one runs on it; beyond : of one that is too far ahead"""


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrades, or downgrades when `revision` lies before the present one. Safe to repeat.

    A database that is ahead is left as it is. raises : Conflict for one that is beyond, and where others
    keep the tables for minutes
    """
    if revision == "head" and (found := standing(database)) in ("ahead", "beyond"):
        if found == "beyond":
            raise Conflict(TOO_OLD)
        return

    def bring(conn: Connection) -> None:
        config = _config(conn)
        order = _order(ScriptDirectory.from_config(config))
        now = _revision(conn)
        target = order[-1] if revision == "head" else revision
        behind = revision == "base" or (
            now in order and target in order and order.index(target) < order.index(now)
        )
        (command.downgrade if behind else command.upgrade)(config, revision)
        if target == order[-1] and RUNS_FROM != FIRST:
            facts.state(conn, facts.RUNS_FROM, RUNS_FROM)

    change(database, bring)


def change(
    database: Database, statements: Callable[[Connection], None], patience_s: float = PATIENCE_S
) -> None:
    """Changes the schema in one transaction that no other change shares, beside whoever is served.

    statements : run again from the beginning where somebody used a table that they need
    raises : Conflict after `patience_s`, with nothing changed
    """
    until, pause_s = time.monotonic() + patience_s, PAUSE_S
    while True:
        try:
            with _exclusively(database) as conn:
                statements(conn)
                if database.is_sqlite and conn.execute(text("PRAGMA foreign_key_check")).first():
                    raise RuntimeError(
                        "the migration would leave rows without the row they refer to; nothing was changed"
                    )
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in IN_USE:
                raise
            if time.monotonic() > until:
                raise Conflict(TABLES_IN_USE) from error
            log.info("a migration waits for tables that others use")
        else:
            return
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


TABLES_IN_USE = "others kept the tables that are to change for too long; nothing was changed, start it again"
TOO_OLD = "the database has the schema of a later version, on which this one does not run: install that one"


def standing(database: Database) -> Standing:
    """How the schema stands to the one this version was written for."""
    with database.read() as conn:
        now = _revision(conn)
        order = _order(ScriptDirectory.from_config(_config(conn)))
        if now is None:
            return "empty"
        if now in order:
            return "current" if now == order[-1] else "behind"
        from_here_on = facts.stated(conn, facts.RUNS_FROM) or FIRST
        return "ahead" if from_here_on in order else "beyond"


def is_current(database: Database) -> bool:
    """Whether the schema is the one this version was written for."""
    return standing(database) == "current"


@cache
def head() -> str:
    """The newest revision that this version knows."""
    return _order(ScriptDirectory.from_config(_scripts()))[-1]


def _order(script: ScriptDirectory) -> list[str]:
    """Every revision, oldest first."""
    return [step.revision for step in script.walk_revisions("base", "heads")][::-1]


def _revision(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", "engagement.store:migrations")
    return config


def _config(conn: Connection) -> Config:
    config = _scripts()
    config.attributes["connection"] = conn
    return config


@contextmanager
def _exclusively(database: Database) -> Iterator[Connection]:
    """One transaction that no other migration shares.

    A batch migration on SQLite drops and recreates tables; with foreign keys on that would delete
    every child row, and the pragma is ignored inside a transaction, so it is set before BEGIN.
    """
    if not database.is_sqlite:
        with database.write() as conn:
            conn.execution_options(**{PATIENT: True})
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            conn.execute(text(f"SET LOCAL lock_timeout = '{WAIT}'"))
            yield conn
        return
    alone = Database(database.url.render_as_string(hide_password=False))
    event.listen(
        alone.engine(), "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=OFF")
    )
    try:
        with alone.write() as conn:
            yield conn
    finally:
        alone.close()
