"""Fixtures every folder may use. Servers and templates are made once a process, on first use."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from support.databases import (
    migrate,
    postgresql_database,
    postgresql_template,
    sqlite_database,
    sqlite_template,
)
from support.postgres import Server, running_server

pytest_plugins = ["support.not_run"]

# How long an example takes is not what a law states. `make test` tries the same examples every time, so
# that it fails only for who broke something, and few of them; `make slow` searches for new ones.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("search", deadline=None, max_examples=500)
settings.load_profile("same")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server behind `database_url`. Without fsync: these tests do not ask what survives a crash."""
    with running_server(fsync=False) as server:
        yield server


@pytest.fixture
def durable_postgres() -> Iterator[Server]:
    """A server of the test's own, with fsync, to stop, kill and start again."""
    with running_server(fsync=True) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgres: Server) -> str:
    return postgresql_template(postgres, migrate)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sqlite_template(tmp_path_factory.mktemp("template"), migrate)


@pytest.fixture
def fresh_database(postgres: Server, migrated_postgresql: str) -> Iterator[Callable[[], str]]:
    """Call it for the URL of a new, migrated PostgreSQL database; as often as the test likes."""
    with ExitStack() as made:
        yield lambda: made.enter_context(postgresql_database(postgres, migrated_postgresql))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, migrated database; the test runs once on each kind."""
    if request.param == "sqlite":
        return sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path)
    url: str = request.getfixturevalue("fresh_database")()
    return url


@pytest.fixture
def elsewhere(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that is not there yet, or is empty; of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path}/elsewhere.db"
        return
    server: Server = request.getfixturevalue("postgres")
    name = f"elsewhere_{uuid4().hex}"
    yield server.create(name)
    server.drop(name)
