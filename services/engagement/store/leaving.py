"""A whole program leaves: every row of it that can be told, and then every row of it deleted.

The ledger's triggers refuse every deletion. This is the one place that gets past them, for one transaction
that is either whole or nothing: where it breaks off, rows and triggers stand as before. PostgreSQL wants the
right to DELETE from every table of the ledger, which a user who may only work need not have.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select, text

from engagement.errors import Fault
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.silence import PATIENT

OF_PROGRAMS: tuple[Table, ...] = tuple(table for table in t.metadata.sorted_tables if "program_id" in table.c)
"""Parents before children."""
SECRET = frozenset({t.programs.c.draw_secret})
"""What is never told: who has it could foretell every draw."""


class Part(NamedTuple):
    """How many rows of a program a table has."""

    table: str
    rows: int


def counted(conn: Connection, program_id: str) -> tuple[Part, ...]:
    """The program's rows in every table that has any."""
    found = (
        Part(table.name, conn.execute(_of(program_id, table, func.count())).scalar_one())
        for table in OF_PROGRAMS
    )
    return tuple(part for part in found if part.rows)


def told(conn: Connection, program_id: str, table: Table) -> Iterator[dict[str, Any]]:
    """The program's rows in one table of the ledger, by column and in order of the key; no secret."""
    columns = [column for column in table.c if column not in SECRET]
    query = _of(program_id, table, *columns).order_by(*table.primary_key)
    for row in conn.execute(query.execution_options(yield_per=1_000)).mappings():
        yield dict(row)


def _of(program_id: str, table: Table, *what: Any) -> Any:
    return select(*what).select_from(table).where(table.c.program_id == program_id)


def patiently(conn: Connection) -> None:
    """Lets this transaction last: nobody cuts it while it writes a file."""
    conn.execution_options(**{PATIENT: True})
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


@contextmanager
def unguarded(conn: Connection, *, alone: bool = True) -> Iterator[None]:
    """A transaction in which the ledger may be changed, for who was granted DELETE on it.

    alone : whoever else writes to the ledger waits until it ends; SQLite has one writer in any case
    """
    if conn.dialect.name == "sqlite":
        rows = conn.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"))
        guards = {f"{table.name}_no_{verb}" for table in t.LEDGER for verb in ("update", "delete")}
        triggers = {name: sql for name, sql in rows if name in guards}
        _each(conn, (f"DROP TRIGGER {name}" for name in triggers))
        yield
        _each(conn, triggers.values())
        return
    _must_be_allowed(conn)
    if alone:
        names = ", ".join(sorted(table.name for table in t.LEDGER))
        conn.exec_driver_sql(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
    conn.exec_driver_sql("SET LOCAL engagement.leaving = 'yes'")
    yield
    conn.exec_driver_sql("SET LOCAL engagement.leaving = 'no'")


def _must_be_allowed(conn: Connection) -> None:
    """Raises a `Fault` for a database user whom the triggers would not let through."""
    may = text("SELECT has_table_privilege(current_user, CAST(:name AS text), 'DELETE')")
    if not all(conn.execute(may, {"name": table.name}).scalar() for table in t.LEDGER):
        raise Fault(
            "this database user may not delete from the ledger: it takes the one who owns its tables, "
            "or one with the right to DELETE from each of them"
        )


def _each(conn: Connection, statements: Any) -> None:
    for statement in statements:
        conn.exec_driver_sql(statement)


def overwriting(conn: Connection) -> None:
    """From here on SQLite overwrites what this connection deletes; PostgreSQL has no such thing."""
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")


def delete(conn: Connection, program_id: str) -> tuple[Part, ...]:
    """Deletes every row of the program, `unguarded`; what was deleted of each table that had any.

    On SQLite what is deleted is overwritten in the file; `wipe` cleans what was freed before.
    """
    overwriting(conn)
    gone = {
        table.name: conn.execute(table.delete().where(table.c.program_id == program_id)).rowcount
        for table in reversed(OF_PROGRAMS)
    }
    return tuple(Part(table.name, gone[table.name]) for table in OF_PROGRAMS if gone[table.name])


def wipe(db: Database) -> bool:
    """Writes the database anew without anything that was ever deleted. False where others stood in the way.

    On SQLite file and log are clean after it; it needs to be alone with the file. On PostgreSQL dead rows are
    freed for what comes, and older copies of pages may stay on the disk until they are written over.
    """
    with db.alone():
        return _wiped(db)


def _wiped(db: Database) -> bool:
    connection = db.engine().raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("VACUUM")
        if db.is_sqlite:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (busy, *_) = cursor.fetchall()[0]
            return not busy
    except sqlite3.OperationalError:  # another connection writes, or reads, at this moment
        return False
    else:
        return True
    finally:
        connection.close()
