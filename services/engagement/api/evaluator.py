"""One thread that computes evaluations, or reports, beside the lanes, one after the other.

What it has been asked for is forgotten when the process ends; the question is not, so that whoever asks for
it or looks at it again has it computed.
"""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("engagement.service")
MOST_WAITING = 100
"""Evaluations that wait in one process; who comes later is computed when they look again."""


class Evaluator:
    """The thread, which begins with the first question. compute : answers one, by program and id."""

    def __init__(self, compute: Callable[[str, str], None]) -> None:
        self._compute = compute
        self._guard = threading.Lock()
        self._wanted: set[tuple[str, str]] = set()
        self._queue: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="evaluator", daemon=True)

    def want(self, program_id: str, name: str) -> None:
        """Has an evaluation computed soon; one that is waiting or under way already is not wanted twice."""
        wanted = program_id, name
        with self._guard:
            if wanted in self._wanted or len(self._wanted) >= MOST_WAITING:
                return
            self._wanted.add(wanted)
            if self._thread.ident is None:
                self._thread.start()
        self._queue.put(wanted)

    def close(self, within_s: float) -> None:
        """Takes nothing more up; what is under way may end."""
        with self._guard:
            self._wanted.clear()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        while (wanted := self._queue.get()) is not None:
            with self._guard:
                if wanted not in self._wanted:
                    continue
            try:
                self._compute(*wanted)
            except Exception:
                log.exception("an evaluation failed; asked for again it is computed again")
            with self._guard:
                self._wanted.discard(wanted)
