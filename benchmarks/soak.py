"""The service at half load for a while, with folds, plans and restarts: is anything growing that must not?

    PYTHONPATH=services:tests python benchmarks/soak.py --minutes 30

First the callers go as fast as they can, for the share of the time that `--peak` says; then at half that
pace, in as many stretches as there are restarts and one more. Simulated time goes on by half a day a second,
so that decisions close and are folded; every simulated week is planned. Of each stretch a table says how much
memory the process held, how many series it told Prometheus and how long recommendations took, in the first
and in the last fifth of what follows its warm-up. At the end what was acknowledged is held against what is
stored, what is derived against the ledger, and every decision is made again.

Ends with 1 when memory grew by 5 % or more within a stretch, series by any, the median by half, or when
anything was lost. Where others use the machine, only pace and latency suffer: `--latency` says by how much
the median may grow. How long a recommendation took is counted until there was a decision: *late* are those
that were a safe default first.
"""

import argparse
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engagement.settings import Settings
from support.databases import migrate, sqlite_url
from support.ledger import agrees_with_itself, size, stored
from support.postgres import running_server
from support.service import Client, Service, client_of, members, new_program, on_day, roster, running_service

GROUPS = 64
CALLERS = 8
DAYS_A_SECOND = 0.5
DEADLINE_MS = Settings().deadline_ms
SERIES_GROW, MEMORY_GROWS = 0, 0.05
WARM_UP = 0.2
"""Of a stretch, that is not looked at: caches fill, and pages are touched for the first time."""
SIGNALS = 4
HEAD = """
                                      memory, MB              series         latency, ms
stretch  turns a second folds plans  first   last  growth   first   last   first   last  growth   p99  late"""


class Kept(NamedTuple):
    """What one caller was told is stored, (moment, seconds) of each recommendation, and when one was late."""

    decisions: set[str]
    signals: set[tuple[str, str]]
    took: list[tuple[float, float]]
    late: list[float]


class Sample(NamedTuple):
    """The process at a moment. memory_mb : resident"""

    at: float
    memory_mb: float
    series: int


class Fifths(NamedTuple):
    """Means of the first and of the last fifth behind the warm-up."""

    first: float
    last: float

    @property
    def growth(self) -> float:
        """As a share of the first."""
        return self.last / self.first - 1


class Pace:
    """Lets callers through at so many turns a second together; all at once while it is None."""

    def __init__(self) -> None:
        self.turns_a_second: float | None = None
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Returns when it is this caller's turn. Turns that were missed are made up for."""
        with self._lock:
            now = time.monotonic()
            if self.turns_a_second is None:
                self._next = now
                return
            self._next += 1 / self.turns_a_second
            rest = self._next - now
        time.sleep(max(0.0, rest))


def call(service: Service, key: str, name: str, own: Sequence[str], kept: Kept, soak: "Soak") -> None:
    """Turn after turn: asks about somebody, says what became of it, reports what was seen."""
    with client_of(service, key) as client:
        for turn in count():
            soak.pace.wait()
            if soak.enough.is_set():
                return
            member = own[turn % len(own)]
            begun, before = time.monotonic(), client.safe_defaults
            told = client.recommend(member, f"{name}-{turn}")
            kept.took.append((begun, time.monotonic() - begun))
            if client.safe_defaults > before:
                kept.late.append(begun)
            if told["decision_id"] is not None:
                kept.decisions.add(told["decision_id"])
                reply = {"status": ("done", "not_done")[turn % 2]}
                client.insist(f"/v1/decisions/{told['decision_id']}/answers", reply)
            at = datetime.fromisoformat(told["decided_at"]) + timedelta(minutes=1)
            signals = [
                {"source": name, "id": f"{turn}-{n}", "kind": kind, "member": member, "value": (turn + n) % 2}
                | {"occurred_at": (at + timedelta(seconds=n)).isoformat()}
                for n, kind in enumerate(("attendance", "goal_met") * (SIGNALS // 2))
            ]
            for row in client.insist("/v1/signals", {"signals": signals})["results"]:
                kept.signals.add((row["receipt"]["source"], row["receipt"]["id"]))


class Soak:
    """Callers at work, and the time that goes on meanwhile."""

    def __init__(self, service: Service, key: str) -> None:
        self.service = service
        self.key = key
        self.pace = Pace()
        self.enough = threading.Event()
        self.kept = [Kept(set(), set(), [], []) for _ in range(CALLERS)]
        self.day = 0.0
        self.folds = self.plans = 0

    @property
    def turns(self) -> int:
        """So far."""
        return sum(len(kept.took) for kept in self.kept)

    def live(self, seconds: float, client: Client) -> list[Sample]:
        """Moves time on, folds and plans for so long, and looks at the process every second."""
        samples: list[Sample] = []
        end = time.monotonic() + seconds
        week = int(self.day // 7)
        while time.monotonic() < end:
            began = time.monotonic()
            self.day += DAYS_A_SECOND
            client.move_clock(on_day(self.day))
            if len(samples) % 5 == 0:
                client.insist("/v1/folds")
                self.folds += 1
            if int(self.day // 7) > week:
                week = int(self.day // 7)
                client.insist("/v1/plans", {})
                self.plans += 1
            samples.append(Sample(began, resident_mb(self.service.pid), series(client)))
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        return samples

    def latencies(self, begun: float, ended: float) -> list[tuple[float, float]]:
        """(moment, seconds) of what was asked between two moments, in order."""
        return sorted(row for kept in self.kept for row in list(kept.took) if begun <= row[0] < ended)

    def late(self, begun: float, ended: float) -> int:
        """How many that were asked between two moments were a safe default first."""
        return sum(begun <= at < ended for kept in self.kept for at in list(kept.late))


def resident_mb(process: int) -> float:
    """Memory that a process holds."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(kilobytes) / 1024


def series(client: Client) -> int:
    """How many the process tells Prometheus."""
    lines = client.get("/metrics").raise_for_status().text.splitlines()
    return sum(bool(line) and not line.startswith("#") for line in lines)


def fifths(values: Sequence[tuple[float, float]], begun: float, ended: float, middle: bool) -> Fifths:
    """Of (moment, value): means, or medians."""
    start = begun + WARM_UP * (ended - begun)
    width = (ended - start) / 5
    of = np.median if middle else np.mean
    first = [value for at, value in values if start <= at < start + width]
    last = [value for at, value in values if ended - width <= at < ended]
    return Fifths(float(of(first)), float(of(last)))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of a migrated database that survives a crash."""
    if kind == "sqlite":
        url = sqlite_url(folder / "soak.db")
        migrate(url)
        yield url
        return
    with running_server(fsync=True) as server:
        url = server.create("soak")
        migrate(url)
        yield url


def enter(client: Client) -> None:
    """Two health workers for the weeks that are planned."""
    link = {"relation": "catchment", "starts_on": "2025-01-01", "to": "here"}
    for name in ("asha", "bina"):
        client.put(f"/v1/health_workers/{name}", {"id": name, "hours_a_week": 6}).raise_for_status()
        client.post(f"/v1/health_workers/{name}/links", link).raise_for_status()
    for number in range(1, GROUPS + 1):
        client.post(f"/v1/groups/g{number}/links", link).raise_for_status()


def stretch(soak: Soak, client: Client, number: int, seconds: float, allowed: float) -> bool:
    """Lives one stretch, prints its row, and says whether nothing grew."""
    before = soak.turns, soak.folds, soak.plans
    begun = time.monotonic()
    samples = soak.live(seconds, client)
    ended = time.monotonic()
    memory = fifths([(row.at, row.memory_mb) for row in samples], begun, ended, middle=False)
    told = fifths([(row.at, row.series) for row in samples], begun, ended, middle=False)
    took = soak.latencies(begun, ended)
    middle = fifths(took, begun, ended, middle=True)
    slow = np.quantile([seconds for _, seconds in took], 0.99)
    turns, folds, plans = (
        now - then for now, then in zip((soak.turns, soak.folds, soak.plans), before, strict=True)
    )
    row = f"{number:>7} {turns:>6} {turns / (ended - begun):>8.1f} {folds:>5} {plans:>5} "
    row += f"{memory.first:>6.1f} {memory.last:>6.1f} {memory.growth:>+7.1%}  "
    row += f"{told.first:>6.0f} {told.last:>6.0f}  "
    row += f"{1e3 * middle.first:>6.1f} {1e3 * middle.last:>6.1f} {middle.growth:>+7.1%} {1e3 * slow:>5.0f}"
    row += f" {soak.late(begun, ended):>5}"
    print(row, flush=True)
    return memory.growth < MEMORY_GROWS and told.last - told.first <= SERIES_GROW and middle.growth < allowed


def soaked(soak: Soak, seconds: float, restarts: int, peak: float, allowed: float) -> bool:
    """All stretches; whether nothing grew in any of them."""
    with client_of(soak.service, soak.key, timeout_s=300) as client:
        enter(client)
        before, begun = soak.turns, time.monotonic()
        soak.live(peak * seconds, client)
        fastest = (soak.turns - before) / (time.monotonic() - begun)
        soak.pace.turns_a_second = fastest / 2
        print(
            f"{CALLERS} callers reach {fastest:.0f} turns of 3 requests a second; half is {fastest / 2:.0f}"
        )
        print(HEAD)
        steady = []
        for number in range(restarts + 1):
            if number:
                ended(soak.service)
                soak.service.start(on_day(soak.day))
            steady.append(stretch(soak, client, number + 1, (1 - peak) * seconds / (restarts + 1), allowed))
        return all(steady)


def ended(service: Service) -> None:
    """Asks a service to end in order."""
    code = service.stop()
    if code:
        raise RuntimeError(f"the service ended with {code}")


def kept_exactly_once(url: str, soak: Soak) -> bool:
    """Whether what was acknowledged is stored, each once. Decisions of plans are beside it."""
    held = stored(url)
    decisions = set().union(*(kept.decisions for kept in soak.kept))
    signals = set().union(*(kept.signals for kept in soak.kept))
    folded = size(url, "fold_entries")
    print(f"\n{len(decisions)} decisions and {len(signals)} signals acknowledged, {folded} rows folded")
    once = len(held.signals) == len(set(held.signals))
    return once and signals == set(held.signals) and decisions <= set(held.decisions.values())


def main() -> int:
    """Prints a row a stretch."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument(
        "--peak", type=float, default=0.1, help="share of the time at full load, to find the half"
    )
    parser.add_argument("--latency", type=float, default=0.5, help="by how much its median may grow")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="engagement-soak-") as place:
        folder = Path(place)
        with database(given.database, folder) as url:
            key = new_program(url, roster(GROUPS)).key
            people = members(GROUPS)
            with (
                running_service(url, folder, on_day(0), deadline_ms=DEADLINE_MS) as service,
                ThreadPoolExecutor(CALLERS) as pool,
            ):
                soak = Soak(service, key)
                asked = [
                    pool.submit(call, service, key, f"caller-{n}", people[n::CALLERS], soak.kept[n], soak)
                    for n in range(CALLERS)
                ]
                try:
                    steady = soaked(soak, 60 * given.minutes, given.restarts, given.peak, given.latency)
                finally:
                    soak.enough.set()
                for one in asked:
                    one.result()
                with client_of(service, key, timeout_s=300) as client:
                    client.move_clock(on_day(soak.day + 60))
                    client.insist("/v1/folds")
                ended(service)
            whole = kept_exactly_once(url, soak) and agrees_with_itself(url)
    print("nothing grew" if steady else "SOMETHING GREW")
    print("what was acknowledged is kept, and the ledger replays" if whole else "SOMETHING WAS LOST")
    return int(not (steady and whole))


if __name__ == "__main__":
    sys.exit(main())
