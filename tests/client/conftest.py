"""A real service for tests of the client: stopped, killed and started at will."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from support.databases import sqlite_database
from support.proxy import Proxy
from support.service import START, Program, Service, new_program, roster, running_service


class Line(NamedTuple):
    """A service behind a proxy whose address stays the same, and a key to a program of 2 groups of 8."""

    service: Service
    proxy: Proxy
    address: str
    program: Program
    url: str

    def restart(self) -> None:
        """Starts the service again, and leads the line to its new address."""
        self.service.start(START.isoformat())
        self.proxy.lead_to(int(self.service.address.rpartition(":")[2]))


@pytest.fixture
def line(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Line]:
    url = sqlite_database(migrated_sqlite, tmp_path)
    program = new_program(url, roster(2))
    with running_service(url, tmp_path, START.isoformat()) as service:
        proxy = Proxy(int(service.address.rpartition(":")[2]))
        try:
            yield Line(service, proxy, f"http://127.0.0.1:{proxy.port}", program, url)
        finally:
            proxy.close()
