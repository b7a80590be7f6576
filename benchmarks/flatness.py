"""Whether a recommendation costs the same in a program of a million members, and folding grows with the work.

A small synthetic program is built through the service's own functions, then multiplied in the database: every
member with their group, seat, tally, first decision and what became of it. Costs are those of lone
recommendations for members drawn at random: processor time of this process, statements, and what the
database did, in a unit in which no clock has a part: pages that PostgreSQL looked at, tens of steps of
SQLite's machine. Nothing is kept of a belief's groups from one to the next, as where nobody of them came
lately. Then the same for members of whom more and more was reported, and how long it takes to fold and to
plan twice and four times as much. Nothing here asserts a time.

    python benchmarks/flatness.py --databases sqlite --members 1000 10000 100000
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from sqlalchemy import Connection, event, text

from engagement.actions.availability import DAY_MS
from engagement.store import signals
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.fold import fold_program
from engagement.workflows.ingest import milliseconds
from engagement.workflows.recommend import CUT, Ask, recommend
from engagement.workflows.tallies import retally
from planning_speed import planned
from support.databases import sqlite_url
from support.postgres import running_server
from systems import cpu_seconds
from world import World, build, group, member, month, told

BASE = 1_000
"""Members that are made one by one; all others are copies of theirs."""
ASKED = 200
STEP = 10
"""Steps of SQLite's machine that are counted as one."""


class Place(NamedTuple):
    """A kind of database. url : of an empty one      processes : ids of its own"""

    name: str
    url: Callable[[], str]
    processes: Callable[[], list[int]]


class Cost(NamedTuple):
    """Of one lone recommendation: medians. cpu, database : µs      statements, work : see above"""

    cpu: float
    database: float
    statements: float
    work: float


COPIED = {
    "revisions": "noun IN ('member', 'group')",
    "memberships": "true",
    "tallies": "true",
    "decisions": "true",
    "answers": "true",
    "nodes": "node <> ''",
}
"""Table → which of its rows belong to members and groups."""

# --- many members -------------------------------------------------------------------------------


def multiply(conn: Connection, first: int, last: int) -> None:
    """Copies of everybody, numbered from `first` to before `last`, each with names of their own."""
    lite = conn.dialect.name == "sqlite"
    numbers = (
        "WITH RECURSIVE k(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM k WHERE n + 1 < :last)"
        if lite
        else "WITH k AS (SELECT n FROM generate_series(:first, :last - 1) AS g(n))"
    )
    number = "printf('%05d', n)" if lite else "lpad(n::text, 5, '0')"
    body = (
        f'CAST(replace(CAST(body AS TEXT), \'"id":"\', \'"id":"x\' || {number}) AS BLOB)'
        if lite
        else f"convert_to(replace(convert_from(body, 'UTF8'), '\"id\":\"', '\"id\":\"x' || {number}), 'UTF8')"
    )
    decision = (
        "printf('%08x', n) || substr(decision_id, 9)"
        if lite
        else "(lpad(to_hex(n), 8, '0') || substr(replace(decision_id::text, '-', ''), 9))::uuid"
    )
    own = {name: f"'x' || {number} || {name}" for name in ("member_id", "group_id", "unit_id", "node")}
    own |= {"decision_id": decision}
    revised = own | {"id": f"'x' || {number} || id", "body": body}
    for table in COPIED:
        changed = revised if table == "revisions" else own
        names = columns(conn, table)
        values = ", ".join(changed.get(name, name) for name in names)
        into, from_ = f"INSERT INTO {table} ({', '.join(names)})", f"FROM k, first_{table} ORDER BY n"
        parts = (into, numbers) if lite else (numbers, into)
        conn.execute(text(f"{' '.join(parts)} SELECT {values} {from_}"), {"first": first, "last": last})


def set_aside(conn: Connection) -> None:
    """What is copied, in tables of its own: to look for it among the copies would take ever longer."""
    for table, chosen in COPIED.items():
        conn.execute(text(f"CREATE TABLE first_{table} AS SELECT * FROM {table} WHERE {chosen}"))  # noqa: S608  our own names


def columns(conn: Connection, table: str) -> list[str]:
    """Names of a table's columns."""
    return list(conn.execute(text(f"SELECT * FROM {table} LIMIT 0")).keys())  # noqa: S608  our own names


def grown(url: str, now: int, wanted: int) -> None:
    """Brings a program from so many members to as many as wanted, 10,000 at a time."""
    with closing(Database(url)) as db:
        copies = range(now // BASE, wanted // BASE)
        if copies and now == BASE:
            with db.write() as conn:
                set_aside(conn)
        for start in range(copies.start, copies.stop, 10):
            with db.write() as conn:
                multiply(conn, start, min(start + 10, copies.stop))
        analyse(db)


def analyse(db: Database) -> None:
    """As PostgreSQL does within a minute; SQLite never does."""
    if not db.is_sqlite:
        with db.write() as conn:
            conn.exec_driver_sql("ANALYZE")


def anybody(number: int) -> str:
    """A member of a multiplied program by number."""
    copy, place = divmod(number, BASE)
    return member(place) if copy == 0 else f"x{copy:05}{member(place)}"


# --- what a recommendation costs ----------------------------------------------------------------


@contextmanager
def watched(db: Database) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


def cost(place: Place, url: str, world: World, asked: Sequence[tuple[str, int]]) -> Cost:
    """What lone recommendations cost, each for a (member, month)."""
    kept, taken, work = Kept(), [], []
    with closing(Database(url)) as db:

        def one(name: str, now_ms: int) -> Callable[[Connection], object]:
            return lambda conn: recommend(
                conn, kept, world.program_id, [Ask(member=name)], now_ms, simulated=True
            )

        asks = [one(name, milliseconds(month(later))) for name, later in asked]
        counted, timed = asks[: len(asks) // 4], asks[len(asks) // 4 :]
        with watched(db) as sent:
            statements = []
            for decide in counted:
                sent.clear()
                with db.write() as conn:
                    kept.nodes, kept.settled = Kept().nodes, Kept().settled
                    work.append(worked(conn, decide))
                statements.append(sum(not line.startswith(("BEGIN", "SELECT sum(pg_stat")) for line in sent))
        before = cpu_seconds(place.processes())
        for decide in timed:
            kept.nodes, kept.settled = Kept().nodes, Kept().settled  # nobody of this group was here lately
            start = time.thread_time()
            with db.write() as conn:
                decide(conn)
            taken.append(time.thread_time() - start)
        spent = cpu_seconds(place.processes()) - before
    warm = taken[len(taken) // 10 :]
    return Cost(
        1e6 * statistics.median(warm),
        1e6 * spent / len(timed),
        statistics.median(statements[5:]),
        statistics.median(work[5:]),
    )


def worked(conn: Connection, decide: Callable[[Connection], object]) -> int:
    """What the database did for one decision."""
    if conn.dialect.name == "sqlite":
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        driver = conn.connection.driver_connection
        driver.set_progress_handler(step, STEP)
        decide(conn)
        driver.set_progress_handler(None, STEP)
        return steps
    looked = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid)) FROM pg_class WHERE relkind IN ('r', 'i')"
    before = int(conn.exec_driver_sql(looked).scalar_one())
    again = int(conn.exec_driver_sql(looked).scalar_one())  # what asking itself looks at
    decide(conn)
    return int(conn.exec_driver_sql(looked).scalar_one()) - again - (again - before)


def by_members(place: Place, sizes: Sequence[int]) -> None:
    """Prints the cost at each size of one growing program."""
    url, now = place.url(), BASE
    world = build(url, BASE)
    rows: list[Cost] = []
    head(f"{place.name}: members")
    for later, size in enumerate(sizes, 2):
        grown(url, now, size)
        now = size
        order = np.random.default_rng(later).choice(size, ASKED, replace=False)
        rows.append(cost(place, url, world, [(anybody(int(number)), later) for number in order]))
        show(size, rows[-1], rows[0])


def by_signals(place: Place, counts: Sequence[int], heard_of: int = 20) -> None:
    """Prints the cost for members of whom so much was reported."""
    url = place.url()
    world = build(url, BASE)
    rows: list[Cost] = []
    later = 2
    head(f"{place.name}: signals a member")
    for stage, wanted in enumerate(
        counts, 1
    ):  # others each time: what they were decided for before is read too
        numbers = range(stage, 10 * heard_of, 10)
        names = [member(number) for number in numbers]
        with closing(Database(url)) as db:
            for name, number in zip(names, numbers, strict=True):
                report(db, world, name, number, wanted)
            analyse(db)
        asked = [(name, later + turn) for turn in range(ASKED // heard_of) for name in names]
        later += ASKED // heard_of
        rows.append(cost(place, url, world, asked))
        show(wanted, rows[-1], rows[0])


def report(db: Database, world: World, name: str, number: int, times: int) -> None:
    """One member came, or did not, again and again; straight into the ledger and the tally."""
    at = [month(0) - timedelta(hours=n % (150 * 24), seconds=n) for n in range(times)]
    rows = [
        told("member", name, number, "attendance", n % 2, moment)._replace(event_id=f"{name}-{n}")
        for n, moment in enumerate(at)
    ]
    with db.write() as conn:
        signals.insert_signals(conn, world.program_id, rows)
        retally(conn, world.program_id, [name], [group(number)])


# --- folding and planning -----------------------------------------------------------------------


def by_fold(place: Place, sizes: Sequence[int]) -> None:
    """Prints the processor time of closing and folding a month of everybody's decisions."""
    print(
        f"\n{f'{place.name}: decisions folded':34}{'service ms':>12}{'µs a decision':>15}{'of the first':>14}"
    )
    base = 0.0
    for size in sizes:
        url, kept = place.url(), Kept()
        world = build(url, size)
        now_ms = milliseconds(month(2))
        with closing(Database(url)) as db:
            for start in range(0, size, CUT):
                asks = [Ask(member=member(number)) for number in range(start, min(size, start + CUT))]
                with db.write() as conn:
                    recommend(conn, kept, world.program_id, asks, now_ms, simulated=True)
            begun = time.process_time()
            fold_program(db, kept, world.program_id, "flatness", now_ms + 60 * DAY_MS)
            taken = time.process_time() - begun
        each = 1e6 * taken / size
        base = base or each
        print(f"{size:>34,}{1e3 * taken:>12,.0f}{each:>15,.0f}{each / base:>14.2f}", flush=True)


def by_plan(sizes: Sequence[int]) -> None:
    """Prints the processor time of planning visits to so many groups; no database has a part in it."""
    print("\nplans: units, visits, workers, seconds, MiB, visits given; then µs a unit, and of the first")
    base = 0.0
    for size in sizes:
        each = 1e6 * planned(size, 0.1) / size
        base = base or each
        print(f"{each:>34,.1f}{each / base:>14.2f}", flush=True)


# --- words --------------------------------------------------------------------------------------


def head(title: str) -> None:
    """The first line of a table of costs."""
    print(f"\n{title:34}{'service µs':>18}{'database µs':>18}{'statements':>14}{'work':>18}", flush=True)


def show(size: int, row: Cost, first: Cost) -> None:
    """A line of it: each cost, and how many times that of the first line it is."""
    told = [f"{now:,.0f} ({now / then:.2f})" if then else "–" for now, then in zip(row, first, strict=True)]
    print(f"{size:>34,}{told[0]:>18}{told[1]:>18}{told[2]:>14}{told[3]:>18}", flush=True)


def main() -> None:
    """Prints one table after the other."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    parser.add_argument("--members", nargs="+", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--signals", nargs="+", type=int, default=[10, 100, 1_000, 10_000])
    parser.add_argument("--folded", nargs="*", type=int, default=[2_000, 4_000, 8_000])
    parser.add_argument("--planned", nargs="*", type=int, default=[1_000, 4_000, 16_000])
    given = parser.parse_args()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        places = []
        if "sqlite" in given.databases:
            places.append(Place("SQLite", lambda: sqlite_url(folder / f"{uuid4()}.db"), list))
        if "postgresql" in given.databases:
            server = opened.enter_context(running_server(fsync=True))
            places.append(Place("PostgreSQL", lambda: server.create(f"d{uuid4().hex}"), server.processes))
        for place in places:
            by_members(place, given.members)
            by_signals(place, given.signals)
            by_fold(place, given.folded)
        by_plan(given.planned)


if __name__ == "__main__":
    main()
