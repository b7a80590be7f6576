"""Through PgBouncer in transaction mode the service is as good as without; in statement mode it says no."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from engagement.cli import main
from engagement.clock import SystemClock
from engagement.settings import Settings
from engagement.workflows.doctor import examine
from support.ledger import agrees_with_itself, kept_exactly_once
from support.load import loaded
from support.postgres import hand_over, reserved_port, server_account
from support.programs import find
from support.service import PATIENCE_SECONDS, members, new_program, on_day, roster, running_service

pytestmark = pytest.mark.needs("pgbouncer")

SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = 3
max_client_conn = 200
"""


@contextmanager
def pooled(url: str, mode: str) -> Iterator[str]:
    """The address of the same database through PgBouncer, which has three connections for everybody."""
    program = find("pgbouncer")
    assert program is not None
    direct, account = make_url(url), server_account()
    with tempfile.TemporaryDirectory(prefix="engagement-pgb-") as folder:
        home = Path(folder)
        with reserved_port() as holder:
            own = holder.getsockname()[1]
        told = {"host": direct.host, "port": direct.port, "own": own, "users": home / "users", "mode": mode}
        (home / "users").write_text(f'"{direct.username}" "{direct.password}"\n')
        (home / "settings").write_text(SETTINGS.format(**told))
        hand_over(home, account)
        through = direct.set(port=own).render_as_string(hide_password=False)
        command = [program, "-q", str(home / "settings")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **account.options(home)) as pooler:
            try:
                wait_for(through)
                yield through
            finally:
                pooler.terminate()


def wait_for(url: str) -> None:
    """Returns once a connection is taken."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as conn:
                conn.execute("SELECT 1")
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


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
