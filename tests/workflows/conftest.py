"""A program of its own for every test, on both databases.

Programs share nothing, so the tests share a database of each kind and need not wait for one each.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest
from sqlalchemy import event

from engagement.store.database import Database
from support.databases import postgresql_database, sqlite_database
from support.peer_groups import Here, a_program
from support.postgres import Server


@pytest.fixture(scope="session")
def shared_postgresql_url(postgres: Server, migrated_postgresql: str) -> Iterator[str]:
    """For tests of two processes at once; on SQLite there is one writer and nothing to settle."""
    with postgresql_database(postgres, migrated_postgresql) as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a migrated database for every test of this folder, once on each kind."""
    if request.param == "sqlite":
        return sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path_factory.mktemp("shared"))
    url: str = request.getfixturevalue("shared_postgresql_url")
    return url


@pytest.fixture(scope="session")
def db(shared_url: str) -> Iterator[Database]:
    with closing(Database(shared_url)) as database:
        yield database


@pytest.fixture
def here(db: Database) -> Here:
    return a_program(db)


@pytest.fixture
def statements(db: Database) -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects what is sent to the database meanwhile, transactions aside; many rows in one are one."""

    @contextmanager
    def collected() -> Iterator[list[str]]:
        sent: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
            if not statement.startswith("BEGIN"):
                sent.append(statement)

        event.listen(db.engine(), "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(db.engine(), "before_cursor_execute", note)

    return collected
