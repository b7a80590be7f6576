"""A database copied whole while it serves, and put back where there is none.

SQLite copies itself, as it stands at one moment and without holding up whoever writes. PostgreSQL's own
`pg_dump` and `pg_restore` do the same there; the rows are counted in the very snapshot that is dumped.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, func, inspect, select, table, text
from sqlalchemy.engine import URL

from engagement.errors import Conflict, Fault, NotFound
from engagement.store import fitness
from engagement.store.database import Database
from engagement.store.leaving import patiently
from engagement.store.wall import NOBODY, Of

ANYBODYS = ("--no-owner", "--no-privileges")
BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite may keep next to its file."""


class Held(NamedTuple):
    """What is in a database. rows : by table; schema : of which migration; server : its kind and version"""

    rows: dict[str, int]
    schema: str
    server: str


def copy_out(db: Database, file: Path) -> Held:
    """Writes a copy of the database as it stands at one moment; what is in it.

    raises : NotFound without a database or without `pg_dump`, Fault when the copy is not sound
    """
    return _sqlite_out(db, file) if db.is_sqlite else _postgresql_out(db, file)


def copy_in(db: Database, file: Path, rows: Mapping[str, int]) -> Held:
    """Puts a copy where nothing is; what is there then.

    rows : by table, as many as there must be
    raises : Conflict when something is there, NotFound without `pg_restore`, Fault when it cannot be read, or
    has other rows; of SQLite then nothing is there
    """
    return _sqlite_in(db, file, rows) if db.is_sqlite else _postgresql_in(db, file, rows)


def _counted(found: Held, rows: Mapping[str, int]) -> Held:
    if found.rows != rows:
        differ = sorted({name for name, _ in found.rows.items() ^ rows.items()})
        raise Fault(f"there are other rows than were backed up, in {', '.join(differ)}")
    return found


def held(conn: Connection) -> Held:
    """What is in a database of any version."""
    names = sorted(map(str, inspect(conn).get_table_names()))
    rows = {name: conn.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names}
    version = ".".join(map(str, conn.dialect.server_version_info or ()))
    schema = MigrationContext.configure(conn).get_current_revision()
    return Held(rows, schema or "none", f"{conn.dialect.name} {version}")


def must_be_free(db: Database) -> None:
    """Raises Conflict when there is a database already: nothing is ever written over."""
    if db.is_sqlite:
        file = file_of(db)
        there = [
            path for path in (file, *(file.with_name(file.name + end) for end in BESIDE)) if path.exists()
        ]
        if there:
            raise Conflict(f"{there[0]} is there already; nothing is written over it. Move it away first")
        return
    with db.read(NOBODY) as conn:
        names = inspect(conn).get_table_names()
    if names:
        raise Conflict(
            f"the database has {len(names)} tables already; nothing is written over them. Give an empty one"
        )


def file_of(db: Database) -> Path:
    """The file that SQLite keeps its database in."""
    return Path(str(db.url.database))


def _sqlite_out(db: Database, file: Path) -> Held:
    source = file_of(db)
    if not source.exists():
        raise NotFound(f"there is no database {source}")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(file)) as copy:
        live.execute("PRAGMA busy_timeout=5000")
        live.execute("PRAGMA query_only=ON")
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
    return _sound(file)


def _sound(file: Path) -> Held:
    with _alone(file) as conn:
        flaw = conn.exec_driver_sql("PRAGMA quick_check").scalar_one()
        if flaw != "ok":
            raise Fault(f"the copy is not sound: {flaw}")
        return held(conn)


@contextmanager
def _alone(file: Path) -> Iterator[Connection]:
    """A copy, read without its being changed by so much as a log."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as conn:
            yield conn
    finally:
        engine.dispose()


def _sqlite_in(db: Database, file: Path, rows: Mapping[str, int]) -> Held:
    must_be_free(db)
    target = file_of(db)
    part = target.with_name(target.name + ".part")
    try:
        with file.open("rb") as source, part.open("wb") as copy:
            os.fchmod(copy.fileno(), 0o600)
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
        found = _counted(_sound(part), rows)
        part.replace(target)
    except sqlite3.DatabaseError as flaw:
        raise Fault(f"{file} is not a copy that SQLite can read: {flaw}") from flaw
    finally:
        part.unlink(missing_ok=True)
    return found


def _postgresql_out(db: Database, file: Path) -> Held:
    program = _program("pg_dump")
    with db.read(NOBODY) as conn:
        if fitness.behind_the_wall(conn):
            raise Conflict(
                "this database user sees one program at a time; back up as the owner of the tables"
            )
    with one_moment(db, NOBODY) as conn:
        snapshot = conn.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        found = held(conn)
        told = (
            "--format=custom",
            *ANYBODYS,
            f"--snapshot={snapshot}",
            f"--file={file}",
        )
        _run(program, told, db.url)
    return found


@contextmanager
def one_moment(db: Database, of: Of) -> Iterator[Connection]:
    """Reads the database as it stands at one moment, however long that takes. of : whose it is read"""
    with db.read(of) as conn:
        if not db.is_sqlite:  # there, one transaction sees one moment anyway
            conn.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        patiently(conn)
        yield conn


def _postgresql_in(db: Database, file: Path, rows: Mapping[str, int]) -> Held:
    must_be_free(db)
    program = _program("pg_restore")
    told = (*ANYBODYS, "--single-transaction", "--exit-on-error", str(file))
    _run(program, told, db.url)
    with db.read(NOBODY) as conn:
        return _counted(held(conn), rows)


def _program(name: str) -> str:
    """Where one of PostgreSQL's own programs is: in the folder PGBIN, or on the path."""
    folder = os.environ.get("PGBIN")
    found = shutil.which(name, path=folder) if folder else shutil.which(name)
    if found is None:
        where = f"in {folder}, the folder that PGBIN names" if folder else "on the path"
        raise NotFound(
            f"there is no {name} {where}. It comes with PostgreSQL's client programs (Debian: "
            "postgresql-client), of the server's version or a later one; PGBIN names their folder"
        )
    return found


def _run(program: str, told: Sequence[str], url: URL) -> None:
    """Runs one of PostgreSQL's own programs on a database; the password is on no command line."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  only with the extra `postgres`

    where = url.translate_connect_args(username="user", database="dbname")
    secret = where.pop("password", None)
    address = make_conninfo(**where, **{name: str(value) for name, value in url.query.items()})
    environment = dict(os.environ) | ({"PGPASSWORD": str(secret)} if secret else {})
    done = subprocess.run(  # noqa: S603  the program is PostgreSQL's own, and nothing goes through a shell
        [program, f"--dbname={address}", *told], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Fault(f"{Path(program).name} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
