"""The service as a process of its own: started, stopped, killed, and started again on one database.

The kernel kills it together with the thread that started it, so that nothing is left running even
when the tests are killed. What it prints goes to a file, where the address is read from.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx

import engagement
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.access import SCOPES, create_key
from engagement.workflows.program import DEFAULT_TEMPLATE, Template, create_program, template
from engagement.workflows.roster import import_roster

START = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
"""Where simulated time begins: noon of a Tuesday in Kolkata."""
START_MS = int(START.timestamp() * 1000)
PATIENCE_SECONDS = 60.0
"""How long a busy machine may take over anything before it counts as hanging."""
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("whoever asked for this is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""1 is PR_SET_PDEATHSIG, which outlives exec: what is started is the service itself, not a child of it."""


def on_day(number: float) -> str:
    """A moment by its distance from the start, in days, as it is written in requests."""
    return (START + timedelta(days=number)).isoformat()


class Program(NamedTuple):
    """A program in a database, and a key to it with every scope."""

    program_id: str
    key: str


def new_program(url: str, people: str, plan: Template | None = None) -> Program:
    """Creates a program with its people through the workflows, before any service runs.

    people : a roster as CSV      plan : the template that comes with the service when absent
    """
    with closing(Database(url)) as db, db.write() as conn:
        kept = Kept()
        program_id = create_program(conn, kept, plan or template(DEFAULT_TEMPLATE), START_MS)
        report = import_roster(conn, kept, program_id, people, START_MS)
        assert not report.refused, report.refused
        return Program(program_id, create_key(conn, program_id, SCOPES, "research", START_MS, None).text)


def members(groups: int, seats: int = 8) -> list[str]:
    """The members of a `roster` of this size."""
    return [f"g{group}-m{seat}" for group in range(1, groups + 1) for seat in range(1, seats + 1)]


def roster(groups: int, seats: int = 8, *, joined_on: str = "2025-01-01", chance: str = "yes") -> str:
    """A synthetic roster as CSV: members `g1-m1` to `g{groups}-m{seats}`."""
    lines = ["group,setting,seat,member,joined_on,chance,health_worker"]
    for group in range(1, groups + 1):
        setting = "urban" if group % 2 else "rural"
        lines += [
            f"g{group},{setting},{seat},g{group}-m{seat},{joined_on},{chance},yes"
            for seat in range(1, seats + 1)
        ]
    return "\n".join(lines) + "\n"


def started(folder: Path, name: str, *arguments: str, **settings: object) -> subprocess.Popen[bytes]:
    """A process of the command line in `folder`, its output in the file `name`; `settings` as ENGAGEMENT_…"""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ENGAGEMENT_")}
    environment.update({f"ENGAGEMENT_{key.upper()}": str(value) for key, value in settings.items()})
    environment["PYTHONPATH"] = str(Path(engagement.__file__).parents[1])  # the code that is being tested
    command = [sys.executable, "-m", "engagement.cli", *arguments]
    with (folder / name).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
        )


def ran(folder: Path, *words: str, **settings: object) -> float:
    """Seconds that a command took, which ended well."""
    begun = time.monotonic()
    command = started(folder, f"{words[0]}.log", *words, **settings)
    assert command.wait(timeout=10 * PATIENCE_SECONDS) == 0, (folder / f"{words[0]}.log").read_text()
    return time.monotonic() - begun


class Service:
    """One `engagement serve`, made by `running_service`; `stop`, `kill` and `start` it at will.

    address : of the present start, a new one each time      log : everything it ever printed
    """

    def __init__(self, url: str, folder: Path, name: str = "service", **settings: object) -> None:
        self.url = url
        self.log = folder / f"{name}.log"
        self.address = ""
        self._settings = {"log_level": "warning", "deadline_ms": 5000, "fold_every_s": 0} | settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Id of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self, clock: str | None = None) -> None:
        """Starts it, with simulated time from `clock` on if given; returns once it has said its address."""
        self.begin(clock)
        self.await_address()

    def begin(self, clock: str | None = None) -> None:
        """Starts it and does not wait."""
        told = () if clock is None else (f"--clock={clock}",)
        self._said = self.log.stat().st_size if self.log.exists() else 0
        self._process = started(
            self.log.parent, self.log.name, "serve", "--database", self.url, "--port", "0", *told,
            **self._settings,
        )  # fmt: skip

    def await_address(self) -> None:
        """Returns once a service that was begun has said its address."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (address := self._address_said()):
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the service did not start; its log ends with\n{self._words()[-3000:]}")
            time.sleep(0.01)
        self.address = address

    def signal_stop(self) -> None:
        """Sends SIGTERM and does not wait."""
        assert self._process is not None
        self._process.terminate()

    def await_end(self) -> int:
        """The exit code, once the process has ended."""
        assert self._process is not None
        code = self._process.wait(timeout=PATIENCE_SECONDS)
        self._process = None
        return code

    def stop(self) -> int:
        """Asks it to end by SIGTERM; its exit code."""
        self.signal_stop()
        return self.await_end()

    def kill(self) -> None:
        """Ends it by SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stops the process where it stands, until it is killed."""
        os.kill(self.pid, signal.SIGSTOP)

    def _words(self) -> str:
        return self.log.read_bytes()[self._said :].decode()

    def _address_said(self) -> str | None:
        said = (line.split()[2] for line in self._words().splitlines() if line.startswith("Engagement at "))
        return next(said, None)


@contextmanager
def running_service(
    url: str, folder: Path, clock: str | None = None, *, name: str = "service", **settings: object
) -> Iterator[Service]:
    """A started service on a database; killed at the end if it still runs.

    folder : where its log goes      settings : as in `engagement.settings`, in lower case
    """
    service = Service(url, folder, name, **settings)
    try:
        service.start(clock)
        yield service
    finally:
        service.kill()


class Client:
    """One caller with a key and a connection of its own. It follows its service to a new address.

    safe_defaults : how many answers of `recommend` were one, before the decision came
    """

    def __init__(self, service: Service, key: str, *, timeout_s: float = 30.0) -> None:
        self._service = service
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"}, timeout=timeout_s, trust_env=False
        )
        self.safe_defaults = 0

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def get(self, path: str) -> httpx.Response:
        """Asks once."""
        return self._http.get(self._service.address + path)

    def post(self, path: str, body: object = None) -> httpx.Response:
        """Sends once."""
        return self._http.post(self._service.address + path, json=body)

    def put(self, path: str, body: object) -> httpx.Response:
        """Sends once."""
        return self._http.put(self._service.address + path, json=body)

    def insist(self, path: str, body: object = None) -> Any:
        """Sends until it is answered 200, as a caller must while the service or its database is down.

        Any other answer than 200 or 503 is a failure, and so is a 503 that does not say when to return.
        """
        return self._until_answered(path, lambda: self.post(path, body))

    def look(self, path: str) -> Any:
        """Reads until it is answered 200, in the same way."""
        return self._until_answered(path, lambda: self.get(path))

    def _until_answered(self, path: str, send: Callable[[], httpx.Response]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                response = send()
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if response.status_code == 200:
                return response.json()
            assert response.status_code == 503, response.text
            assert "retry-after" in response.headers
            time.sleep(0.05)
        raise TimeoutError(f"{path} was not answered")

    def recommend(self, member: str, point: str, strategy: str | None = None) -> dict[str, Any]:
        """Asks until a decision comes: the safe default is an answer, not a decision."""
        ask = {"member": member, "decision_point": point} | ({"strategy": strategy} if strategy else {})
        while True:
            answer: dict[str, Any] = self.insist("/v1/recommendations", ask)
            if answer["fallback"] != "deadline":
                return answer
            self.safe_defaults += 1

    def move_clock(self, moment: str) -> None:
        """Moves simulated time forward."""
        self.post("/v1/clock", {"now": moment}).raise_for_status()


@contextmanager
def client_of(service: Service, key: str, *, timeout_s: float = 30.0) -> Iterator[Client]:
    """A client that is closed at the end."""
    with closing(Client(service, key, timeout_s=timeout_s)) as client:
        yield client
