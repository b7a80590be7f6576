"""The command that starts the service."""

import gc
import signal
import socket
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import uvicorn

from engagement.api.app import build
from engagement.api.service import Service
from engagement.clock import Clock, SimulatedClock, SystemClock
from engagement.commands.terminal import (
    Arguments,
    Command,
    carry_out_erasures,
    say,
    settings_of,
)
from engagement.errors import Invalid
from engagement.store import facts
from engagement.store.acts import By
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.store.wall import NOBODY
from engagement.telemetry import log_as_json
from engagement.workflows.example import Example, load_example
from engagement.workflows.ingest import milliseconds

KEEP_ALIVE_S = 130
"""For how long a connection stays open on which nothing comes.

Longer than a proxy keeps its end (nginx and the balancers of clouds 60 s, Caddy 120): whoever closes first
must be the one who sends, or what is sent just then meets a closed door, and a proxy cannot know whether it
was heard.
"""


def add(command: Command) -> None:
    """Names the commands of this file."""
    serve = command("serve", _serve, "start the service")
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=int, help="port to listen on, 0 for any free one")
    serve.add_argument(
        "--example", action="store_true", help="load the synthetic example program and print a key"
    )
    serve.add_argument(
        "--clock", metavar="TIME", help="simulate time from here on, such as 2026-01-01T06:00Z"
    )


def _serve(arguments: Arguments) -> int:
    settings = settings_of(arguments)
    clock = _clock(arguments.clock)
    log_as_json(settings.log_level)
    with _listening(settings.host, settings.port) as line, closing(Database(settings.database)) as db:
        migrate(db)
        _settle_time(db, clock)
        kept = Kept()
        carry_out_erasures(db, kept, settings)
        acting = db.acting(By("command", None, arguments.command), clock.now_ms)
        example = load_example(acting, kept, clock.now_ms()) if arguments.example else None
        service = Service(db, clock, settings)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{host}:{line.getsockname()[1]}"
        _run(service, line, _greeting(address, example, simulated=clock.simulated))
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket at an address; whoever connects from now on is served as soon as the service runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        line = socket.create_server((host, port), family=family)
    except OSError as flaw:
        raise Invalid(f"cannot listen on {host}, port {port}: {flaw.strerror}") from flaw
    # Every connection inherits it. Without it the two halves of a small answer may lie 40 ms apart.
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _greeting(address: str, example: Example | None, *, simulated: bool) -> list[str]:
    """What whoever starts the service needs to know."""
    places = f"console: {address}/console   API description: {address}/schema   metrics: {address}/metrics"
    lines = [f"Engagement at {address}   {places}"]
    if simulated:
        lines.append("Time is simulated; it moves only by POST /v1/clock.")
    if example is not None:
        headers = f"-H 'Authorization: Bearer {example.key}' -H 'Content-Type: application/json'"
        lines += [
            f"Development key: {example.key}",
            "Paste this to ask what to try next (the example program and its people are synthetic):",
            f'curl -s {address}/v1/recommendations {headers} -d \'{{"member": "{example.member}"}}\'',
        ]
    return lines


def _settle_time(db: Database, clock: Clock) -> None:
    """A database that has seen one kind of time never starts with the other."""
    with db.write(NOBODY) as conn:
        kind: facts.KindOfTime = "simulated" if clock.simulated else "real"
        known = facts.settle_kind_of_time(conn, kind)
        if known != kind:
            raise Invalid(f"time in this database is {known}; it cannot be started with the other kind")


def _clock(written: str | None) -> Clock:
    """The machine's clock, or a simulated one that starts at the time written."""
    if written is None:
        return SystemClock()
    try:
        start = datetime.fromisoformat(written)
    except ValueError:
        raise Invalid(f"`{written}` is not a time; write it like 2026-01-01T06:00Z") from None
    return SimulatedClock(milliseconds(start if start.tzinfo else start.replace(tzinfo=UTC)))


def _run(service: Service, line: socket.socket, greeting: Sequence[str]) -> None:
    """Says so and serves, until SIGTERM or Ctrl-C; then finishes what has begun, and ends."""
    config = uvicorn.Config(
        build(service),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=20,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        proxy_headers=False,
    )
    # What is loaded by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    server = uvicorn.Server(config)
    # uvicorn raises the signal again when it has ended; to have ended in order is exit code 0
    signal.signal(signal.SIGTERM, server.handle_exit)
    say(*greeting)  # not before: whoever has read it may ask for the end
    server.run(sockets=[line])
