"""Through PgBouncer in transaction mode the service is as good as without; in statement mode it says no."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engagement.cli import main
from engagement.clock import SystemClock
from engagement.settings import Settings
from engagement.workflows.doctor import examine
from support.ledger import agrees_with_itself, kept_exactly_once
from support.load import loaded
from support.pooler import pooled
from support.service import members, new_program, on_day, roster, running_service

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


def test_without_a_pooler_none_is_seen(fresh_database: Callable[[], str]) -> None:
    found = {finding.check for finding in examine(Settings(database=fresh_database()), 0, SystemClock())}
    assert "pooler" not in found


def test_in_statement_mode_the_doctor_says_what_is_wrong(fresh_database: Callable[[], str]) -> None:
    with pooled(fresh_database(), "statement") as through:
        last = examine(Settings(database=through), 0, SystemClock())[-1]
    assert (last.check, last.state) == ("pooler", "wrong")
    assert "pool_mode = transaction" in last.remedy
