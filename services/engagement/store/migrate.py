"""Brings a database to this version's schema, one migration at a time and all or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text

from engagement.store.database import Database
from engagement.store.silence import PATIENT

MIGRATION_LOCK = 7_364_207_411
"""Any fixed number: PostgreSQL's transaction-scoped advisory lock of all migrations."""


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrades, or downgrades when `revision` lies before the present one. Safe to repeat."""
    with _exclusively(database) as conn:
        config = _config(conn)
        script = ScriptDirectory.from_config(config)
        order = [step.revision for step in script.walk_revisions("base", "heads")][::-1]
        now = MigrationContext.configure(conn).get_current_revision()
        target = script.get_current_head() if revision == "head" else revision
        behind = revision == "base" or (
            now in order and target in order and order.index(target) < order.index(now)
        )
        (command.downgrade if behind else command.upgrade)(config, revision)
        if database.is_sqlite and conn.execute(text("PRAGMA foreign_key_check")).first():
            raise RuntimeError(
                "the migration would leave rows without the row they refer to; nothing was changed"
            )


def is_current(database: Database) -> bool:
    """Whether the schema is the one this version was written for."""
    with database.read() as conn:
        now = MigrationContext.configure(conn).get_current_revision()
        return now == ScriptDirectory.from_config(_config(conn)).get_current_head()


def is_empty(database: Database) -> bool:
    """Whether no migration was ever run here."""
    with database.read() as conn:
        return MigrationContext.configure(conn).get_current_revision() is None


def _config(conn: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "engagement.store:migrations")
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
