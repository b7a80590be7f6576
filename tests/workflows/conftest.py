"""A program of its own for every test, on both databases.

Programs share nothing, so the tests share a database of each kind and need not wait for one each.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager

import pytest
from sqlalchemy import event

from engagement.store.database import Database
from support.databases import postgresql_database, sqlite_database
from support.peer_groups import Here, a_program


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database for every test of this folder, once on each kind."""
    with ExitStack() as made:
        if request.param == "sqlite":
            template = request.getfixturevalue("migrated_sqlite")
            yield sqlite_database(template, tmp_path_factory.mktemp("workflows"))
        else:
            server, template = map(request.getfixturevalue, ("postgres", "migrated_postgresql"))
            yield made.enter_context(postgresql_database(server, template))


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
