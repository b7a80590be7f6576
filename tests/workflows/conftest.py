"""A program of its own for every test, on both databases.

Programs share nothing, so the tests share a database of each kind and need not wait for one each.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

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
