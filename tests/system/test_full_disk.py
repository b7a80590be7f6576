"""The disk fills: writes are refused with a time to return, nothing is half done, and it goes on after.

SQLite's fills in two ways: a small file system of its own, where the tests may mount one, and a limit on the
size of the process's files, which needs no rights. PostgreSQL's is a small file system as well; it has no
room for its log either, so it may go down, and then it is started again as whoever runs it would.
"""

import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from support.databases import migrate, sqlite_database
from support.ledger import agrees_with_itself, size
from support.postgres import Server, running_server
from support.service import Client, client_of, members, new_program, on_day, roster, running_service

ROOM = 4 << 20
ROOM_OF_A_SERVER = 400 << 20
"""Of an empty database, its log, and the programs that the server's account cannot run elsewhere."""
BATCH = 200
PEOPLE = members(2)


class Disk(NamedTuple):
    """A place for a database that is about to be full, and how to fill it and make room again.

    fill, make_room : told the process that writes to it
    """

    folder: Path
    fill: Callable[[int], None]
    make_room: Callable[[int], None]


@contextmanager
def small_file_system(folder: Path, room: int = ROOM) -> Iterator[Disk]:
    """A file system in memory, filled up by another file; where none may be mounted the test does not run."""
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted; to get it: be root, and allowed to mount")
    other = place / "other"

    def fill(_: int) -> None:
        with other.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    try:
        yield Disk(place, fill, lambda _: other.unlink())
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


@contextmanager
def limited_files(folder: Path) -> Iterator[Disk]:
    """No file of the process may grow any more."""

    def fill(process: int) -> None:
        largest = max(file.stat().st_size for file in folder.glob("*.db*"))
        resource.prlimit(process, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def make_room(process: int) -> None:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    yield Disk(folder, fill, make_room)


def batch(number: int) -> dict[str, object]:
    """Signals about synthetic members, each batch with ids of its own."""
    signals = [
        {
            "source": "register",
            "id": f"{number}-{place}",
            "kind": "attendance",
            "member": PEOPLE[place % len(PEOPLE)],
            "occurred_at": on_day(-1 - number),
        }
        for place in range(BATCH)
    ]
    return {"signals": signals}


def tell_until_refused(client: Client, first: int) -> int:
    """Reports batch after batch until one is refused; its number."""
    for number in range(first, first + 200):
        response = client.post("/v1/signals", batch(number))
        if response.status_code != 200:
            assert response.status_code == 503, response.text
            assert int(response.headers["retry-after"]) > 0
            return number
    raise AssertionError("the disk does not fill")


@pytest.mark.parametrize("kind", [small_file_system, limited_files])
def test_what_a_full_disk_refuses_is_not_half_there_and_is_stored_once_there_is_room(
    kind: Callable[[Path], AbstractContextManager[Disk]], migrated_sqlite: Path, tmp_path: Path
) -> None:
    with kind(tmp_path) as disk:
        url = sqlite_database(migrated_sqlite, disk.folder)
        program = new_program(url, roster(2))
        with running_service(url, tmp_path, on_day(0)) as service, client_of(service, program.key) as client:
            client.insist("/v1/signals", batch(0))
            disk.fill(service.pid)
            refused = tell_until_refused(client, 1)
            answers = [client.post("/v1/recommendations", {"member": name}).json() for name in PEOPLE]
            decided = [answer for answer in answers if answer["fallback"] != "deadline"]
            assert size(url, "signals") == refused * BATCH
            assert size(url, "decisions") == len(decided)  # a small one may still have found room
            assert client.get("/health/live").status_code == 200
            disk.make_room(service.pid)
            client.insist("/v1/signals", batch(refused))
            for name in PEOPLE:
                client.recommend(name, "now")
            assert service.stop() == 0
        assert size(url, "signals") == (refused + 1) * BATCH
        assert size(url, "decisions") == len(PEOPLE)
        assert agrees_with_itself(url)


@contextmanager
def small_server() -> Iterator[tuple[Disk, Server]]:
    """A PostgreSQL on a small file system that everybody can reach."""
    with tempfile.TemporaryDirectory(prefix="engagement-disk-") as folder:
        Path(folder).chmod(0o755)
        with small_file_system(Path(folder), ROOM_OF_A_SERVER) as disk:
            disk.folder.chmod(0o755)
            with running_server(fsync=True, under=disk.folder) as server:
                yield disk, server


def start_again_if_down(server: Server) -> None:
    """As a supervisor does; a server that recovers by itself is left alone."""
    if not server.is_up():
        server.stop()
        server.start()


def test_what_a_full_disk_of_postgresql_refuses_is_stored_once_there_is_room(tmp_path: Path) -> None:
    with small_server() as (disk, server):
        url = server.create("small")
        migrate(url)
        program = new_program(url, roster(2))
        with running_service(url, tmp_path, on_day(0)) as service, client_of(service, program.key) as client:
            client.insist("/v1/signals", batch(0))
            disk.fill(server.port)
            refused = tell_until_refused(client, 1)
            assert client.get("/health/live").status_code == 200
            disk.make_room(server.port)
            start_again_if_down(server)
            client.insist("/v1/signals", batch(refused))
            assert size(url, "signals") == (refused + 1) * BATCH
            for name in PEOPLE:
                client.recommend(name, "now")
            assert service.stop() == 0
        assert size(url, "decisions") == len(PEOPLE)
        assert agrees_with_itself(url)
