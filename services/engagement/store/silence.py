"""Two ends of a line to PostgreSQL that may fall silent, and neither waits for the other for ever.

The server lets go of a transaction whose client says nothing more, and of the rows it holds. Here a
watchdog shuts the socket of a connection whose server does not answer, so that the blocked call
raises in its own thread: no timeout of driver, server or kernel would end that read.
"""

import logging
import socket
import threading
import time
from contextlib import suppress
from os import dup
from typing import Any

from sqlalchemy import Connection, Engine, event

IDLE_S = 10
"""Longer than anything is computed between two statements of a transaction."""
BEGIN_S = 2.0
"""How long the server may take to begin a transaction."""
SILENT_S = 30.0
"""How long any other statement may take. A lane's own watchdog is less patient."""
BEGIN = f"BEGIN; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_S}s'; "
"""How one message begins. What is set for a session would reach other clients through PgBouncer."""
PATIENT = "patient"
"""Execution option of a connection whose statements may last: migrations."""

log = logging.getLogger("engagement.store")


class Watchdog:
    """Watches one engine's connections while they wait for their server."""

    def __init__(self, engine: Engine) -> None:
        self._until: dict[Connection, float] = {}
        self._closed = threading.Event()
        event.listen(engine, "before_cursor_execute", self._asked)
        event.listen(engine, "after_cursor_execute", lambda conn, *_: self.done(conn))
        event.listen(engine, "handle_error", lambda context: self.done(context.connection))
        event.listen(engine, "commit", self._waits)
        event.listen(engine, "rollback", self._waits)
        threading.Thread(target=self._watch, name="silence", daemon=True).start()

    def done(self, conn: Connection | None) -> None:
        """A connection waits no longer."""
        if conn is not None:
            self._until.pop(conn, None)

    def close(self) -> None:
        """Ends the watch."""
        self._closed.set()

    def _asked(self, conn: Connection, _cursor: object, statement: str, *_: object) -> None:
        self._waits(conn, BEGIN_S if statement.startswith(BEGIN) else SILENT_S)

    def _waits(self, conn: Connection, at_most_s: float = SILENT_S) -> None:
        if not conn.get_execution_options().get(PATIENT):
            self._until[conn] = time.monotonic() + at_most_s

    def _watch(self) -> None:
        while not self._closed.wait(0.2):
            now = time.monotonic()
            for conn in [conn for conn, until in list(self._until.items()) if until < now]:
                self.done(conn)
                cut(conn)


def cut(conn: Connection) -> None:
    """Ends whatever call is blocked on a connection: it raises there, in its own thread."""
    with suppress(Exception):  # in the meantime it may have answered, ended or been given back
        driver: Any = conn.connection.driver_connection
        with socket.socket(fileno=dup(driver.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
        log.error("a silent connection to the database was cut")
