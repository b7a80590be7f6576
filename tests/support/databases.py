"""Fresh, migrated databases: migrated once, copied for every test."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from engagement.store.database import Database
from engagement.store.migrate import migrate as bring_up_to_date
from support.postgres import Server

Migrate = Callable[[str], object]
"""Brings the database at a URL to the newest schema and leaves no connection open."""

TEMPLATE = "migrated"


def migrate(url: str, revision: str = "head") -> None:
    """The service's own migration; down again to an older revision."""
    with closing(Database(url)) as database:
        bring_up_to_date(database, revision)


def postgresql_template(server: Server, migration: Migrate) -> str:
    """Make and migrate the database that `postgresql_database` copies; returns its name."""
    migration(server.create(TEMPLATE))
    return TEMPLATE


@contextmanager
def postgresql_database(server: Server, template: str) -> Iterator[str]:
    """The URL of a new copy of the template, dropped at the end with whoever is connected."""
    name = f"test_{uuid4().hex}"
    url = server.create(name, template)
    try:
        yield url
    finally:
        server.drop(name)


def sqlite_url(file: Path) -> str:
    """SQLAlchemy's address of a file."""
    return f"sqlite:///{file}"


def sqlite_template(folder: Path, migration: Migrate) -> Path:
    """Make and migrate the file that `sqlite_database` copies."""
    file = folder / f"{TEMPLATE}.db"
    migration(sqlite_url(file))
    return file


def sqlite_database(template: Path, folder: Path) -> str:
    """The URL of a new copy of the template in `folder`.

    Copied by SQLite, not byte by byte: the template's newest pages may still be in its log.
    """
    file = folder / f"{uuid4().hex}.db"
    with closing(sqlite3.connect(template)) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
    return sqlite_url(file)
