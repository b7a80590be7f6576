"""Two releases on one schema: a migration runs while the service serves, and the release before goes on.

There is no next release yet, so one is made up: a migration that adds a column, a table and an index, and
says from which revision on code runs on it, as `engagement.store.migrate` writes it down.
"""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from engagement.cli import main
from engagement.store import facts
from engagement.store.database import Database
from engagement.store.migrate import change, head, standing
from support.ledger import agrees_with_itself, kept_exactly_once
from support.load import loaded
from support.service import PATIENCE_SECONDS, members, new_program, on_day, roster, running_service, started

NEXT = (
    "ALTER TABLE decisions ADD COLUMN what_is_new VARCHAR(16)",
    "CREATE TABLE things_to_come (program_id VARCHAR(36) PRIMARY KEY, value INTEGER NOT NULL)",
    "CREATE INDEX ix_signals_to_come ON signals (program_id, kind)",
    "UPDATE alembic_version SET version_num = '9999'",
)


def bring_to_the_next_release(url: str, runs_from: str) -> None:
    """What the next release's migration does, beside whoever serves."""

    def bring(conn: Connection) -> None:
        for statement in NEXT:
            conn.execute(text(statement))
        facts.state(conn, facts.RUNS_FROM, runs_from)

    with closing(Database(url)) as db:
        change(db, bring)


def migrated(url: str, folder: Path) -> int:
    """The exit code of `engagement migrate`."""
    return started(folder, "migrate.log", "migrate", "--database", url).wait(timeout=PATIENCE_SECONDS)


def test_a_migration_runs_while_the_service_serves_and_the_release_before_goes_on(
    database_url: str, tmp_path: Path
) -> None:
    """It goes on serving, and a process of it starts again, as in a roll-out or after a step back."""
    program = new_program(database_url, roster(2))
    with running_service(database_url, tmp_path, on_day(0)) as service:
        with loaded(service, program.key, members(2), callers=4) as load:
            load.grow(40)
            assert migrated(database_url, tmp_path) == 0
            bring_to_the_next_release(database_url, head())
            load.grow(40)
            assert service.stop() == 0
            service.start(on_day(0))
            load.grow(40)
            journal = load.finish()
        assert service.stop() == 0
    assert kept_exactly_once(database_url, journal)
    with closing(Database(database_url)) as db:
        assert standing(db) == "ahead"
    assert agrees_with_itself(database_url)


@pytest.mark.parametrize("command", [("migrate",), ("fold",), ("serve", "--port", "0")])
def test_a_release_that_is_too_old_says_so_and_touches_nothing(
    database_url: str, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    bring_to_the_next_release(database_url, "9999")
    assert main([*command, "--database", database_url]) == 2
    said = capsys.readouterr().err
    assert said.startswith("engagement: the database has the schema of a later version")
    assert len(said.splitlines()) == 1
