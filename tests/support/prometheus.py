"""A real Prometheus that scrapes what a test runs, with a test's patience. Killed with whoever started it."""

import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from support.monitoring.alerts import Pace
from support.monitoring.files import files
from support.programs import find
from support.service import DIE_WITH_PARENT, PATIENCE_SECONDS

PACE = Pace("4s", "8s", "6s", "10s", waits=False, stale_s=3)
"""Windows of seconds, at a scrape a second."""


class Target(NamedTuple):
    """What is scraped. address : host and port      path : `/metrics`, or the programs' own"""

    job: str
    address: str
    path: str = "/metrics"


class Prometheus:
    """A running server. Made by `running_prometheus`."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=10.0, trust_env=False)

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def values(self, expression: str) -> list[float]:
        """What an expression gives now: its numbers, without those that are none."""
        answer = self._http.get("/api/v1/query", params={"query": expression})
        told: dict[str, Any] = answer.json()
        assert told["status"] == "success", f"{expression}: {told}"
        found = (float(row["value"][1]) for row in told["data"]["result"])
        return [value for value in found if math.isfinite(value)]

    def firing(self) -> set[str]:
        """The alerts that are raised now."""
        told = self._http.get("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in told if alert["state"] == "firing"}

    def scraped(self) -> Mapping[str, str]:
        """Address → whether it is up, of every target."""
        told = self._http.get("/api/v1/targets").json()["data"]["activeTargets"]
        return {row["scrapeUrl"]: row["health"] for row in told}


def until(true: Callable[[], bool], what: str, patience_s: float = PATIENCE_SECONDS) -> None:
    """Returns when it is true; fails when it does not come to be."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


@contextmanager
def running_prometheus(folder: Path, targets: Sequence[Target], pace: Pace = PACE) -> Iterator[Prometheus]:
    """A server with the shipped rules at a test's pace."""
    for name, content in files(pace=pace).items():
        if name.startswith("prometheus/"):
            (folder / Path(name).name).write_text(content)
    scraped = [
        {
            "job_name": job,
            "metrics_path": path,
            "static_configs": [
                {"targets": [one.address for one in targets if (one.job, one.path) == (job, path)]}
            ],
        }
        for job, path in sorted({(one.job, one.path) for one in targets})
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["recording.yml", "alerts.yml"],
        "scrape_configs": scraped,
    }
    (folder / "prometheus.yml").write_bytes(msgspec.yaml.encode(config))
    with closing(socket.create_server(("127.0.0.1", 0))) as line:
        port = line.getsockname()[1]
    command = [
        str(find("prometheus")),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    alive = [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(alive, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        with closing(Prometheus(f"http://127.0.0.1:{port}")) as prometheus:
            until(prometheus.ready, "Prometheus does not answer")
            yield prometheus
    finally:
        process.kill()
        process.wait()
