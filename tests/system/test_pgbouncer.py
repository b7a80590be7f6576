"""Through PgBouncer in transaction mode the service is as good as without; in statement mode it says no."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text

from engagement.cli import main
from engagement.clock import SystemClock
from engagement.settings import Settings
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.wall import LISTING, NOBODY
from engagement.workflows.doctor import examine
from support.ledger import agrees_with_itself, kept_exactly_once
from support.load import loaded
from support.pooler import pooled
from support.service import members, new_program, on_day, roster, running_service
from support.wall import behind_the_wall

pytestmark = pytest.mark.needs("pgbouncer")


def test_in_transaction_mode_what_was_acknowledged_is_kept_exactly_once(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fresh_database()
    program = new_program(url, roster(2))
    with pooled(url, "transaction") as through:
        with running_service(through, tmp_path, on_day(0)) as service:
            with loaded(service, program.key, members(2)) as load:
                load.grow(60)
                journal = load.finish()
            assert service.stop() == 0
        assert main(["rebuild", "--check", "--database", through]) == 0
        found = {finding.check: finding for finding in examine(Settings(database=through), 0, SystemClock())}
    assert found["pooler"].state == "well"
    assert kept_exactly_once(url, journal)
    assert agrees_with_itself(url)


def test_no_program_reaches_the_next_client_of_a_connection(fresh_database: Callable[[], str]) -> None:
    """One connection for everybody: whoever comes next sees what is theirs, and nothing without a name."""
    url = fresh_database()
    mine, theirs = (new_program(url, roster(1)).program_id for _ in range(2))
    with (
        pooled(behind_the_wall(url), "transaction", size=1) as through,
        closing(Database(through)) as one,
        closing(Database(through)) as other,
    ):
        for _ in range(3):
            assert [owners(one, mine), owners(other, NOBODY)] == [{mine}, set()]
            assert [owners(other, theirs), owners(one, NOBODY)] == [{theirs}, set()]
            assert owners(one, LISTING) == set()
        assert servers(one) == servers(other)


def owners(db: Database, of: str) -> set[str]:
    """Whose members a statement that names no program finds."""
    with db.read(of) as conn:
        return set(conn.execute(select(t.memberships.c.program_id)).scalars())


def servers(db: Database) -> int:
    """The process of PostgreSQL that serves a transaction."""
    with db.read(NOBODY) as conn:
        return int(conn.execute(text("SELECT pg_backend_pid()")).scalar_one())


@pytest.mark.slow
def test_behind_the_wall_the_service_is_as_good_through_it(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fresh_database()
    program = new_program(url, roster(2))
    with pooled(behind_the_wall(url), "transaction") as through:
        with running_service(through, tmp_path, on_day(0)) as service:
            with loaded(service, program.key, members(2)) as load:
                load.grow(60)
                journal = load.finish()
            assert service.stop() == 0
        assert main(["rebuild", "--check", "--database", through]) == 0
        found = {finding.check: finding for finding in examine(Settings(database=through), 0, SystemClock())}
    assert (found["pooler"].state, found["wall"].state) == ("well", "well")
    assert "one program a transaction" in found["wall"].found
    assert kept_exactly_once(url, journal)


def test_without_a_pooler_none_is_seen(fresh_database: Callable[[], str]) -> None:
    found = {finding.check for finding in examine(Settings(database=fresh_database()), 0, SystemClock())}
    assert "pooler" not in found


def test_in_statement_mode_the_doctor_says_what_is_wrong(fresh_database: Callable[[], str]) -> None:
    with pooled(fresh_database(), "statement") as through:
        last = examine(Settings(database=through), 0, SystemClock())[-1]
    assert (last.check, last.state) == ("pooler", "wrong")
    assert "pool_mode = transaction" in last.remedy
