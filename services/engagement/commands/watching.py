"""The commands of whoever keeps an installation running: its figures for Prometheus, and its daily line."""

import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from engagement.api.exporter import Exporter
from engagement.api.herald import line_of, send, ways
from engagement.clock import SystemClock
from engagement.commands.terminal import Arguments, Command, now_of, opened, say, settings_of
from engagement.errors import Invalid, Unavailable
from engagement.store import facts
from engagement.store.wall import NOBODY
from engagement.telemetry import log_as_json

PORT = 9108
PATH = "/metrics/programs"


def add(command: Command) -> None:
    """Names the commands of this file."""
    exporter = command("exporter", _export, "serve the figures of programs to Prometheus, and nothing else")
    exporter.add_argument("--host", help="address to listen on")
    exporter.add_argument(
        "--port", type=int, default=PORT, help=f"port to listen on, {PORT} by default; 0 for any free one"
    )
    check = command("self-check", _check, "say in a few lines what is true of every program")
    check.add_argument("--send", action="store_true", help="also send it where the settings say")


def _export(arguments: Arguments) -> int:
    settings = settings_of(arguments)
    log_as_json(settings.log_level)
    with opened(arguments) as (db, _):
        now_of(db)  # a simulated database has its clock in its server, which has the same figures
        exporter = Exporter(db, SystemClock(), settings.program_metrics_s)
        try:
            server = ThreadingHTTPServer((settings.host, settings.port), _answering(exporter))
        except OSError as flaw:
            place = f"{settings.host}, port {settings.port}"
            raise Invalid(f"cannot listen on {place}: {flaw.strerror}") from flaw
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        say(f"Figures of programs at http://{settings.host}:{server.server_port}{PATH}")
        with server:
            server.serve_forever()
        exporter.close(within_s=30.0)
    return 0


def _answering(exporter: Exporter) -> type[BaseHTTPRequestHandler]:
    """What answers a request: the figures at one path, and at `/health/live` that it lives."""

    class Answer(BaseHTTPRequestHandler):
        known: ClassVar[dict[str, Callable[[], bytes]]] = {
            PATH: exporter.exposition,
            "/health/live": lambda: b"ok\n",
        }

        def do_GET(self) -> None:
            content = self.known.get(self.path)
            status, body = (404, b"") if content is None else _answered(content)
            self.send_response(status)
            self.send_header("content-type", "text/plain; version=0.0.4")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: a scrape a minute is no news."""

    return Answer


def _answered(content: Callable[[], bytes]) -> tuple[int, bytes]:
    """Status and body; 503 while there are no figures yet."""
    try:
        return 200, content()
    except Unavailable:
        return 503, b""


def _check(arguments: Arguments) -> int:
    settings = settings_of(arguments)
    with opened(arguments) as (db, kept):
        now_ms = now_of(db)
        told = line_of(db, kept, SystemClock())
        say(told.text)
        if arguments.send:
            found = ways(settings)
            if not found:
                raise Invalid("there is nowhere to send it: set ENGAGEMENT_SELF_CHECK_URL or …_SELF_CHECK_TO")
            send(told, found)
            with db.write(NOBODY) as conn:
                facts.note_self_check(conn, now_ms)
            say(f"Sent by {' and '.join(way.name for way in found)}.")
    return 0 if told.well else 1
