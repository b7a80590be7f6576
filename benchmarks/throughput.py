"""How many durable recommendations a second, beside a bare echo and beside what one could build instead.

Starts real server processes, sends every request from a process of its own, and takes the ways in turn
(A B C A B C …), so that a ratio compares neighbours in time. Every request is a new decision: a distinct
synthetic member, in a simulated month in which nobody has asked yet; after each run the rows in the ledger
are counted and must be as many as the answers. Authentication, metrics and the log (to a file) are on.
Nothing here asserts a time. Linux only: processor times come from /proc. What is measured:

    ordinary   POST /v1/recommendations through the framework's route
    @asgi      the same operation past the framework: what a body said to be plain JSON gets
    batch      POST /v1/recommendations/batch, a hundred in each, counted in units
    signals    POST /v1/signals, a hundred in each, counted in units
    single     the @asgi route of the service with ENGAGEMENT_SHARED_COMMITS=false: one commit a request
    vw, mabwiser   those libraries behind the same server (`peer.py`), alone and with shared commits

    make bench                              all of it, about half an hour
    make bench BENCH=--quick                in a few minutes, SQLite, one round
    make bench BENCH="--rounds 3 --seconds 2 --databases sqlite"
"""

import argparse
import http.client
import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import func, select, table

from engagement.store.database import Database
from load import TICK_S, Job, Report
from steps import Cut, measure
from steps import table as steps_table
from systems import (
    ECHO,
    FIRST_MONTH,
    HERE,
    Place,
    System,
    commit_ms,
    cpu_seconds,
    echo,
    file_system,
    fsync_ms,
    loop_cpu_seconds,
    peer,
    postgresql_place,
    service,
    sqlite_place,
)
from world import member, month

CROWD = 128
FEW = 4
"""Connections of those who send a hundred at once: 400 units on their way, more than a cut."""
CONNECTIONS = (1, FEW, 16, CROWD)
HUNDRED = 100
PLAIN, ORDINARY = "application/json", "application/json; charset=utf-8"
"""The same to every reader; only what is said to be the first goes past the framework."""
ASK = "/v1/recommendations"
PEERS = {"vw": "vowpalwabbit", "mabwiser": "mabwiser"}
"""Model → the package that it needs."""


class Way(NamedTuple):
    """One way to ask a system. table : in which a unit leaves a row, "" where nothing is stored."""

    name: str
    system: System
    path: str = ASK
    media_type: str = PLAIN
    units: int = 1
    connections: tuple[int, ...] = (1, 16, CROWD)
    table: str = "decisions"


class Seen(NamedTuple):
    """One run. CPU in microseconds a unit; loop : of the event loop alone; batch : the desk's mean."""

    report: Report
    units: int
    server_cpu: float
    loop_cpu: float
    database_cpu: float
    batch: float

    @property
    def rate(self) -> float:
        """Durable units a second; for the echo, answers."""
        return self.units / self.report.seconds


class Meters(NamedTuple):
    """What has been counted so far: processor seconds, the lanes' work, rows."""

    server_cpu: float
    loop_cpu: float
    database_cpu: float
    units: float
    transactions: float
    rows: float


def meters(way: Way) -> Meters:
    """All counters of a system; the echo has the first two only."""
    system = way.system
    process = system.process.pid
    cpu = cpu_seconds([process]), loop_cpu_seconds(process)
    if not way.table:
        return Meters(*cpu, 0.0, 0.0, 0.0, 0)
    units, transactions = (0.0, 0.0) if way.table == "peer_decisions" else _on_lanes(system)
    with closing(Database(system.url)) as db, db.read() as conn:
        rows = conn.execute(select(func.count()).select_from(table(way.table))).scalar_one()
    return Meters(*cpu, cpu_seconds(system.database_processes()), units, transactions, rows)


def _on_lanes(system: System) -> tuple[float, float]:
    """Units and transactions of the two lanes that write."""
    with closing(http.client.HTTPConnection("127.0.0.1", system.port)) as line:
        line.request("GET", "/metrics")
        text = line.getresponse().read().decode()
    units, transactions = (
        sum(
            float(text.partition(f'engagement_desk_batch_units_{part}{{lane="{lane}"}} ')[2].split()[0])
            for lane in ("decide", "record")
        )
        for part in ("sum", "count")
    )
    return units, transactions


def job(way: Way, connections: int, seconds: float, number: int) -> Job:
    """Everybody once, in an order of the run's own, in the run's own month."""
    system = way.system
    start = month(FIRST_MONTH + number)
    moved = way.table in ("decisions", "signals")
    ticks = range(int(seconds / TICK_S) + 20) if moved else ()
    return Job(
        port=system.port,
        key=system.world.key,
        path=way.path,
        media_type=way.media_type,
        bodies=bodies(way, number),
        connections=connections,
        seconds=seconds,
        moves=[(start + timedelta(seconds=tick * TICK_S)).isoformat() for tick in ticks],
        repeat=not moved,
    )


def bodies(way: Way, number: int) -> list[str]:
    """What is sent in a run."""
    order = [member(one) for one in range(way.system.world.members)]
    random.Random(number).shuffle(order)
    if way.table == "signals":
        at = (month(FIRST_MONTH + number) - timedelta(days=1)).isoformat()
        named = ((f"{number}-{n}", name) for n, name in enumerate(order * 4))
        signals = [
            {
                "source": "bench",
                "id": key,
                "kind": "attendance",
                "member": name,
                "value": 1,
                "occurred_at": at,
            }
            for key, name in named
        ]
        return [_json({"signals": part}) for part in _hundreds(signals)]
    asks = [{"member": name} for name in order]
    if way.units > 1:
        return [_json({"requests": part}) for part in _hundreds(asks)]
    return [_json(one) for one in asks]


def _hundreds(things: Sequence[object]) -> list[Sequence[object]]:
    return [things[start : start + HUNDRED] for start in range(0, len(things), HUNDRED)]


def _json(thing: object) -> str:
    return msgspec.json.encode(thing).decode()


def run(way: Way, connections: int, seconds: float, number: int) -> Seen:
    """One run; raises when an answer that names a decision is not a row in the ledger, or a row too many."""
    work = msgspec.json.encode(job(way, connections, seconds, number))
    before = meters(way)
    caller = [sys.executable, str(HERE / "load.py")]
    done = subprocess.run(caller, input=work, stdout=subprocess.PIPE, check=True)
    spent = Meters._make(now - then for now, then in zip(meters(way), before, strict=True))
    report = msgspec.json.decode(done.stdout, type=Report)
    units = (report.answered - report.refused) * way.units - report.undecided
    # who is answered in time with the safe default may be decided for all the same, a moment later
    if way.table and not units <= spent.rows <= units + report.undecided:
        raise RuntimeError(f"{way.name}: {units} units were answered and {spent.rows} stored")
    a_unit = 1e6 / max(report.answered * way.units, 1)
    return Seen(
        report,
        units,
        a_unit * spent.server_cpu,
        a_unit * spent.loop_cpu,
        a_unit * spent.database_cpu,
        spent.units / max(spent.transactions, 1),
    )


Key = tuple[str, int]
"""A way's name and a number of connections."""


class Moods(NamedTuple):
    """What the disk was like before each round, in ms: an fsync, and a commit of one row in each database."""

    fsync: list[float]
    commit: dict[str, list[float]]


def measure_all(
    ways: Sequence[Way], empty: dict[str, str], rounds: int, seconds: float, folder: Path
) -> tuple[dict[Key, list[Seen]], Moods]:
    """Every way at every number of its connections in turn, round after round; the first is a warm-up.

    empty : an empty database of each kind, in which commits are timed
    """
    seen: dict[Key, list[Seen]] = {}
    moods = Moods([], {name: [] for name in empty})
    numbers = count()
    for number in range(rounds + 1):
        moods.fsync.append(fsync_ms(folder))
        for name, url in empty.items():
            moods.commit[name].append(commit_ms(url))
        for connections in CONNECTIONS:
            for way in ways:
                if connections not in way.connections:
                    continue
                found = run(way, connections, min(seconds, 1.0) if number == 0 else seconds, next(numbers))
                say(f"{f'round {number}' if number else 'warm-up'}  {in_one_line(way, connections, found)}")
                if number:
                    seen.setdefault((way.name, connections), []).append(found)
    return seen, moods


# --- words ----------------------------------------------------------------------------------------


def say(*lines: str) -> None:
    """Prints for the person at the terminal, at once."""
    print(*lines, sep="\n", flush=True)


def in_one_line(way: Way, connections: int, seen: Seen) -> str:
    """One run, as it ends."""
    report = seen.report
    return (
        f"{way.name:26} {connections:>4} connections {seen.rate:>8.0f}/s"
        f"  p50 {report.p50_ms:7.2f} ms  p99 {report.p99_ms:7.2f} ms"
        f"  server {seen.server_cpu:5.0f} µs  caller {report.cpu_share:4.0%} of a core"
    )


def spread(values: Sequence[float], form: str) -> str:
    """A median, and the least and greatest around it."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def over(seen: dict[Key, list[Seen]], one: Key, other: Key) -> tuple[str, str]:
    """The ratio of two ways' rates, round by round; and of the processor time that their servers took.

    The second is the first where one core is all that both wait for; others on the machine disturb it least.
    """
    pairs = list(zip(seen[one], seen[other], strict=True))
    by_clock = spread([a.rate / b.rate for a, b in pairs], ".3f")
    return by_clock, spread([b.server_cpu / a.server_cpu for a, b in pairs], ".3f")


def summary(seen: dict[Key, list[Seen]]) -> str:
    """The table of all runs: medians, with the least and greatest in brackets."""
    columns = f"{'way':26}{'conns':>6}  {'units a second':24}{'p50 ms':26}{'p99 ms':26}"
    lines = [columns + f"{'CPU µs a unit: loop':>20}{'other':>8}{'database':>10}{'batch':>7}{'caller':>8}"]
    for (name, connections), runs in seen.items():
        rate = spread([one.rate for one in runs], ".0f")
        p50, p99 = (spread([getattr(one.report, key) for one in runs], ".2f") for key in ("p50_ms", "p99_ms"))
        loop, server, database, batch = (
            statistics.median(getattr(one, key) for one in runs)
            for key in ("loop_cpu", "server_cpu", "database_cpu", "batch")
        )
        caller = statistics.median(one.report.cpu_share for one in runs)
        lines.append(
            f"{name:26}{connections:>6}  {rate:24}{p50:26}{p99:26}"
            f"{loop:>20.0f}{server - loop:>8.0f}{database:>10.0f}{batch:>7.1f}{caller:>8.0%}"
        )
    return "\n".join(lines)


class Wanted(NamedTuple):
    """A ratio and what it should be. at_least : by database"""

    words: str
    one: str
    other: str
    at_least: dict[str, float]


WANTED = (
    Wanted("ordinary ÷ echo", "ordinary", ECHO, {"sqlite": 0.50, "postgresql": 0.45}),
    Wanted("@asgi ÷ echo", "@asgi", ECHO, {"sqlite": 0.75, "postgresql": 0.65}),
    Wanted("@asgi ÷ one commit a request", "@asgi", "single", {"sqlite": 10.0, "postgresql": 5.0}),
    Wanted("batch of 100, in units ÷ echo", "batch", ECHO, {"sqlite": 1.3, "postgresql": 1.3}),
    Wanted("signals by 100, in units ÷ echo", "signals", ECHO, {"sqlite": 3.0, "postgresql": 3.0}),
    *(
        Wanted(f"@asgi ÷ {model}{how}", "@asgi", f"{model}{how}", {})
        for model in PEERS
        for how in ("", " shared")
    ),
)


def ratios(seen: dict[Key, list[Seen]], databases: Sequence[str]) -> str:
    """Every ratio at 128 connections, round by round: median, least and greatest, and the aim."""
    words = f"ratio of durable units a second, {CROWD} connections"
    lines = [f"{words:50}{'by the clock':26}{'by processor time':26}{'wanted':>8}"]
    for database in databases:
        for wanted in WANTED:
            one = _key(seen, database, wanted.one)
            other = (ECHO, CROWD) if wanted.other == ECHO else _key(seen, database, wanted.other)
            if one is None or other is None:
                continue
            least = wanted.at_least.get(database)
            words = f"{database}: {wanted.words}"
            told = "".join(f"{part:26}" for part in over(seen, one, other))
            lines.append(f"{words:50}{told}{'' if least is None else f'{least:g}':>8}")
    return "\n".join(lines)


def _key(seen: dict[Key, list[Seen]], database: str, way: str) -> Key | None:
    """Of a way with as many connections as it was measured with."""
    return next(((name, n) for name, n in reversed(seen) if name == f"{database} {way}"), None)


def lone(seen: dict[Key, list[Seen]], moods: Moods) -> str:
    """The 99th percentile of a request that nobody shares its commit with, in commits."""
    lines = [f"{'p99 of a lone request, in commits of one row':50}{'':34}{'wanted':>8}"]
    for database, commits in moods.commit.items():
        for way in ("ordinary", "@asgi"):
            runs = seen[f"{database} {way}", 1]
            share = [one.report.p99_ms / ms for one, ms in zip(runs, commits[1:], strict=True)]
            lines.append(f"{f'{database}: {way}':50}{spread(share, '.1f'):34}{'≤ 3':>8}")
    return "\n".join(lines)


MAKERS = {"sqlite": sqlite_place, "postgresql": postgresql_place}


def ways_of(place: Place, folder: Path, opened: ExitStack) -> list[Way]:
    """Every way of one database, its servers started."""
    shared, single = (
        opened.enter_context(
            service(
                f"{place.name} {name}",
                place.fresh(True),
                place.world,
                folder,
                place.processes,
                shared=name == "shared",
            )
        )
        for name in ("shared", "single")
    )
    own = [
        Way("ordinary", shared, media_type=ORDINARY),
        Way("@asgi", shared),
        Way("batch", shared, f"{ASK}/batch", units=HUNDRED, connections=(FEW,)),
        Way("signals", shared, "/v1/signals", units=HUNDRED, connections=(FEW,), table="signals"),
        Way("single", single, connections=(1, CROWD)),
    ]
    for model, package in PEERS.items():
        if importlib.util.find_spec(package) is None:
            say(f"{model} is not measured: `{package}` is not installed")
            continue
        for how in (False, True):
            other = opened.enter_context(peer(place, model, folder, shared=how))
            name = f"{model}{' shared' if how else ''}"
            own.append(Way(name, other, connections=(1, CROWD), table="peer_decisions"))
    return [way._replace(name=f"{place.name} {way.name}") for way in own]


def options() -> argparse.Namespace:
    """What may be asked for on the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--databases", nargs="+", choices=tuple(MAKERS), default=list(MAKERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--members", type=int, default=10_000, help="a multiple of a hundred")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: a temporary one")
    parser.add_argument("--quick", action="store_true", help="one round of one second, SQLite, 2,000 members")
    given = parser.parse_args()
    if given.quick:
        given.databases, given.rounds, given.seconds, given.members = ["sqlite"], 1, 1.0, 2_000
    return given


def compare(given: argparse.Namespace, folder: Path, opened: ExitStack) -> None:
    """Starts everything, measures, and prints the tables."""
    places = [MAKERS[name](folder, given.members, opened) for name in given.databases]
    bare = opened.enter_context(echo(folder, places[0].world))
    ways = [Way(ECHO, bare, table="")]
    ways += [way for place in places for way in ways_of(place, folder, opened)]
    empty = {place.name: place.fresh(False) for place in places}
    seen, moods = measure_all(ways, empty, given.rounds, given.seconds, folder)
    say("", summary(seen), "", ratios(seen, given.databases), "", lone(seen, moods))
    for place in places:
        cuts: list[Cut] = measure(place.fresh(True), place.world.program_id, given.members, FIRST_MONTH)
        say(
            "",
            f"{place.name}: µs of processor a unit, in one transaction of so many units",
            steps_table(cuts),
        )
    say("", f"ms an fsync took in this folder before each round: {spread(moods.fsync, '.2f')}")
    for name, taken in moods.commit.items():
        say(f"ms a commit of one row took on {name} before each round: {spread(taken, '.2f')}")


def main() -> None:
    """The whole comparison, in a folder that is removed at the end."""
    given = options()
    with tempfile.TemporaryDirectory(prefix="engagement-bench-", dir=given.folder) as name:
        folder = Path(name)
        folder.chmod(0o1777)  # PostgreSQL may run as another user, which removes its own files
        tempfile.tempdir = name
        kind = file_system(folder)
        if kind in ("tmpfs", "ramfs"):
            sys.exit(f"{folder.parent} lies in memory ({kind}); name a folder on a disk with --folder")
        say(f"{given.members} synthetic members; {os.cpu_count()} cores; data on {kind}")
        say("making the synthetic programs …")
        with ExitStack() as opened:
            compare(given, folder, opened)


if __name__ == "__main__":
    main()
