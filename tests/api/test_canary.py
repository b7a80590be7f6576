"""No id, body, header, query or key of a caller is ever found in the logs or in the metrics."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

CANARY = "canary4711"
SERVICES = Path(__file__).parents[2] / "services"


class Served(NamedTuple):
    """A process of the service as its operator starts it."""

    client: httpx.Client
    key: str
    log: Path


@contextmanager
def served(folder: Path, level: str) -> Iterator[Served]:
    log = folder / "log"
    command = [sys.executable, "-m", "engagement.cli", "serve", "--example", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(SERVICES), "ENGAGEMENT_LOG_LEVEL": level}
    environment["ENGAGEMENT_DATABASE"] = f"sqlite:///{folder / 'canary.db'}"
    pipes = {"stdout": subprocess.PIPE, "stderr": log.open("wb"), "text": True}
    with pipes["stderr"], subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None
        try:
            said = "".join(process.stdout.readline() for _ in range(4))
            address, key = re.search(r"http://[\d.:]+", said), re.search(r"eng_\S+", said)
            assert address is not None
            assert key is not None
            with httpx.Client(base_url=address[0], timeout=30) as client:
                yield Served(client, key[0], log)
        finally:
            process.terminate()


def tell_secrets(service: Served) -> str:
    """Puts the canary wherever a caller can put something, into good requests and into bad ones.

    returns : the token of a link to a page, which was opened and used
    """
    client = service.client
    client.headers["Authorization"] = f"Bearer {service.key}"
    client.headers["X-Request-Id"] = client.headers["Cookie"] = client.headers["User-Agent"] = CANARY
    client.headers["traceparent"] = client.headers["tracestate"] = f"00-{CANARY}-{CANARY}-01"
    member = f"{CANARY}-m"
    ask = {"member": "g1-m2", "decision_point": CANARY, "context": {CANARY: 1}}
    report = {"source": CANARY, "id": CANARY, "kind": "attendance", "member": member}
    report |= {"occurred_at": "2026-01-05T00:00:00Z"}
    rank = {"eventId": CANARY, "actions": [{"id": CANARY, "features": [{CANARY: CANARY}]}]}
    cloud = {"Content-Type": "application/cloudevents+json"}
    question = {"strategy": CANARY, "target": {"kind": "always", "action": CANARY}}
    event = {"specversion": "1.0", "source": CANARY, "id": CANARY, "type": "attendance", CANARY: CANARY}
    for method, path, body in [
        ("PUT", f"/v1/members/{member}", {"id": member}),
        ("PUT", f"/v1/members/{member}", {"id": f"{CANARY}-n"}),
        ("PUT", "/v1/sites/site-1", {"id": "site-1", "title": CANARY}),
        ("GET", f"/v1/members/{member}", None),
        ("GET", f"/v1/members/{CANARY}/engagement?{CANARY}={CANARY}", None),
        ("GET", f"/v1/members?after={CANARY}", None),
        ("GET", f"/v1/decisions/{CANARY}", None),
        ("GET", f"/{CANARY}", None),
        ("DELETE", f"/v1/members/{CANARY}", None),
        ("POST", f"/v1/members/{CANARY}-n/erasure", None),
        ("POST", "/v1/recommendations", ask),
        ("POST", "/v1/recommendations", {"member": CANARY}),
        ("POST", "/v1/recommendations", {CANARY: CANARY}),
        ("POST", "/v1/recommendations/batch", {"requests": [{"member": member}, ask]}),
        ("POST", "/v1/signals", {"signals": [report, report, report | {"kind": CANARY}]}),
        ("POST", "/v1/signals", {"signals": [report | {"occurred_at": CANARY}]}),
        ("POST", "/personalizer/rank", rank),
        ("POST", "/personalizer/v1.0/rank", {"eventId": CANARY, CANARY: CANARY}),
        ("POST", f"/personalizer/events/{CANARY}/reward", {"value": 1}),
        ("POST", f"/personalizer/events/{CANARY}-2/activate", None),
        ("GET", f"/personalizer/{CANARY}", None),
        ("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "g1-m2", "flags": [CANARY]}}),
        ("POST", f"/ofrep/v1/evaluate/flags/{CANARY}", {"context": {"targetingKey": CANARY, CANARY: CANARY}}),
        ("POST", "/v1/evaluations", {"id": CANARY, "question": question}),
        ("GET", f"/v1/evaluations/{CANARY}", None),
        ("POST", "/v1/reports", {"id": CANARY, "trial": CANARY}),
        ("GET", f"/v1/reports/{CANARY}/page", None),
        ("POST", "/v1/folds", None),
        ("GET", f"/v1/groups/{CANARY}/brief", None),
        ("GET", f"/v1/groups/{CANARY}/adviser-candidates", None),
        ("GET", f"/v1/sites/{CANARY}/handover", None),
        ("POST", "/v1/groups/g1/month", {"text": f"1 | 1 {CANARY}"}),
    ]:
        assert client.request(method, path, json=body).status_code < 500
    for content in (f'{{"member": "{CANARY}'.encode(), CANARY.encode() + b"\xff"):
        assert client.post("/v1/recommendations", content=content).status_code == 400
    for more in ({}, {"time": "2026-01-05T00:00:00Z", "subject": f"member/{member}"}):
        assert client.post("/v1/events", json=event | more, headers=cloud).status_code < 500
    roster = {"Content-Type": "text/csv"}
    assert client.post("/v1/imports/roster", content=f"{CANARY}\n", headers=roster).status_code == 400
    register = f"group,date,held\n{CANARY},{CANARY},{CANARY}\n"
    assert client.post("/v1/register", content=register, headers=roster).status_code == 200
    path: str = client.post("/v1/links", json={"opens": "worklist", "of": "adviser"}).json()["path"]
    client.headers["Authorization"] = f"Bearer eng_{CANARY}"
    assert client.get("/v1/sites").status_code == 401
    assert client.get(f"{path}?lang={CANARY}").status_code == 200
    assert client.post(path, data={CANARY: CANARY}).status_code == 409
    assert client.get(f"{path}{CANARY}").status_code == 404
    assert client.get(f"{path}/{CANARY}").status_code == 404
    return path.removeprefix("/l/")


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_word_of_a_caller_is_in_the_logs_or_the_metrics(tmp_path: Path, level: str) -> None:
    with served(tmp_path, level) as service:
        token = tell_secrets(service)
        metrics = service.client.get("/metrics").text + service.client.get("/metrics/programs").text
        secret = service.key
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    answered = [line for line in lines if line["message"] == "answered"]
    assert len(answered) == 46  # one line for every request, metrics included
    assert {"/v1/members/{name}", "/v1/recommendations", "/l/{token}", "unmatched"} <= {
        line["route"] for line in answered
    }
    told = json.dumps(lines) + metrics
    assert CANARY not in told
    assert "g1-m2" not in told
    assert token not in told
    assert secret not in told
    assert secret.split("_", 2)[2] not in told  # eng, program, and a secret that may hold any of `_`
