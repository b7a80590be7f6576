"""The real application on a real socket, and small programs in its database to ask it about.

Everything about people is synthetic.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import uvicorn

from engagement.api.allowance import Allowances
from engagement.api.app import build
from engagement.api.desk import Work
from engagement.api.guards import KeyRing
from engagement.api.service import Service
from engagement.clock import Clock, SystemClock
from engagement.commands.serve import KEEP_ALIVE_S
from engagement.settings import Settings
from engagement.signals.signal import Audience
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.keys import ApiKey, Scope
from engagement.workflows.access import create_key
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from engagement.workflows.roster import import_roster

ROSTER = """\
group,member,seat,role,joined_on,health_worker
north,ana,1,adviser,2026-01-01,yes
north,ben,2,member,2026-01-01,yes
north,cat,3,member,2026-01-01,no
south,dev,1,adviser,2026-01-01,yes
south,eva,2,member,2026-01-01,yes
"""
PATIENCE_S = 30.0


class Watch:
    """What the memory of keys measures its five seconds with: it stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """The seconds so far."""
        return self.seconds


class Caller(NamedTuple):
    """Somebody with a key, or without one."""

    client: httpx.Client
    key: str | None

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request. Whatever httpx's `request` takes; headers are added to the key's."""
        own = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        headers = own | request.pop("headers", {})
        return self.client.request(method, path, headers=headers, **request)

    def get(self, path: str, **request: Any) -> httpx.Response:
        """Reads something."""
        return self.call("GET", path, **request)

    def post(self, path: str, body: Any = None, **request: Any) -> httpx.Response:
        """Sends a body as JSON."""
        return self.call("POST", path, json=body, **request)

    def put(self, path: str, body: Any, **request: Any) -> httpx.Response:
        """Stores a body as JSON."""
        return self.call("PUT", path, json=body, **request)


class Running(NamedTuple):
    """A service that runs: where, and what it is made of."""

    address: str
    service: Service
    client: httpx.Client

    def program(self) -> "Program":
        """A new program from the template that comes with the service, with five members in two groups."""
        db, now_ms = self.service.db, self.service.clock.now_ms()
        with db.write() as conn:
            program_id = create_program(conn, Kept(), template(DEFAULT_TEMPLATE), now_ms)
            import_roster(conn, Kept(), program_id, ROSTER, now_ms)
        return Program(self, program_id)

    def stranger(self, key: str | None = None) -> Caller:
        """Somebody without a key, or with one that was never given out."""
        return Caller(self.client, key)


class Program(NamedTuple):
    """One program of the running service. Programs share nothing: a test may do what it likes to its own."""

    running: Running
    id: str

    def key(
        self, *scopes: Scope, audience: Audience = "staff", expires_at: int | None = None
    ) -> tuple[str, ApiKey]:
        """A new key as its holder has it, and as it is stored."""
        with self.running.service.db.write(self.id) as conn:
            now_ms = self.running.service.clock.now_ms()
            text, stored = create_key(conn, self.id, scopes, audience, now_ms, expires_at)
        return text, stored

    def caller(self, *scopes: Scope, audience: Audience = "staff") -> Caller:
        """Somebody with a new key."""
        return Caller(self.running.client, self.key(*scopes, audience=audience)[0])


@contextmanager
def running(
    url: str,
    *,
    clock: Clock | None = None,
    watch: Callable[[], float] = time.monotonic,
    **settings: Any,
) -> Iterator[Running]:
    """The application on a migrated database, listening on a free port until the block ends.

    watch : what the memory of keys measures its five seconds with, and the allowance of each its minute
    """
    service = Service(Database(url), clock or SystemClock(), Settings(**{"fold_every_s": 0} | settings))
    allowances = Allowances(service.settings.requests_a_minute, watch)
    app = build(service, KeyRing(watch), allowances)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", timeout_keep_alive=KEEP_ALIVE_S
    )
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as line:
        address = f"http://127.0.0.1:{line.getsockname()[1]}"
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [line]})
        thread.start()
        try:
            with httpx.Client(base_url=address, timeout=PATIENCE_S) as client:
                yield Running(address, service, client)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def readers_busy(service: Service) -> Iterator[None]:
    """Both threads of the read lane are held until the block ends; the other lanes go on."""
    begun, let_go = threading.Semaphore(0), threading.Event()

    def hold(
        _conn: object, _kept: object, _program: str, items: Sequence[Any], _now_ms: int
    ) -> Sequence[Any]:
        begun.release()
        let_go.wait(PATIENCE_S)
        return items

    def ask(place: str) -> None:
        asyncio.run(service.desk.ask("read", Work(place, hold), [place]))

    with ThreadPoolExecutor(2) as pool:
        for place in (str(uuid4()), str(uuid4())):  # of two programs, so that each is a batch of its own
            pool.submit(ask, place)
        try:
            assert begun.acquire(timeout=PATIENCE_S)
            assert begun.acquire(timeout=PATIENCE_S)
            yield
        finally:
            let_go.set()


def wait_until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Waits for another thread to have come so far; fails when it never does."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.002)
