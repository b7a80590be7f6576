"""The service as a process: it starts where it is told, and nothing is left of it."""

import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

import engagement
from support.databases import sqlite_database
from support.postgres import is_dead
from support.service import PATIENCE_SECONDS, Service, client_of, new_program, on_day, roster, running_service

START_AND_WAIT = """
import sys, time
from pathlib import Path
from support.service import running_service
with running_service(sys.argv[1], Path(sys.argv[2])) as service:
    print(service.pid, flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def url(migrated_sqlite: Path, tmp_path: Path) -> str:
    return sqlite_database(migrated_sqlite, tmp_path)


def test_a_service_killed_and_started_again_is_found_by_its_client(url: str, tmp_path: Path) -> None:
    program = new_program(url, roster(1))
    with running_service(url, tmp_path, on_day(0)) as service, client_of(service, program.key) as client:
        before = client.recommend("g1-m1", "now")
        service.kill()
        service.start(on_day(1))
        assert client.recommend("g1-m1", "now") == before


def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="in-memory database"):
        Service("sqlite://", tmp_path).start()


def test_a_service_ends_with_the_tests_that_were_killed(url: str, tmp_path: Path) -> None:
    places = [str(Path(__file__).parents[1]), str(Path(engagement.__file__).parents[1])]
    with subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, url, tmp_path],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(places)},
    ) as tests:
        assert tests.stdout is not None
        service = int(tests.stdout.readline())
        assert not is_dead(service)
        tests.send_signal(signal.SIGKILL)
    deadline = monotonic() + PATIENCE_SECONDS
    while not is_dead(service):
        assert monotonic() < deadline
        sleep(0.01)
