"""The desk: where requests wait a moment and share one durable commit.

Theory of operation. A *lane* is a thread with a queue. It takes whatever has queued up, runs the
workflow on all of it in **one transaction**, commits, and answers everyone with a single wake-up of
the event loop. There is no timer: while one commit is on its way to the disk the next batch gathers
by itself, so a lone request waits for nobody and a crowd shares one fsync. Nothing is answered
before it is durable.

- A batch is cut by program and workflow, and at 256 units; at 16 where it only reads. Its transaction is
  that program's, and no other's.
- Whatever a caller can get wrong is an answer of the workflow, found before its first write. A write
  that fails all the same rolls the batch back, and it is run again one ticket a transaction; a metric
  counts that, and its normal value is 0. A deadlock, a lost race for a key or a commit whose outcome
  is unknown: the same batch again, which natural keys and keyed draws make harmless.
- A ticket whose caller has gone is dropped if it has not been begun.
- A lane that cannot reach the database says so to all who wait, and at once to all who come, until a
  pause that doubles from a quarter of a second to five seconds has passed.
- Nothing that a workflow raises ends a lane's thread; whoever waited for it is answered.
- A watchdog cuts the socket of a PostgreSQL connection that has been silent for two seconds: no
  timeout of driver, server or kernel would end that read.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from engagement.clock import Clock
from engagement.errors import EngagementError, Fault, Mistake, Overloaded, Unavailable
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.silence import cut
from engagement.store.wall import Of
from engagement.telemetry import Metrics

CUT = 256
CUT_OF_READS = 16
"""Fewer, because what is read of one unit may take a millisecond and no commit is shared."""
TRIES = 3
SILENT_S = 2.0
PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
RECORD_DEADLINE_S = 10.0
CLOSING_S = 30.0
PASSING_STATES = ("40001", "40P01", "55P03", "57014", "08", "53", "57P")
"""SQLSTATEs, or how they begin, after which the same transaction may succeed: serialisation, deadlock,
two time-outs, a lost connection, too little of something, a server that is shutting down."""
PASSING_CODES = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
FULL_STATE = "53100"

Transaction = Callable[[Of], AbstractContextManager[Connection]]
LaneName = Literal["decide", "record", "read"]
Workflow = Callable[[Connection, Kept, str, Sequence[Any], int], Sequence[Any]]
"""(connection, memory, program, items, now_ms) → a result or a `Mistake` for each item.

A function of a module, not one made for the call: only callers who name the same one share a batch.
"""

log = logging.getLogger("engagement.desk")


class Work(NamedTuple):
    """What is to be done for one program: one call serves everybody who wants the same."""

    program_id: str
    workflow: Workflow


class Ticket:
    """Items of one caller, waiting on a lane. `future` gets the results, in order."""

    __slots__ = ("future", "items", "loop", "work")

    def __init__(self, work: Work, items: Sequence[Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.items = items
        self.loop = loop
        self.future: asyncio.Future[Sequence[Any]] = loop.create_future()


class Lane:
    """One queue and the threads that serve it."""

    def __init__(
        self,
        name: LaneName,
        transaction: Transaction,
        kept: Kept,
        clock: Clock,
        metrics: Metrics,
        *,
        limit: int,
        threads: int = 1,
        cut: int = CUT,
        shared: bool = True,
    ) -> None:
        self.name = name
        self._cut = cut
        self._transaction = transaction
        self._kept = kept
        self._clock = clock
        self._limit = limit
        self._shared = shared
        self._waiting: deque[Ticket] = deque()
        self._bell = threading.Condition()
        self._stopping = False
        self._broken_until = 0.0
        self._pause = PAUSE_S
        self._metrics = metrics.lane(name)
        self._metrics.waiting.set_function(lambda: len(self._waiting))
        self._metrics.most.set(limit)
        self._metrics.broken.set_function(lambda: self.broken)
        self.open_since: dict[threading.Thread, tuple[float, Connection]] = {}
        self._threads = [
            threading.Thread(target=self._serve, name=f"lane-{name}", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def broken(self) -> bool:
        """Whether the database was out of reach a moment ago."""
        return time.monotonic() < self._broken_until

    def put(self, ticket: Ticket) -> None:
        """Queues a ticket, or raises when the lane is full, broken or closing."""
        if self.broken:
            raise Unavailable
        with self._bell:
            if self._stopping or len(self._waiting) >= self._limit:
                self._metrics.refused.inc()
                raise Overloaded
            self._waiting.append(ticket)
            self._bell.notify()

    def stop(self) -> None:
        """Takes no more; what is queued is still served."""
        with self._bell:
            self._stopping = True
            self._bell.notify_all()

    def join(self, until: float) -> None:
        """Waits for the threads to have served what is queued, up to a moment of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _serve(self) -> None:
        batch: list[Ticket] = []
        while True:
            try:
                batch = self._next()
                if not batch:
                    return
                self._carry_out(batch)
            except BaseException:  # whatever it was: without its thread a lane would be dead for good
                log.exception("a batch was given up", extra={"lane": self.name})
                self._answer(batch, Unavailable())

    def _next(self) -> list[Ticket]:
        """The next batch; empty when the lane is closed and everybody has been served."""
        with self._bell:
            while True:
                batch = self._take()
                if batch or self._stopping:
                    return batch
                self._bell.wait()

    def _take(self) -> list[Ticket]:
        """Everybody who waits for the same work as the first, up to the cut. Who has gone is dropped."""
        batch: list[Ticket] = []
        others: deque[Ticket] = deque()
        units = 0
        while self._waiting:
            ticket = self._waiting.popleft()
            if ticket.future.done():
                continue
            fits = not batch or (
                self._shared and ticket.work == batch[0].work and units + len(ticket.items) <= self._cut
            )
            if fits:
                batch.append(ticket)
                units += len(ticket.items)
            else:
                others.append(ticket)
        self._waiting = others
        return batch

    def _carry_out(self, batch: list[Ticket]) -> None:
        work = batch[0].work
        items = [item for ticket in batch for item in ticket.items]
        self._metrics.batch.observe(len(items))
        for attempt in range(1, TRIES + 1):
            try:
                results = self._in_transaction(work, items)
            except IntegrityError:
                if attempt == TRIES:
                    self._one_by_one(batch)
                    return
            except DBAPIError as error:
                if not _passing(error):
                    self._one_by_one(batch)
                    return
                if attempt == TRIES:
                    self._give_up(batch, error)
                    return
            except Exception:
                self._one_by_one(batch)
                return
            else:
                self._broken_until, self._pause = 0.0, PAUSE_S
                self._answer(batch, results)
                return
            self._metrics.repeats.inc()
            time.sleep(0.01 * attempt)

    def _in_transaction(self, work: Work, items: Sequence[Any]) -> Sequence[Any]:
        """The workflow's results, once they are durable."""
        thread = threading.current_thread()
        start = time.perf_counter()
        try:
            with self._transaction(work.program_id) as conn:
                self.open_since[thread] = (time.monotonic(), conn)
                results = work.workflow(conn, self._kept, work.program_id, items, self._clock.now_ms())
                if len(results) != len(items):  # else somebody would get another's answer
                    raise Fault(f"{len(results)} results for {len(items)} items")
        finally:
            self.open_since.pop(thread, None)
        self._metrics.seconds.observe(time.perf_counter() - start)
        return results

    def _one_by_one(self, batch: list[Ticket]) -> None:
        """Each ticket in a transaction of its own, so that what fails one harms no other."""
        if len(batch) > 1:
            self._metrics.reruns.inc()
        for ticket in batch:
            try:
                self._answer([ticket], self._in_transaction(ticket.work, ticket.items))
            except Mistake as mistake:
                self._answer([ticket], mistake)
            except Exception as error:
                log.exception("a ticket failed alone", extra={"lane": self.name})
                self._answer([ticket], _fault(error))

    def _give_up(self, batch: list[Ticket], error: Exception) -> None:
        """The database is out of reach: says so to everybody, and for a pause to all who come."""
        log.error("the database does not answer: %s", type(error).__name__, extra={"lane": self.name})
        self._broken_until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
        with self._bell:
            everybody = [*batch, *self._waiting]
            self._waiting.clear()
        self._answer(everybody, Unavailable())

    def _answer(self, batch: Sequence[Ticket], results: Sequence[Any] | Exception) -> None:
        """Hands out results in order, with one wake-up of each event loop."""
        handed: dict[asyncio.AbstractEventLoop, list[tuple[Ticket, Any]]] = {}
        place = 0
        for ticket in batch:
            part: Any = results
            if not isinstance(results, Exception):
                part = results[place : place + len(ticket.items)]
                place += len(ticket.items)
            handed.setdefault(ticket.loop, []).append((ticket, part))
        for loop, pairs in handed.items():
            with suppress(RuntimeError):  # the loop is closed, so nobody waits there any more
                loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: Sequence[tuple[Ticket, Any]]) -> None:
    for ticket, part in pairs:
        if ticket.future.done():
            continue
        if isinstance(part, Exception):
            ticket.future.set_exception(part)
        else:
            ticket.future.set_result(part)


def _passing(error: DBAPIError) -> bool:
    """Whether the same batch may succeed if it is run again."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state, code = getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorcode", None)
    if state is not None:
        return state.startswith(PASSING_STATES) and not _full(error)
    if code is not None:
        return code & 0xFF in PASSING_CODES  # the rest of the number says which kind of it
    return isinstance(error, OperationalError)  # without a number: no connection was made at all


def _full(error: DBAPIError) -> bool:
    """Whether the database's disk is full."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL or getattr(error.orig, "sqlstate", None) == FULL_STATE


def _fault(error: Exception) -> Fault:
    """What is said to the caller of a ticket that failed alone. The details stay in the log."""
    if isinstance(error, DBAPIError) and _full(error):
        return Unavailable("the disk is full")
    if isinstance(error, DBAPIError) and _passing(error):
        return Unavailable()
    return Fault()


class Desk:
    """The three lanes and their watchdog."""

    def __init__(
        self,
        db: Database,
        kept: Kept,
        clock: Clock,
        metrics: Metrics,
        *,
        limit: int,
        shared: bool = True,
        silent_s: float = SILENT_S,
    ) -> None:
        def lane(name: LaneName, transaction: Transaction, threads: int, cut: int) -> Lane:
            return Lane(
                name, transaction, kept, clock, metrics, limit=limit, threads=threads, cut=cut, shared=shared
            )

        self.lanes: dict[LaneName, Lane] = {
            "decide": lane("decide", db.write, 1, CUT),
            "record": lane("record", db.write, 1, CUT),
            "read": lane("read", db.read, 2, CUT_OF_READS),
        }
        self._silent_s = silent_s
        self._closed = threading.Event()
        if not db.is_sqlite:
            threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    async def ask(
        self, lane: LaneName, work: Work, items: Sequence[Any], *, deadline_s: float = RECORD_DEADLINE_S
    ) -> list[Any]:
        """Results for items, in order; each may be a `Mistake`, or the `Fault` that kept it from being done.

        More items than a cut holds go as several tickets, each durable or failing on its own.
        """
        loop = asyncio.get_running_loop()
        tickets = [Ticket(work, items[start : start + CUT], loop) for start in range(0, len(items), CUT)]
        end = loop.call_later(deadline_s, _too_late, tickets)
        results: list[Any] = []
        try:
            for ticket in tickets:
                try:
                    self.lanes[lane].put(ticket)
                except Fault as fault:
                    ticket.future.set_exception(fault)
            for ticket in tickets:
                try:
                    results += await ticket.future
                except EngagementError as error:
                    results += [error] * len(ticket.items)
        finally:
            end.cancel()
            for ticket in tickets:
                ticket.future.cancel()
        return results

    @property
    def broken(self) -> bool:
        """Whether any lane has lost the database."""
        return any(lane.broken for lane in self.lanes.values())

    def close(self) -> None:
        """Serves what is queued, then stops; what takes too long is left behind."""
        until = time.monotonic() + CLOSING_S
        for lane in self.lanes.values():
            lane.stop()
        for lane in self.lanes.values():
            lane.join(until)
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(self._silent_s / 10):
            for lane in self.lanes.values():
                for since, conn in list(lane.open_since.values()):
                    if time.monotonic() - since > self._silent_s:
                        cut(conn)


def _too_late(tickets: Sequence[Ticket]) -> None:
    """Answers in the service's place when nobody did in time. What is begun goes on and commits."""
    for ticket in tickets:
        if not ticket.future.done():
            ticket.future.set_exception(Unavailable("nothing came back in time"))
