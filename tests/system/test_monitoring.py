"""A real Prometheus scrapes the real service: no panel is empty and no alert is silent.

One replica works on a database in which everything is wrong (`support.troubled`), a second has lost its
database, a third is not there. Alerts that cannot come about in a minute are tried in `test_alerts.py`.
"""

import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from time import sleep
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from sqlalchemy import make_url

from engagement.demonstration.options import Options
from engagement.demonstration.run import demonstrate
from engagement.signals.tally import DAY_MS
from engagement.store import decisions, setup
from engagement.store.database import Database
from engagement.workflows.tell import moment
from support.databases import sqlite_database
from support.monitoring.alerts import alerts
from support.monitoring.files import BOARDS
from support.monitoring.panels import RATE
from support.prometheus import PACE, Prometheus, Target, running_prometheus, until
from support.proxy import Proxy, running_proxy
from support.service import Service, client_of, members, new_program, on_day, roster, running_service
from support.troubled import PEOPLE, TODAY, troubled

pytestmark = pytest.mark.needs("prometheus")
NOT_HERE = {
    "ConnectionsExhausted": "sixteen statements would have to hang at once",
    "SelfCheckNeverSent": "a line was sent once, three days ago",
}
"""Alerts that `test_alerts.py` alone tries, and why."""
ROOM = 48 << 20
LEFT = 3 << 20
QUERIES = [
    pytest.param(query.expr, id=f"{board.uid}: {panel.title} {query.legend}")
    for board in BOARDS
    for section in board.sections
    for panel in section.panels
    for query in panel.queries
]


class Watched(NamedTuple):
    """What the tests look at. disk_is_full : whether a small file system could be mounted"""

    prometheus: Prometheus
    disk_is_full: bool


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_sqlite: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Watched]:
    """Everything under load, for as long as the tests of this file ask."""
    folder = tmp_path_factory.mktemp("watched")
    with ExitStack() as running:
        place, full = running.enter_context(small_disk(folder))
        url = sqlite_database(migrated_sqlite, place)
        file = Path(str(make_url(url).database))
        key = troubled(url, file)
        if full:
            fill(place)
        well = running.enter_context(
            running_service(url, folder, on_day(TODAY), name="well", fold_every_s=1, deadline_ms=300)
        )
        ill, stranger, proxy = running.enter_context(lost_replica(request, folder))
        with open_port() as nobody:
            targets = [
                Target("engagement", urlsplit(well.address).netloc),
                Target("engagement", urlsplit(ill.address).netloc),
                Target("engagement", nobody),
                Target("engagement-programs", urlsplit(well.address).netloc, "/metrics/programs"),
            ]
        enough = threading.Event()
        prometheus = running.enter_context(running_prometheus(folder, targets))
        pool = running.enter_context(ThreadPoolExecutor(16))
        running.callback(enough.set)
        for turn in range(4):
            pool.submit(ask_the_well, well, key, turn, enough.is_set)
        for turn in range(4):
            pool.submit(poison, well, key, turn, enough.is_set)
        pool.submit(hold_up, file, enough.is_set)
        proxy.stall()
        for turn in range(4):
            pool.submit(ask_the_ill, ill, stranger, turn, enough.is_set)
        yield Watched(prometheus, full)


@contextmanager
def small_disk(folder: Path) -> Iterator[tuple[Path, bool]]:
    """A small file system, where one may be mounted; else a folder."""
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        yield place, False
        return
    try:
        yield place, True
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> None:
    """Leaves little room beside what is there."""
    taken = sum(file.stat().st_size for file in place.iterdir())
    (place / "other").write_bytes(bytes(ROOM - taken - LEFT))


@contextmanager
def lost_replica(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[Service, str, Proxy]]:
    """A replica on PostgreSQL, a key, and the line that will fall silent; one ticket may wait on a lane."""
    server = request.getfixturevalue("postgres")
    url = server.create("watched", request.getfixturevalue("migrated_postgresql"))
    key = new_program(url, roster(1)).key
    with (
        running_proxy(url) as (proxy, through),
        running_service(through, folder, on_day(0), name="ill", queue=1, deadline_ms=300) as ill,
    ):
        with client_of(ill, key) as client:
            client.recommend(members(1)[0], "before")
        yield ill, key, proxy
    server.drop("watched")


@contextmanager
def open_port() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as line:
        yield f"127.0.0.1:{line.getsockname()[1]}"


PACE_S = 0.05
"""Between two rounds of one caller of the well replica."""
PACE_OF_THE_ILL_S = 0.3
"""It says no at once. However fast the machine is, the slow answers of the other must stand out."""
REPORTS_EVERY = 4
"""Rounds. Whoever reports waits until the database is free, and asks for nothing meanwhile."""


def ask_the_well(service: Service, key: str, turn: int, enough: Callable[[], bool]) -> None:
    """Asks, and now and then reports, more often than not what nobody can use."""
    with client_of(service, key) as client:
        for number in count():
            if enough():
                return
            member = f"m{(4 * number + turn) % PEOPLE}"
            strategy = ("learned", "counted")[number % 2]
            ask = {"member": member, "strategy": strategy, "decision_point": f"turn-{number % 3}"}
            client.post("/v1/recommendations", ask)
            client.get("/health/ready")
            time.sleep(PACE_S)
            if number % REPORTS_EVERY:
                continue
            report = {"kind": "attendance", "member": "m1", "occurred_at": on_day(TODAY - 1)}
            useless = report | {"kind": "mood"}
            signals = [
                {"source": f"app-{turn}", "id": str(number // (2 * REPORTS_EVERY)), **report},
                *({"source": f"app-{turn}", "id": f"u-{number}", **useless} for _ in range(2)),
            ]
            client.post("/v1/signals", {"signals": signals})


def poison(service: Service, key: str, turn: int, enough: Callable[[], bool]) -> None:
    """Reports what the database will not take."""
    with client_of(service, key) as client:
        for number in count():
            if enough():
                return
            signal = {"source": "poison", "id": f"poison-{turn}-{number}", "kind": "attendance"}
            signal |= {"member": "m1", "occurred_at": on_day(TODAY - 1)}
            client.post("/v1/signals", {"signals": [signal]})


def hold_up(file: Path, enough: Callable[[], bool]) -> None:
    """Keeps everybody else from writing, a second at a time."""
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as conn:
        while not enough():
            conn.execute("BEGIN IMMEDIATE")
            sleep(1.0)
            conn.execute("ROLLBACK")
            sleep(0.5)


def ask_the_ill(service: Service, key: str, turn: int, enough: Callable[[], bool]) -> None:
    """Asks a replica that has lost its database, and reports to it."""
    with client_of(service, key) as client:
        for number in count():
            if enough():
                return
            client.post("/v1/recommendations", {"member": members(1)[turn], "decision_point": str(number)})
            client.get("/health/ready")
            sleep(PACE_OF_THE_ILL_S)


def test_every_alert_is_raised(watched: Watched) -> None:
    wanted = {alert.name for alert in alerts(PACE)} - set(NOT_HERE)
    wanted -= set() if watched.disk_is_full else {"DiskNearlyFull"}
    raised: set[str] = set()

    def all_of_them() -> bool:
        raised.update(watched.prometheus.firing())
        return wanted <= raised

    try:
        until(all_of_them, "", patience_s=45.0)
    except AssertionError:
        assert wanted - raised == set(), "these are silent"
    assert raised & set(NOT_HERE) == set()


@pytest.mark.slow
def test_a_year_in_which_nothing_is_wrong_raises_no_alarm(tmp_path: Path) -> None:
    """A simulated program, two years long, with everything that is said and answered in it."""
    url = f"sqlite:///{tmp_path / 'year.db'}"
    _, agrees = demonstrate(Options(groups=12), url)
    assert agrees
    with closing(Database(url)) as db, db.read() as conn:
        (program,) = setup.program_ids(conn)
        _, _, last_ms = decisions.range_of(conn, program, 2**62)
    assert last_ms is not None
    end = moment(last_ms + DAY_MS).isoformat()
    with running_service(url, tmp_path, end, name="year", fold_every_s=1, program_metrics_s=0) as service:
        address = urlsplit(service.address).netloc
        targets = [Target("engagement", address), Target("engagement-programs", address, "/metrics/programs")]
        with running_prometheus(tmp_path, targets, PACE._replace(stale_s=3600)) as prometheus:
            sealed = "engagement_program_seal_age_seconds < 86400"
            until(lambda: bool(prometheus.values(sealed)), "no program is scraped that was sealed")
            sleep(5)  # alerts do not wait here: what is wrong is raised with the next round
            assert prometheus.firing() == {"Watchdog"}


@pytest.mark.parametrize("expression", QUERIES)
def test_no_panel_is_empty(watched: Watched, expression: str) -> None:
    asked = expression.replace(RATE, "6s").replace("$program", ".*")
    until(lambda: bool(watched.prometheus.values(asked)), f"{asked} gives nothing", patience_s=20.0)
