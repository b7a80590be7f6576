"""PgBouncer in front of a PostgreSQL: everybody shares a few connections."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from support.postgres import hand_over, reserved_port, server_account
from support.programs import find
from support.service import PATIENCE_SECONDS

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
default_pool_size = {size}
max_client_conn = 200
"""


@contextmanager
def pooled(url: str, mode: str = "transaction", size: int = 3) -> Iterator[str]:
    """The address of the same database through PgBouncer. size : the connections it has for everybody"""
    program = find("pgbouncer")
    assert program is not None
    direct, account = make_url(url), server_account()
    with tempfile.TemporaryDirectory(prefix="engagement-pgb-") as folder:
        home = Path(folder)
        with reserved_port() as holder:
            own = holder.getsockname()[1]
        told = {"host": direct.host, "port": direct.port, "own": own, "users": home / "users", "mode": mode}
        told["size"] = size
        (home / "users").write_text(f'"{direct.username}" "{direct.password}"\n')
        (home / "settings").write_text(SETTINGS.format(**told))
        hand_over(home, account)
        through = direct.set(port=own).render_as_string(hide_password=False)
        command = [program, "-q", str(home / "settings")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, **account.options(home)) as pooler:
            try:
                _wait_for(through)
                yield through
            finally:
                pooler.terminate()


def _wait_for(url: str) -> None:
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
