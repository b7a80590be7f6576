"""The application on a real socket and on both databases; every test has programs of its own in it."""

from collections.abc import Iterator

import pytest

from support.databases import postgresql_database, sqlite_database
from support.running import Program, Running, Watch, running
from support.wall import behind_the_wall


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


WALL = pytest.param("behind the wall", marks=pytest.mark.slow)
"""PostgreSQL again, for a user who does not own the tables and is held by their policies."""


@pytest.fixture(scope="session", params=["sqlite", "postgresql", WALL])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a migrated database for every test of this folder, once on each kind."""
    if request.param == "sqlite":
        yield sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path_factory.mktemp("api"))
    else:
        server, template = map(request.getfixturevalue, ("postgres", "migrated_postgresql"))
        with postgresql_database(server, template) as url:
            yield url if request.param == "postgresql" else behind_the_wall(url)


@pytest.fixture(scope="session")
def served(shared_url: str, watch: Watch) -> Iterator[Running]:
    """The service. No deadline of its makes a slow machine fail a test."""
    with running(shared_url, watch=watch, deadline_ms=20_000) as service:
        yield service


@pytest.fixture
def program(served: Running) -> Program:
    return served.program()


@pytest.fixture
def other(served: Running) -> Program:
    """A second program beside the first."""
    return served.program()
