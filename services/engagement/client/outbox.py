"""Signals that wait on this machine's disk until the service can be reached.

A signal has its id before it is put in, so what was sent and whose answer was lost is sent again and
counts once. It leaves the file only when the service has said what became of it.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from engagement.client.steps import Steps
from engagement.clock import SystemClock
from engagement.errors import (
    Conflict,
    EngagementError,
    Fault,
    Forbidden,
    Invalid,
    Mistake,
    Overloaded,
    Unauthenticated,
)
from engagement.signals.signal import Reporter
from engagement.store.identifiers import uuid7
from engagement.workflows.ingest import Receipt, Signal

MOST = 100_000
"""Signals that an outbox holds when nothing else is said; about 30 MB."""
MOST_REFUSED = 10_000
"""Refused signals that are kept, the newest."""
AT_ONCE = 1_000
PATIENCE_S = 30.0
"""How long another process may hold the file."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    place INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    UNIQUE (source, id)
);
CREATE TABLE IF NOT EXISTS refused (
    place INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL,
    problem TEXT NOT NULL, detail TEXT NOT NULL
);
"""


class Refused(NamedTuple):
    """A signal that the service will not take as it is.

    problem : the error's name, such as `NotFound`      detail : what is wrong, in words
    """

    signal: Signal
    problem: str
    detail: str


class Flushed(NamedTuple):
    """What a flush did.

    stored, repeated : new to the service, and known to it already      waiting : still in the outbox
    stopped_by : why it ended before the outbox was empty; None where it did not
    """

    stored: int = 0
    repeated: int = 0
    refused: tuple[Refused, ...] = ()
    waiting: int = 0
    stopped_by: str | None = None


def observed(
    kind: str,
    *,
    member: str | None = None,
    group: str | None = None,
    value: int | str | None = 1,
    source: str = "app",
    reported_by: Reporter = "system",
    chain: str | None = None,
) -> Signal:
    """A signal of this moment with an id of its own: made once, it can be sent any number of times.

    Raises Invalid, naming the field, where the service would refuse it whatever it knows.
    """
    now_ms = SystemClock().now_ms()
    signal = Signal(
        source=source,
        id=uuid7(now_ms),
        kind=kind,
        member=member,
        group=group,
        value=value,
        occurred_at=datetime.fromtimestamp(now_ms / 1000, UTC),
        reported_by=reported_by,
        chain=chain,
    )
    return _checked(signal)


class Outbox:
    """A file of signals to be sent. Threads and processes may share it.

    most : so many may wait; then `put` raises `Overloaded` and puts nothing in

    What `put` has returned from is on the disk: neither a crash nor a power cut loses it.
    """

    def __init__(self, file: str | Path, *, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._file = sqlite3.connect(
            str(file), timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.executescript(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file; what waits in it stays."""
        self._file.close()

    def __len__(self) -> int:
        """How many signals wait."""
        with self._lock:
            return self._count()

    def put(self, reports: Sequence[Signal]) -> None:
        """Puts signals in, all or none.

        Raises Invalid for one that no service would take, Conflict for one whose id waits with another
        content, Overloaded when they do not fit.
        """
        rows = [(row.source, row.id, _encode(_checked(row))) for row in reports]
        with self._changing() as file:
            for source, name, body in rows:
                file.execute(
                    "INSERT INTO waiting (source, id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                    (source, name, body),
                )
                (known,) = file.execute(
                    "SELECT body FROM waiting WHERE source = ? AND id = ?", (source, name)
                ).fetchone()
                if known != body:
                    raise Conflict(f"another signal waits under the id `{name}` of `{source}`")
            if self._count() > self._most:
                raise Overloaded(f"the outbox holds {self._most} signals at most; nothing was put in")

    def refused(self) -> list[Refused]:
        """What the service would not take, the oldest first: to be looked at, then to `retry` or `forget`."""
        with self._lock:
            rows = self._file.execute("SELECT body, problem, detail FROM refused ORDER BY place").fetchall()
        return [Refused(_signal(body), problem, detail) for body, problem, detail in rows]

    def retry(self) -> None:
        """Lets everything refused wait again, once its reason has gone."""
        with self._changing() as file:
            file.execute(
                "INSERT INTO waiting (source, id, body) SELECT source, id, body FROM refused"
                " WHERE true ORDER BY place ON CONFLICT DO NOTHING"
            )
            file.execute("DELETE FROM refused")

    def forget(self) -> None:
        """Drops everything refused."""
        with self._changing() as file:
            file.execute("DELETE FROM refused")

    def oldest(self, most: int) -> list[Signal]:
        """The signals that have waited longest."""
        with self._lock:
            rows = self._file.execute("SELECT body FROM waiting ORDER BY place LIMIT ?", (most,)).fetchall()
        return [_signal(body) for (body,) in rows]

    def settle(self, taken: Sequence[Signal], refused: Sequence[Refused]) -> None:
        """Lets go of what the service has taken, and puts aside what it has refused."""
        with self._changing() as file:
            for signal in [*taken, *(row.signal for row in refused)]:
                file.execute("DELETE FROM waiting WHERE source = ? AND id = ?", (signal.source, signal.id))
            file.executemany(
                "INSERT INTO refused (source, id, body, problem, detail) VALUES (?, ?, ?, ?, ?)",
                [
                    (row.signal.source, row.signal.id, _encode(row.signal), row.problem, row.detail)
                    for row in refused
                ],
            )
            file.execute(
                "DELETE FROM refused WHERE place <= (SELECT MAX(place) FROM refused) - ?", (MOST_REFUSED,)
            )

    def _count(self) -> int:
        (count,) = self._file.execute("SELECT COUNT(*) FROM waiting").fetchone()
        return int(count)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block ends. Raises Fault when the disk does not take it."""
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                yield self._file
                self._file.execute("COMMIT")
            except sqlite3.Error as flaw:
                raise Fault(f"the outbox cannot be written: {flaw}") from flaw
            finally:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")


def flushing(
    outbox: Outbox, send: Callable[[Sequence[Signal]], Steps[list[Receipt | EngagementError]]]
) -> Steps[Flushed]:
    """Sends what waits, the oldest first; what the service will never take does not hold up the rest."""
    stored = repeated = 0
    refused: list[Refused] = []
    stopped_by: str | None = None
    size = AT_ONCE
    while stopped_by is None and (reports := outbox.oldest(size)):
        try:
            answers = yield from send(reports)
        except (Unauthenticated, Forbidden):
            raise
        except Fault as outage:
            stopped_by = str(outage)
            break
        except Mistake as mistake:
            if len(reports) > 1:  # somewhere in the batch is what spoils it
                size = len(reports) // 2
                continue
            answers = [mistake]
        size = min(AT_ONCE, 2 * size)
        pairs = list(zip(reports, answers, strict=True))
        taken = [(signal, answer) for signal, answer in pairs if isinstance(answer, Receipt)]
        wrong = [_refused(signal, answer) for signal, answer in pairs if isinstance(answer, Mistake)]
        stopped_by = next((str(answer) for _, answer in pairs if isinstance(answer, Fault)), None)
        outbox.settle([signal for signal, _ in taken], wrong)
        stored += sum(answer.status == "stored" for _, answer in taken)
        repeated += sum(answer.status == "repeated" for _, answer in taken)
        refused += wrong
    return Flushed(stored, repeated, tuple(refused), len(outbox), stopped_by)


def _refused(signal: Signal, mistake: Mistake) -> Refused:
    return Refused(signal, type(mistake).__name__, str(mistake))


def _encode(signal: Signal) -> bytes:
    return msgspec.json.encode(signal)


def _signal(body: bytes) -> Signal:
    return msgspec.json.decode(body, type=Signal)


def _checked(signal: Signal) -> Signal:
    """The signal as the service will read it; raises Invalid where it would not."""
    try:
        return _signal(_encode(signal))
    except (msgspec.MsgspecError, TypeError) as flaw:
        raise Invalid(f"this is no signal: {flaw}") from flaw
