"""Time and memory to seal a ledger and to verify it: a first seal, a night's, and every row again.

The rows are synthetic: signals, as the most numerous table, a thousandth of them new in the second night.
Seconds of processor time of this process, with those on the clock behind them; memory is what the process
had at most beyond what it had before. PostgreSQL's own time is only on the clock.

    python benchmarks/sealing.py --rows 1000000
    PYTHONPATH=services:tests python benchmarks/sealing.py --postgresql
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TypeVar

from engagement.store import setup, signals
from engagement.store.database import Database
from engagement.store.migrate import migrate
from engagement.workflows.audit import audit
from engagement.workflows.seal import seal

DAY_MS = 86_400_000
PROGRAM = "01900000-0000-7000-8000-00000000000a"
AT_ONCE = 10_000
T = TypeVar("T")


def reported(first: int, rows: int, at_ms: int) -> Iterator[list[signals.Recorded]]:
    """Synthetic attendance, many at once."""
    for start in range(first, first + rows, AT_ONCE):
        yield [
            signals.Recorded(
                "app", f"event-{n:09}", "member", f"m{n % 10_000}", f"g{n % 1_000}", "attendance", n % 2,
                at_ms, "adviser", None, None, at_ms,
            )
            for n in range(start, min(start + AT_ONCE, first + rows))
        ]  # fmt: skip


def store(db: Database, first: int, rows: int, at_ms: int) -> None:
    """Stores them."""
    for some in reported(first, rows, at_ms):
        with db.write() as conn:
            signals.insert_signals(conn, PROGRAM, some)


def measured(what: str, work: Callable[[], T]) -> T:
    """Does it and prints what it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    processor, clock = time.process_time(), time.perf_counter()
    found = work()
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{what:42} {processor:7.2f} s ({clock:.2f})  {more:6.0f} MiB more")
    return found


def verified(db: Database) -> int:
    """Rows that are as they were sealed; all must be."""
    with db.read() as conn:
        found = audit(conn, PROGRAM)
    if found.flaws or found.fresh:
        raise SystemExit(f"not as it was sealed: {found}")
    return found.rows


def measure(url: str, rows: int) -> None:
    """All of it, in an empty database."""
    with closing(Database(url)) as db:
        migrate(db)
        with db.write() as conn:
            setup.create_program(conn, PROGRAM, bytes(32), 0)
        store(db, 0, rows, DAY_MS)
        measured(f"first seal, {rows:,} rows", lambda: seal(db, PROGRAM, "me", 10 * DAY_MS))
        store(db, rows, rows // 1_000, 10 * DAY_MS + 1)
        measured(f"the next night's, {rows // 1_000:,} new", lambda: seal(db, PROGRAM, "me", 11 * DAY_MS))
        measured("a night in which nothing came", lambda: seal(db, PROGRAM, "me", 12 * DAY_MS))
        found = measured("verify every row", lambda: verified(db))
        if found != rows + rows // 1_000 + 1:
            raise SystemExit(f"{found} rows are sealed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--postgresql", action="store_true", help="on the server that comes with the tests")
    given = parser.parse_args()
    with ExitStack() as stack:
        if given.postgresql:
            from support.postgres import running_server

            server = stack.enter_context(running_server(fsync=False))
            address = server.create("sealing")
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            address = f"sqlite:///{folder}/sealing.db"
        measure(address, given.rows)
