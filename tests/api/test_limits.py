"""Every limit at its edge: what is just allowed is taken, and one more is refused precisely."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from engagement.settings import MOST_BYTES
from engagement.workflows.tell import moment
from support.running import Caller, Program

ROOT = Path(__file__).parents[2]
SIGNAL = {"source": "app", "kind": "attendance", "member": "ben", "occurred_at": "2026-01-05T06:00:00Z"}
CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}


class Limit(NamedTuple):
    """One limit.

    row : its number in the table      send : a request of that size      status, says : of one more
    """

    row: str
    most: int
    send: Callable[[Caller, int], httpx.Response]
    status: int
    says: str


def signals(caller: Caller, number: int) -> httpx.Response:
    return caller.post("/v1/signals", {"signals": [SIGNAL | {"id": str(n)} for n in range(number)]})


def padded(caller: Caller, size: int) -> httpx.Response:
    body = json.dumps({"signals": [SIGNAL | {"id": "1"}]}).encode()
    return caller.call("POST", "/v1/signals", content=body.ljust(size), headers=JSON)


def requests(caller: Caller, number: int) -> httpx.Response:
    body = {"requests": [{"member": "ben"}] * number}
    return caller.post("/v1/recommendations/batch", body)


def answers(caller: Caller, number: int) -> httpx.Response:
    one = {"decision_id": "019cd670-2640-7164-a952-b8ae95457bdd", "status": "done"}
    return caller.post("/v1/answers", {"answers": [one] * number})


def events(caller: Caller, number: int) -> httpx.Response:
    one = {"specversion": "1.0", "source": "app", "type": "attendance", "subject": "member/ben"}
    one |= {"time": "2026-01-05T06:00:00Z"}
    batch = {"Content-Type": "application/cloudevents-batch+json"}
    body = json.dumps([one | {"id": str(n)} for n in range(number)])
    return caller.call("POST", "/v1/events", content=body, headers=batch)


def roster(caller: Caller, lines: int) -> httpx.Response:
    text = "group,member,seat\n" + "".join(f"big,b{n},{n}\n" for n in range(1, lines + 1))
    return caller.call("POST", "/v1/imports/roster?dry_run=true", content=text, headers=CSV)


def page(caller: Caller, limit: int) -> httpx.Response:
    return caller.get("/v1/members", params={"limit": limit})


def named(field: str) -> Callable[[Caller, int], httpx.Response]:
    """A signal whose name is so long."""

    def send(caller: Caller, length: int) -> httpx.Response:
        one = SIGNAL | {"id": "1"} | {field: length * "n"}
        return caller.post("/v1/signals?dry_run=true", {"signals": [one]})

    return send


def member(caller: Caller, length: int) -> httpx.Response:
    name = length * "m"
    return caller.put(f"/v1/members/{name}", {"id": name})


def point(caller: Caller, length: int) -> httpx.Response:
    return caller.post("/v1/recommendations", {"member": "ben", "decision_point": length * "p"})


def context(caller: Caller, number: int) -> httpx.Response:
    numbers = {f"n{n}": 1.0 for n in range(number)}
    return caller.post("/v1/recommendations", {"member": "ben", "context": numbers})


def once(caller: Caller, length: int) -> httpx.Response:
    return caller.put("/v1/members/zoe", {"id": "zoe"}, headers={"Idempotency-Key": length * "k"})


def title(caller: Caller, length: int) -> httpx.Response:
    return caller.put("/v1/sites/far", {"id": "far", "title": length * "t"})


def month(caller: Caller, length: int) -> httpx.Response:
    return caller.post("/v1/groups/north/month?dry_run=true", {"text": "1 | 1".ljust(length)})


def hours(caller: Caller, number: int) -> httpx.Response:
    return caller.post("/v1/links", {"opens": "brief", "of": "north", "hours": number})


def rank(caller: Caller, number: int) -> httpx.Response:
    return caller.post("/personalizer/rank", {"actions": [{"id": f"a{n}"} for n in range(number)]})


def flags(caller: Caller, number: int) -> httpx.Response:
    wanted = {"targetingKey": "ben", "flags": [f"f{n}" for n in range(number)]}
    return caller.post("/ofrep/v1/evaluate/flags", {"context": wanted})


LIMITS = {
    "a body": Limit("4 MiB", MOST_BYTES, padded, 413, "too-large"),
    "signals": Limit("1,000", 1_000, signals, 400, "signals"),
    "recommendations": Limit("1,000", 1_000, requests, 400, "requests"),
    "answers": Limit("1,000", 1_000, answers, 400, "answers"),
    "events": Limit("1,000", 1_000, events, 413, "too-large"),
    "lines of a sheet": Limit("1,000", 1_000, roster, 400, "at most 1000 lines"),
    "a page of a list": Limit("1,000", 1_000, page, 400, "limit"),
    "an id": Limit("64", 64, member, 400, "id"),
    "a source": Limit("64", 64, named("source"), 400, "source"),
    "a signal's id": Limit("128", 128, named("id"), 400, "id"),
    "a decision point": Limit("64", 64, point, 400, "decision_point"),
    "numbers of the context": Limit("32", 32, context, 400, "context"),
    "a request's name": Limit("128", 128, once, 400, "Idempotency-Key"),
    "a title": Limit("500", 500, title, 400, "title"),
    "a month as typed": Limit("2,000", 2_000, month, 400, "text"),
    "hours of a link": Limit("744", 744, hours, 400, "hours"),
    "actions of a rank": Limit("50", 50, rank, 400, "actions"),
    "flags": Limit("100", 100, flags, 400, "flags"),
}


@pytest.fixture
def caller(program: Program) -> Caller:
    return program.caller("admin", "recommend", "signals", "read", "research")


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_itself_is_taken_and_one_more_is_refused_precisely(caller: Caller, name: str) -> None:
    limit = LIMITS[name]
    refused = limit.send(caller, limit.most + 1)
    if refused.status_code == 200:  # of several, only that one is refused
        told: Any = refused.json()["results"][0]["problem"]
        assert (told["status"], limit.says in told["detail"]) == (limit.status, True)
    else:
        assert (refused.status_code, limit.says in refused.text) == (limit.status, True), refused.text[:300]
    taken = limit.send(caller, limit.most)
    assert taken.status_code in (200, 201), taken.text[:300]
    assert '"status":400' not in taken.text
    assert '"status":413' not in taken.text


def test_a_report_may_be_ten_minutes_ahead_and_no_more(program: Program, caller: Caller) -> None:
    now = moment(program.running.service.clock.now_ms())
    ahead = [now + timedelta(minutes=10), now + timedelta(minutes=10, seconds=30)]
    reports = [SIGNAL | {"id": str(n), "occurred_at": at.isoformat()} for n, at in enumerate(ahead)]
    taken, refused = caller.post("/v1/signals", {"signals": reports}).json()["results"]
    assert taken["receipt"]["status"] == "stored"
    assert "ten minutes ahead" in refused["problem"]["detail"]


@pytest.mark.parametrize("name", LIMITS)
def test_the_table_of_limits_says_so(name: str) -> None:
    table = (ROOT / "docs/api.md").read_text().partition("### Limits")[2].partition("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith(f"| {name}")]
    assert len(rows) == 1, f"no row begins with: {name}"
    assert LIMITS[name].row in rows[0]
