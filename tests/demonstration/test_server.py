"""A server process ends with the block that started it, however that ends."""

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from engagement.demonstration.server import serving
from engagement.errors import Fault
from engagement.simulation.calendar import FIRST
from engagement.store import facts
from engagement.store.database import Database
from support.databases import sqlite_database


def serve_until(end: type[BaseException], url: str, log: Path, seen: list[str]) -> None:
    with serving(url, FIRST, log) as address:
        assert httpx.get(f"{address}/health/live").status_code == 200
        seen.append(address)
        raise end


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_a_server_never_outlives_its_block(
    migrated_sqlite: Path, tmp_path: Path, how: type[BaseException]
) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    seen: list[str] = []
    with pytest.raises(how):
        serve_until(how, url, tmp_path / "log", seen)
    (address,) = seen
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health/live")


def test_a_server_that_cannot_start_says_why(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = sqlite_database(migrated_sqlite, tmp_path)
    with closing(Database(url)) as db, db.write() as conn:
        facts.settle_kind_of_time(conn, "real")
    with (
        pytest.raises(Fault, match="time in this database is real"),
        serving(url, FIRST, tmp_path / "log"),
    ):
        pass
