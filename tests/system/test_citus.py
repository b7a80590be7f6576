"""On a Citus cluster the service is as good as on one server: run where TEST_CITUS_URL names a coordinator.

It names an empty database; the extension is made by the test, workers are the cluster's.
"""

import os
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from docs.pages import ROOT, blocks
from engagement.cli import main
from engagement.store.database import Database
from engagement.store.migrate import migrate
from support.backup import rows
from support.ledger import kept_exactly_once
from support.load import loaded
from support.service import members, new_program, on_day, roster, running_service


@pytest.fixture
def coordinator() -> str:
    """A migrated database whose tables are spread as the page says."""
    url = os.environ.get("TEST_CITUS_URL")
    if not url:
        pytest.skip("TEST_CITUS_URL names no empty database on the coordinator of a Citus cluster")
    name = make_url(url).database
    page = (ROOT / "docs" / "citus.md").read_text()
    statements = "\n".join(block.text for block in blocks(page) if block.info == "sql")
    with closing(Database(url)) as db:
        with db.write() as conn:
            conn.execute(text("CREATE EXTENSION IF NOT EXISTS citus"))
        migrate(db)
        with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            for line in statements.replace("DATABASE engagement", f'DATABASE "{name}"').splitlines():
                conn.execute(text(line))
    return url


def test_what_was_acknowledged_is_kept_once_and_another_program_is_not_touched(
    coordinator: str, tmp_path: Path
) -> None:
    program, other = (new_program(coordinator, roster(2)) for _ in range(2))
    with closing(Database(coordinator)) as db:
        before = rows(db, other.program_id)
        with running_service(coordinator, tmp_path, on_day(0)) as service:
            with loaded(service, program.key, members(2)) as load:
                load.grow(60)
                journal = load.finish()
            assert service.stop() == 0
        assert kept_exactly_once(coordinator, journal)
        assert main(["rebuild", "--check", "--database", coordinator]) == 0
        assert main(["replay", "--program", program.program_id, "--database", coordinator]) == 0
        assert rows(db, other.program_id) == before
