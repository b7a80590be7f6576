"""What a member and a decision cost: bytes in the database, and processor time of service and database.

A synthetic program is filled through the service's own functions, then a month passes: everybody is
decided for, answered, reported on, and folded. What grows in that month is counted. Bytes do not depend on
the machine; processor time is this process's own, without the waiting for the disk. Nothing asserts a time.

    PYTHONPATH=services:tests python benchmarks/capacity.py --members 4000
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from engagement.actions.availability import DAY_MS
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.migrate import migrate
from engagement.workflows.answer import Reply, answer
from engagement.workflows.fold import fold_program
from engagement.workflows.ingest import Signal, ingest, milliseconds
from engagement.workflows.recommend import CUT, Ask, recommend
from engagement.workflows.tell import Recommendation
from support.postgres import running_server
from systems import cpu_seconds
from world import build, member, month


class Cost(NamedTuple):
    """Of one step of a month, for each decision. cpu and database in microseconds"""

    step: str
    cpu: float
    database: float
    bytes: float


class Place(NamedTuple):
    """A database to be measured. size : its bytes; processes : ids of its own, none for SQLite"""

    name: str
    url: str
    size: Callable[[], int]
    processes: Callable[[], list[int]]


def measure(place: Place, members: int) -> tuple[float, list[Cost]]:
    """Bytes a member that the set-up and a first month take, and each step of a further month."""
    with closing(Database(place.url)) as db:
        migrate(db)
    empty = place.size()
    world = build(place.url, members)
    begun = (place.size() - empty) / members
    with closing(Database(place.url)) as db:
        kept = Kept()
        now_ms = milliseconds(month(2))
        made: list[Recommendation] = []

        def decide() -> None:
            for numbers in _cuts(members):
                with db.write() as conn:
                    asks = [Ask(member=member(one)) for one in numbers]
                    told = recommend(conn, kept, world.program_id, asks, now_ms, simulated=True)
                    made.extend(one for one in told if isinstance(one, Recommendation) and one.decision_id)

        def tell() -> None:
            replies = [(str(one.decision_id), Reply("done")) for one in made]
            for numbers in _cuts(len(replies)):
                with db.write() as conn:
                    answer(conn, kept, world.program_id, [replies[one] for one in numbers], now_ms + DAY_MS)

        def came() -> None:
            at = month(2).replace(day=20)
            for numbers in _cuts(members):
                signals = [
                    Signal(
                        source="register",
                        id=f"{one}-3",
                        kind="attendance",
                        member=member(one),
                        value=one % 2,
                        occurred_at=at,
                    )
                    for one in numbers
                ]
                with db.write() as conn:
                    ingest(conn, kept, world.program_id, signals, now_ms + 20 * DAY_MS)

        def learn() -> None:
            fold_program(db, kept, world.program_id, "capacity", now_ms + 60 * DAY_MS)

        steps = {"decide": decide, "answer": tell, "one signal": came, "close and fold": learn}
        costs = [_cost(name, step, place, members) for name, step in steps.items()]
    return begun, costs


def _cuts(count: int) -> list[range]:
    return [range(start, min(count, start + CUT)) for start in range(0, count, CUT)]


def _cost(name: str, step: Callable[[], None], place: Place, members: int) -> Cost:
    before = time.process_time(), cpu_seconds(place.processes()), place.size()
    step()
    after = time.process_time(), cpu_seconds(place.processes()), place.size()
    cpu, database, size = (now - then for now, then in zip(after, before, strict=True))
    return Cost(name, 1e6 * cpu / members, 1e6 * database / members, size / members)


def sqlite_place(folder: Path) -> Place:
    """A file; what is in its log is counted once it is copied into it."""
    file = folder / "capacity.db"

    def size() -> int:
        with closing(Database(f"sqlite:///{file}")) as db:
            connection = db.engine().raw_connection()
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.close()
        return file.stat().st_size

    return Place("SQLite", f"sqlite:///{file}", size, list)


def postgresql_place(opened: ExitStack) -> Place:
    """A server of its own, with fsync."""
    server = opened.enter_context(running_server(fsync=True))
    url = server.create("capacity")

    def size() -> int:
        with closing(Database(url)) as db, db.read() as conn:
            return int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    return Place("PostgreSQL", url, size, server.processes)


def main() -> None:
    """Prints a table a database."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--members", type=int, default=4_000)
    members = parser.parse_args().members
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        for place in (sqlite_place(folder), postgresql_place(opened)):
            begun, costs = measure(place, members)
            print(f"\n{place.name}, {members} members: {begun:,.0f} bytes a member after the first month")
            print(f"{'step':<16}{'service µs':>12}{'database µs':>12}{'bytes':>10}")
            for cost in costs:
                print(f"{cost.step:<16}{cost.cpu:>12,.0f}{cost.database:>12,.0f}{cost.bytes:>10,.0f}")
            total = [sum(column) for column in zip(*(cost[1:] for cost in costs), strict=True)]
            print(f"{'a month':<16}{total[0]:>12,.0f}{total[1]:>12,.0f}{total[2]:>10,.0f}")


if __name__ == "__main__":
    main()
