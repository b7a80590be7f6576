"""How many durable recommendations a second, beside a bare echo and beside one commit a request.

Starts real server processes, sends every request from a process of its own, and takes the systems in turn
(A B C A B C …), so that a ratio compares neighbours in time. Every request is a new decision: a distinct
synthetic member, in a simulated month in which nobody has asked yet; after each run the rows in the ledger
are counted and must be as many as the answers. Authentication, metrics and the log (to a file) are on.
Nothing here asserts a time. Linux only: processor times come from /proc.

    make bench                              all of it, about eight minutes
    make bench BENCH="--rounds 3 --seconds 2 --databases sqlite"
"""

import argparse
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from engagement.store import decisions
from engagement.store.database import Database
from load import TICK_S, Job, Report
from steps import Cut, measure, table
from systems import (
    ECHO,
    FIRST_MONTH,
    HERE,
    System,
    cpu_seconds,
    echo,
    file_system,
    fsync_ms,
    postgresql_systems,
    sqlite_systems,
)
from world import member, month

CONNECTIONS = (1, 16, 128)


class Seen(NamedTuple):
    """One run. CPU in microseconds a request; batch is the desk's mean."""

    report: Report
    server_cpu: float
    database_cpu: float
    batch: float

    @property
    def rate(self) -> float:
        """Durable decisions a second; for the echo, answers."""
        return (self.report.answered - self.report.undecided - self.report.refused) / self.report.seconds


class Meters(NamedTuple):
    """What has been counted so far: processor seconds, the deciding lane's work, rows in the ledger."""

    server_cpu: float
    database_cpu: float
    units: float
    transactions: float
    rows: float


def meters(system: System) -> Meters:
    """All counters of a system; the echo has the first only."""
    server_cpu = cpu_seconds([system.process.pid])
    if system.name == ECHO:
        return Meters(server_cpu, 0.0, 0.0, 0.0, 0)
    with closing(http.client.HTTPConnection("127.0.0.1", system.port)) as line:
        line.request("GET", "/metrics")
        text = line.getresponse().read().decode()
    units, transactions = (
        float(text.partition(f'engagement_desk_batch_units_{part}{{lane="decide"}} ')[2].split()[0])
        for part in ("sum", "count")
    )
    with closing(Database(system.url)) as db, db.read() as conn:
        rows = decisions.count(conn, system.world.program_id)
    return Meters(server_cpu, cpu_seconds(system.database_processes()), units, transactions, rows)


def job(system: System, connections: int, seconds: float, number: int) -> Job:
    """Everybody once, in an order of the run's own, in the run's own month."""
    order = [member(one) for one in range(system.world.members)]
    random.Random(number).shuffle(order)
    start = month(FIRST_MONTH + number)
    ticks = () if system.name == ECHO else range(int(seconds / TICK_S) + 20)
    return Job(
        port=system.port,
        key=system.world.key,
        members=order,
        connections=connections,
        seconds=seconds,
        moves=[(start + timedelta(seconds=tick * TICK_S)).isoformat() for tick in ticks],
        repeat=system.name == ECHO,
    )


def run(system: System, connections: int, seconds: float, number: int) -> Seen:
    """One run; raises when an answer that names a decision is not a row in the ledger, or a row too many."""
    work = msgspec.json.encode(job(system, connections, seconds, number))
    before = meters(system)
    caller = [sys.executable, str(HERE / "load.py")]
    done = subprocess.run(caller, input=work, stdout=subprocess.PIPE, check=True)
    spent = Meters._make(now - then for now, then in zip(meters(system), before, strict=True))
    report = msgspec.json.decode(done.stdout, type=Report)
    decided = 0 if system.name == ECHO else report.answered - report.undecided - report.refused
    if spent.rows != decided:
        raise RuntimeError(f"{decided} decisions were answered and {spent.rows} stored")
    return Seen(
        report,
        1e6 * spent.server_cpu / report.answered,
        1e6 * spent.database_cpu / report.answered,
        spent.units / max(spent.transactions, 1),
    )


Key = tuple[str, int]
"""A system's name and a number of connections."""


def measure_all(
    systems: Sequence[System], rounds: int, seconds: float, folder: Path
) -> tuple[dict[Key, list[Seen]], list[float]]:
    """Every system at every number of connections in turn, round after round; the first is a warm-up.

    Also the milliseconds that an fsync took before each round: disks have moods.
    """
    seen: dict[Key, list[Seen]] = {}
    pauses = []
    for number in range(rounds + 1):
        pauses.append(fsync_ms(folder))
        for place, connections in enumerate(CONNECTIONS):
            for system in systems:
                short = min(seconds, 1.0) if number == 0 else seconds
                found = run(system, connections, short, number * len(CONNECTIONS) + place)
                say(
                    f"{f'round {number}' if number else 'warm-up'}  {in_one_line(system, connections, found)}"
                )
                if number:
                    seen.setdefault((system.name, connections), []).append(found)
    return seen, pauses


# --- words ----------------------------------------------------------------------------------------


def say(*lines: str) -> None:
    """Prints for the person at the terminal, at once."""
    print(*lines, sep="\n", flush=True)


def in_one_line(system: System, connections: int, seen: Seen) -> str:
    """One run, as it ends."""
    report = seen.report
    return (
        f"{system.name:18} {connections:>4} connections {seen.rate:>8.0f}/s"
        f"  p50 {report.p50_ms:7.2f} ms  p99 {report.p99_ms:7.2f} ms"
        f"  server {seen.server_cpu:5.0f} µs  caller {report.cpu_share:4.0%} of a core"
    )


def spread(values: Sequence[float], form: str) -> str:
    """A median, and the least and greatest around it."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def over(seen: dict[Key, list[Seen]], one: Key, other: Key) -> str:
    """The ratio of two systems' rates, round by round."""
    pairs = zip(seen[one], seen[other], strict=True)
    return spread([a.rate / b.rate for a, b in pairs], ".3f")


def summary(seen: dict[Key, list[Seen]]) -> str:
    """The table of all runs: medians, with the least and greatest in brackets."""
    columns = f"{'system':18}{'conns':>6}  {'a second':22}{'p50 ms':24}{'p99 ms':24}"
    lines = [columns + f"{'CPU µs: server':>15}{'database':>10}{'batch':>7}{'caller':>8}"]
    for (name, connections), runs in seen.items():
        rate = spread([one.rate for one in runs], ".0f")
        p50, p99 = (spread([getattr(one.report, key) for one in runs], ".2f") for key in ("p50_ms", "p99_ms"))
        server, database, batch = (
            statistics.median(getattr(one, key) for one in runs)
            for key in ("server_cpu", "database_cpu", "batch")
        )
        caller = statistics.median(one.report.cpu_share for one in runs)
        lines.append(
            f"{name:18}{connections:>6}  {rate:22}{p50:24}{p99:24}"
            f"{server:>15.0f}{database:>10.0f}{batch:>7.1f}{caller:>8.0%}"
        )
    return "\n".join(lines)


def ratios(seen: dict[Key, list[Seen]], databases: Sequence[str]) -> str:
    """What the service reaches of the echo, and what sharing commits brings, by number of connections."""
    lines = [f"{'ratio of durable decisions a second':44}" + "".join(f"{n:>24}" for n in CONNECTIONS)]
    for database in databases:
        for words, other in (("a bare echo", ECHO), ("one commit a request", f"{database} single")):
            found = (over(seen, (database, n), (other, n)) for n in CONNECTIONS)
            lines.append(f"{f'{database} ÷ {words}':44}" + "".join(f"{one:>24}" for one in found))
    return "\n".join(lines)


def shares(cuts: Sequence[Cut], seen: Sequence[Seen]) -> str:
    """What is left for HTTP: the server's processor time less the workflow's, at the batch that formed."""
    batch = statistics.median(one.batch for one in seen)
    server = statistics.median(one.server_cpu for one in seen)
    nearest = min(cuts, key=lambda cut: abs(cut.size - batch))
    return (
        f"at {CONNECTIONS[-1]} connections: mean batch {batch:.0f}, server CPU {server:.0f} µs a request; "
        f"without the workflow's {nearest.cpu:.0f} µs at {nearest.size} units: "
        f"{server - nearest.cpu:.0f} µs for the web"
    )


MAKERS = {"sqlite": sqlite_systems, "postgresql": postgresql_systems}


def options() -> argparse.Namespace:
    """What may be asked for on the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--databases", nargs="+", choices=tuple(MAKERS), default=list(MAKERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: a temporary one")
    return parser.parse_args()


def compare(given: argparse.Namespace, folder: Path, opened: ExitStack) -> None:
    """Starts everything, measures, and prints the tables."""
    made = {name: MAKERS[name](folder, given.members, opened) for name in given.databases}
    systems = [system for some, _, _ in made.values() for system in some]
    systems.insert(0, opened.enter_context(echo(folder, systems[0].world)))
    seen, pauses = measure_all(systems, given.rounds, given.seconds, folder)
    say("", summary(seen), "", ratios(seen, given.databases))
    for name, (_, url, world) in made.items():
        cuts = measure(url, world.program_id, given.members, FIRST_MONTH)
        say("", f"{name}: µs a unit in process, in one transaction of so many units", table(cuts))
        say(shares(cuts, seen[name, CONNECTIONS[-1]]))
    say("", f"ms an fsync took in this folder before each round: {spread(pauses, '.2f')}")


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
