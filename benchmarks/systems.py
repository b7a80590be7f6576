"""The server processes that are compared, and the disk they write to."""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import text

from engagement.store.database import Database
from support.databases import sqlite_database, sqlite_url
from support.postgres import running_server
from world import World, build, month

HERE = Path(__file__).parent
ECHO = "echo"
FIRST_MONTH = 2
DEADLINE_MS = 10_000
"""So that a slow system still answers with decisions: the safe default would be no decision at all."""
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class System(NamedTuple):
    """One server process under measurement.

    database_processes : ids of the database's own processes at this moment, the server's not among them
    """

    name: str
    process: subprocess.Popen[str]
    port: int
    world: World
    url: str
    database_processes: Callable[[], list[int]]


def loop_cpu_seconds(process: int) -> float:
    """Of a process's first thread alone, on which an event loop runs."""
    fields = Path(f"/proc/{process}/task/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def cpu_seconds(processes: Sequence[int]) -> float:
    """User and system time of processes so far; one that has ended counts nothing."""
    total = 0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_A_SECOND


@contextmanager
def listening(
    command: Sequence[str], folder: Path, name: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that prints its address in its first line, and its port."""
    log = folder / f"{name}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **settings},
        )
    try:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        address = re.search(r":(\d+)\s", process.stdout.readline())
        if address is None:
            raise RuntimeError(f"{name} did not start:\n{log.read_text()[-2000:]}")
        yield process, int(address[1])
    finally:
        process.terminate()
        process.wait()


@contextmanager
def service(
    name: str,
    url: str,
    world: World,
    folder: Path,
    database_processes: Callable[[], list[int]],
    *,
    shared: bool,
) -> Iterator[System]:
    """The service itself, as `engagement serve` starts it; folding waits, so that runs are alike."""
    command = ["-m", "engagement.cli", "serve", "--database", url, "--port", "0"]
    command += ["--clock", month(FIRST_MONTH).isoformat()]
    with listening(
        command,
        folder,
        name.replace(" ", "-"),
        ENGAGEMENT_SHARED_COMMITS=str(shared).lower(),
        ENGAGEMENT_DEADLINE_MS=str(DEADLINE_MS),
        ENGAGEMENT_FOLD_EVERY_S="0",
        ENGAGEMENT_REQUESTS_A_MINUTE="0",
    ) as (process, port):
        yield System(name, process, port, world, url, database_processes)


@contextmanager
def echo(folder: Path, world: World) -> Iterator[System]:
    """The yardstick."""
    with listening([str(HERE / "echo.py")], folder, ECHO) as (process, port):
        yield System(ECHO, process, port, world, "", list)


class Place(NamedTuple):
    """A kind of database with a filled program in it. fresh : the URL of one more copy, or an empty one"""

    name: str
    world: World
    fresh: Callable[[bool], str]
    processes: Callable[[], list[int]]


def sqlite_place(folder: Path, members: int, opened: ExitStack) -> Place:  # noqa: ARG001  nothing to close
    """Files, each a copy of the first."""
    template = folder / "world.db"
    world = build(sqlite_url(template), members)

    def fresh(filled: bool) -> str:
        return sqlite_database(template, folder) if filled else sqlite_url(folder / f"{uuid4()}.db")

    return Place("sqlite", world, fresh, list)


def postgresql_place(folder: Path, members: int, opened: ExitStack) -> Place:  # noqa: ARG001  it has its own
    """The same on PostgreSQL with fsync on."""
    server = opened.enter_context(running_server(fsync=True))
    world = build(server.create("world"), members)

    def fresh(filled: bool) -> str:
        return server.create(f"d{uuid4().hex}", *(("world",) if filled else ()))

    return Place("postgresql", world, fresh, server.processes)


@contextmanager
def peer(place: Place, model: str, folder: Path, *, shared: bool) -> Iterator[System]:
    """Another library's model behind the same server, its decisions in the same kind of database."""
    url, name = place.fresh(False), f"{place.name} {model}{' shared' if shared else ''}"
    command = [str(HERE / "peer.py"), "--model", model, "--database", url, *(["--shared"] if shared else [])]
    with listening(command, folder, name.replace(" ", "-")) as (process, port):
        yield System(name, process, port, place.world, url, place.processes)


def commit_ms(url: str) -> float:
    """Median time of 50 transactions that each store one row, in an empty database."""
    taken = []
    with closing(Database(url)) as db:
        with db.write() as conn:
            conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS committed (n integer)")
        for number in range(50):
            start = time.perf_counter()
            with db.write() as conn:
                conn.execute(text("INSERT INTO committed VALUES (:n)"), {"n": number})
            taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def fsync_ms(folder: Path) -> float:
    """Median time of 200 fsyncs, each after 4 KiB more."""
    taken = []
    with (folder / "fsync").open("ab", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def file_system(folder: Path) -> str:
    """The kind of file system a folder lies on."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    over_it = [row for row in mounts if folder.resolve().is_relative_to(row[1])]
    return max(over_it, key=lambda row: len(row[1]))[2]
