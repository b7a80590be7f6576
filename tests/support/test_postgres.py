"""The server the other tests stand on: real, private, killable, and gone afterwards."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

import psycopg
import pytest

from support.postgres import PATIENCE_SECONDS, Server, bundled_binaries, is_dead, running_server


def ask(server: Server, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
    address = server.url(database).replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_text_is_utf8_and_sorts_by_code_point(postgres: Server) -> None:
    assert ask(postgres, "SHOW server_encoding") == [("UTF8",)]
    assert ask(postgres, "SELECT 'B' < 'a', 'z' < 'é'") == [(True, True)]


def test_nobody_enters_without_the_password(postgres: Server) -> None:
    address = f"host=127.0.0.1 port={postgres.port} user=engagement dbname=postgres password=guess"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(address)


def test_the_server_never_belongs_to_root(postgres: Server) -> None:
    assert (postgres.home / "data").stat().st_uid != 0


def test_only_the_durable_server_waits_for_the_disk(postgres: Server, durable_postgres: Server) -> None:
    assert ask(postgres, "SHOW fsync") == [("off",)]
    assert ask(durable_postgres, "SHOW fsync") == [("on",)]


def test_what_is_committed_survives_a_kill_on_the_same_port(durable_postgres: Server) -> None:
    port = durable_postgres.port
    ask(durable_postgres, "CREATE TABLE visit AS SELECT 7 AS minutes")
    durable_postgres.kill()
    durable_postgres.start()
    assert durable_postgres.port == port
    assert ask(durable_postgres, "SELECT minutes FROM visit") == [(7,)]


def test_a_killed_server_leaves_its_crash_to_be_recovered_from(durable_postgres: Server) -> None:
    durable_postgres.kill()
    durable_postgres.start()
    assert "database system was not properly shut down" in (durable_postgres.home / "log").read_text()


def test_a_stopped_server_was_shut_down_in_order(durable_postgres: Server) -> None:
    ask(durable_postgres, "CREATE TABLE visit AS SELECT 7 AS minutes")
    durable_postgres.stop()
    durable_postgres.start()
    assert "database system was not properly shut down" not in (durable_postgres.home / "log").read_text()
    assert ask(durable_postgres, "SELECT minutes FROM visit") == [(7,)]


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_nobody_answers_while_the_server_is_down(
    durable_postgres: Server, end: Callable[[Server], None]
) -> None:
    end(durable_postgres)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        ask(durable_postgres, "SELECT 1")


def test_a_kill_spares_no_process_that_serves_a_client(durable_postgres: Server) -> None:
    with closing(psycopg.connect(durable_postgres.url("postgres").replace("+psycopg", ""))) as connection:
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 100000000)")  # some seconds
        processes = durable_postgres.processes()
        assert connection.info.backend_pid in processes
        durable_postgres.kill()
        assert all(is_dead(process) for process in processes)


def test_a_failing_test_leaves_neither_process_nor_folder() -> None:
    with ExitStack() as test:
        test.enter_context(pytest.raises(ZeroDivisionError))
        server = test.enter_context(running_server(fsync=False))
        processes = server.processes()
        raise ZeroDivisionError
    assert not server.home.exists()
    assert not [process for process in processes if Path(f"/proc/{process}").exists()]


def test_a_start_that_fails_shows_the_end_of_the_log(durable_postgres: Server) -> None:
    durable_postgres.stop()
    (durable_postgres.home / "data" / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(RuntimeError, match="not compatible with this version"):
        durable_postgres.start()


def test_tests_that_are_killed_leave_no_server_behind() -> None:
    program = """
import sys
from support.postgres import running_server
with running_server(fsync=False) as server:
    print(server.home, server.processes()[0], flush=True)
    sys.stdin.read()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    ) as tests:  # fmt: skip
        home, process = output(tests).readline().split()
        tests.kill()
        tests.communicate(timeout=PATIENCE_SECONDS)  # whatever was started shares stderr until it ends
    assert not Path(f"/proc/{process}").exists()
    assert not Path(home).exists()


def output(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def test_pgbin_names_the_binaries_to_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("postgres", "initdb"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PGBIN", str(tmp_path))
    assert bundled_binaries() == tmp_path.resolve()


def test_binaries_that_only_their_owner_reads_still_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGBIN", raising=False)
    bundled = bundled_binaries()
    for folder in (bundled.parent, bundled.parents[1].with_suffix(".libs")):
        shutil.copytree(folder, tmp_path / folder.relative_to(bundled.parents[2]))
    tmp_path.chmod(0o700)
    monkeypatch.setenv("PGBIN", str(tmp_path / bundled.relative_to(bundled.parents[2])))
    with running_server(fsync=False) as server:
        assert ask(server, "SELECT 1") == [(1,)]


def test_a_pgbin_without_the_binaries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("PGBIN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no initdb"):
        bundled_binaries()
