"""A database in which every example of the description was played, and copies of it to do as one likes."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import make_url

from support.databases import postgresql_database, sqlite_database, sqlite_url
from support.seeds import Lived, lived


class Origin(NamedTuple):
    """What was lived through, and how to have the URL of a copy of it."""

    lived: Lived
    copy: Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    folder = tmp_path_factory.mktemp("fuzz")
    if request.param == "sqlite":
        made = lived(sqlite_database(request.getfixturevalue("migrated_sqlite"), folder))
        source = Path(str(make_url(made.url).database))

        @contextmanager
        def copied() -> Iterator[str]:
            file = folder / "copy.db"
            shutil.copy(source, file)
            yield sqlite_url(file)
            for left in folder.glob("copy.db*"):
                left.unlink()

        yield Origin(made, copied)
        return
    server, template = map(request.getfixturevalue, ("postgres", "migrated_postgresql"))
    with postgresql_database(server, template) as url:
        made = lived(url)
        name = str(make_url(url).database)
        yield Origin(made, lambda: postgresql_database(server, name))
