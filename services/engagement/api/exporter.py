"""The figures of programs, made beside the lanes and kept for a while.

They take a second or so for a thousand groups, and move by the day. Whoever asks gets the last ones; if these
are old the next are begun in a thread of their own. Only the first to ask waits, and not for long: whoever
scrapes has a time limit. However short the time they are to be kept, making them never takes more than a
twentieth of one processor.
"""

import logging
import threading
import time
from typing import NamedTuple

from engagement.clock import Clock
from engagement.errors import Unavailable
from engagement.store import facts
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.wall import NOBODY
from engagement.workflows.program_metrics import Told, exposition
from engagement.workflows.program_watch import Replayed, Watched, watch

log = logging.getLogger("engagement.service")
FIRST_S = 5.0
SHARE = 20
"""Figures are kept at least so many times as long as it took to make them."""


class _Made(NamedTuple):
    """Figures, and when on the clock of `time.monotonic` they were there."""

    watched: list[Watched]
    programs: int
    sent_ms: int | None
    seconds: float
    at_s: float


class Exporter:
    """Makes and keeps the figures of programs. keep_s : how long they are good"""

    def __init__(self, db: Database, clock: Clock, keep_s: float) -> None:
        self._db = db
        self._clock = clock
        self._keep_s = keep_s
        self._kept = Kept()  # its own: it looks everywhere, and would push out what the lanes use
        self._beginning = threading.Lock()
        self._made: _Made | None = None
        self._replayed: dict[str, Replayed] = {}
        self._thread: threading.Thread | None = None

    def close(self, within_s: float) -> None:
        """Waits for what is under way."""
        if self._thread is not None:
            self._thread.join(within_s)

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format. It waits only where nothing was ever made.

        raises : Unavailable where the first figures are not there within five seconds
        """
        made = self._made or self._first()
        age_s = time.monotonic() - made.at_s
        if age_s > max(self._keep_s, SHARE * made.seconds):
            self._begin()
        sent_s = None if made.sent_ms is None else (self._clock.now_ms() - made.sent_ms) / 1000
        left_out = made.programs - len(made.watched)
        return exposition(Told(made.watched, (made.programs, left_out, age_s, made.seconds, sent_s)))

    def _first(self) -> _Made:
        self._begin().join(FIRST_S)
        if self._made is None:
            raise Unavailable("the figures of programs are not there yet; ask again shortly")
        return self._made

    def _begin(self) -> threading.Thread:
        """The thread that makes figures; a new one where none does."""
        with self._beginning:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._make_quietly, name="exporter", daemon=True)
                self._thread.start()
            return self._thread

    def _make(self) -> None:
        start = time.monotonic()
        found, programs = watch(self._db, self._kept, self._clock.now_ms(), self._replayed)
        self._replayed = {one.signs.program_id: one.replayed for one in found}
        with self._db.read(NOBODY) as conn:
            sent_ms = facts.self_check_sent_ms(conn)
        now_s = time.monotonic()
        self._made = _Made(found, programs, sent_ms, now_s - start, now_s)

    def _make_quietly(self) -> None:
        try:
            self._make()
        except Exception:
            log.exception("the figures of programs could not be made; the next who asks tries again")
