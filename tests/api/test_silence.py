"""When the database is slow, silent or gone: recommendations get the safe default, all else 503."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import Connection, text

from engagement.api.desk import Work
from engagement.settings import Settings
from engagement.store import keys, units
from support.databases import migrate
from support.postgres import Server
from support.running import Caller, Program, Running, running, wait_until

ASK = "/v1/recommendations"
MEMBERS = ["ana", "ben", "cat", "dev", "eva"]
REPORT = {
    "source": "s",
    "id": "1",
    "kind": "attendance",
    "member": "ben",
    "occurred_at": "2026-01-05T00:00:00Z",
}


@contextmanager
def stalled(program: Program) -> Iterator[None]:
    """Somebody else holds every member's row, and on SQLite the writer's lock: lanes wait."""
    with program.running.service.db.write(program.id) as conn:
        units.lock_tallies(conn, program.id, "member", MEMBERS)
        yield


@pytest.fixture
def hurried(database_url: str) -> Iterator[Running]:
    with running(database_url, deadline_ms=100) as service:
        yield service


@pytest.fixture
def program(hurried: Running) -> Program:
    return hurried.program()


def is_safe_default(told: dict[str, Any]) -> bool:
    """An answer, not a decision: nothing to do, nothing stored, no probability, and flagged."""
    return (told["decision_id"], told["fallback"], told["probability"], told["action"]["id"]) == (
        None,
        "deadline",
        None,
        "none",
    ) and told["why"] != ""


def test_when_the_deadline_passes_the_answer_is_the_safe_default(program: Program) -> None:
    caller = program.caller("recommend")
    with stalled(program):
        answer = caller.post(ASK, {"member": "ben"})
    assert answer.status_code == 200
    assert is_safe_default(answer.json())


def test_after_a_safe_default_asking_again_gives_the_one_decision(program: Program) -> None:
    caller = program.caller("recommend", "read")
    with stalled(program):
        caller.post(ASK, {"member": "ben"})

    def decided() -> dict[str, Any]:
        told: dict[str, Any] = caller.post(ASK, {"member": "ben"}).json()
        return told

    wait_until(lambda: decided()["decision_id"] is not None)
    assert len({decided()["decision_id"] for _ in range(3)}) == 1


def test_a_batch_gets_a_safe_default_for_each(program: Program) -> None:
    caller = program.caller("recommend")
    with stalled(program):
        body = {"requests": [{"member": name} for name in MEMBERS]}
        answers = caller.post(f"{ASK}/batch", body).json()["answers"]
    assert [row["recommendation"]["member"] for row in answers] == MEMBERS
    assert all(is_safe_default(row["recommendation"]) for row in answers)


def ask_units(caller: Caller, how_many: int) -> httpx.Response:
    """One request about so many units."""
    asks = [{"member": MEMBERS[n % 5], "decision_point": f"{how_many}-{n}"} for n in range(how_many)]
    return caller.post(ASK, asks[0]) if how_many == 1 else caller.post(f"{ASK}/batch", {"requests": asks})


@pytest.mark.parametrize("few", [1, 16])
@pytest.mark.parametrize("deadline_ms", [Settings().deadline_ms, 4_000])
def test_up_to_16_units_are_answered_within_the_deadline_and_more_within_two_seconds(
    database_url: str, few: int, deadline_ms: int
) -> None:
    """Told by who is answered first, whatever the load of the machine."""
    many = 17
    first, last = (few, many) if deadline_ms < 2_000 else (many, few)
    answered: list[int] = []

    def ask(how_many: int) -> None:
        ask_units(caller, how_many)
        answered.append(how_many)

    with running(database_url, deadline_ms=deadline_ms) as service:
        program = service.program()
        caller = program.caller("recommend")
        caller.post(ASK, {"member": "eva"})  # so that the key is known
        with stalled(program), ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, last), pool.submit(ask, first)]
        for one in asked:
            one.result()
    assert answered == [first, last]


def test_safe_defaults_are_counted_as_such(program: Program) -> None:
    caller = program.caller("recommend")
    with stalled(program):
        caller.post(ASK, {"member": "ben"})
    registry = program.running.service.metrics.registry
    labels = {"kind": "none", "decided_by": "deadline", "phase": "none"}
    assert registry.get_sample_value("engagement_recommendations_total", labels) == 1


def crowd(program: Program, send: Callable[[], httpx.Response], lane: str, size: int) -> list[httpx.Response]:
    """What callers are answered when the lane is stalled and holds one batch and one waiting ticket."""
    registry = program.running.service.metrics.registry

    def refused() -> float:
        return registry.get_sample_value("engagement_desk_refused_total", {"lane": lane}) or 0

    with ThreadPoolExecutor(size) as pool:
        with stalled(program):
            answers = [pool.submit(send) for _ in range(size)]
            wait_until(lambda: refused() >= size - 2)
        return [answer.result() for answer in answers]


def test_when_too_many_wait_a_recommendation_is_the_safe_default(database_url: str) -> None:
    with running(database_url, deadline_ms=20_000, queue=1) as narrow:
        program = narrow.program()
        caller = program.caller("recommend")
        caller.post(ASK, {"member": "eva"})  # so that the key is known
        answers = crowd(program, lambda: caller.post(ASK, {"member": "ben"}), "decide", 6)
    assert {answer.status_code for answer in answers} == {200}
    assert sum(is_safe_default(answer.json()) for answer in answers) >= 4


def test_when_too_many_wait_a_report_is_to_be_sent_again(database_url: str) -> None:
    with running(database_url, queue=1) as narrow:
        program = narrow.program()
        caller = program.caller("signals")
        caller.post("/v1/signals", {"signals": [REPORT]})
        answers = crowd(program, lambda: caller.post("/v1/signals", {"signals": [REPORT]}), "record", 6)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) >= 4
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json()["type"] for answer in refused} == {"urn:engagement:problem:overloaded"}
    assert {answer.status_code for answer in answers} == {200, 503}


# --- the database is gone ---------------------------------------------------------------------------


class Gone(NamedTuple):
    """A service whose database has gone away, callers it knew before, and its watch."""

    running: Running
    caller: Caller
    stranger: Caller
    watch: list[float]
    server: Server


@pytest.fixture
def gone(durable_postgres: Server) -> Iterator[Gone]:
    url = durable_postgres.create("gone")
    migrate(url)
    watch = [0.0]
    with running(url, watch=lambda: watch[0]) as service:
        program = service.program()
        caller, stranger = program.caller("admin", "recommend"), program.caller("recommend")
        assert caller.get("/v1/sites").status_code == 200
        durable_postgres.stop()
        yield Gone(service, caller, stranger, watch, durable_postgres)


def test_a_service_lives_through_the_loss_of_its_database(gone: Gone) -> None:
    client, caller = gone.running.client, gone.caller
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")

    assert is_safe_default(caller.post(ASK, {"member": "ben"}).json())

    for method, path, body in [
        ("GET", "/v1/sites", None),
        ("POST", "/v1/signals", {"signals": [REPORT]}),
        ("PUT", "/v1/members/new", {"id": "new"}),
        ("POST", "/v1/folds", None),
    ]:
        answer = caller.call(method, path, json=body)
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), path
        assert answer.headers["content-type"] == "application/problem+json"

    gone.watch[0] += 60  # the key's five seconds are over, and nobody can be asked
    assert is_safe_default(caller.post(ASK, {"member": "ben"}).json())
    assert caller.post("/v1/signals", {"signals": [REPORT]}).status_code == 503
    assert caller.get("/v1/sites").status_code == 503
    assert gone.stranger.post(ASK, {"member": "ben"}).status_code == 503  # never seen, never admitted

    gone.server.start()
    wait_until(lambda: client.get("/health/ready").status_code == 200)
    wait_until(lambda: caller.post(ASK, {"member": "ben"}).json()["decision_id"] is not None)
    assert caller.post("/v1/signals", {"signals": [REPORT]}).status_code == 200


def test_a_revoked_key_is_not_admitted_again_while_the_database_is_gone(
    durable_postgres: Server,
) -> None:
    url = durable_postgres.create("revoked")
    migrate(url)
    watch = [0.0]
    with running(url, watch=lambda: watch[0]) as service:
        program = service.program()
        secret, stored = program.key("recommend")
        caller = service.stranger(secret)
        assert caller.post(ASK, {"member": "ben"}).status_code == 200
        with service.service.db.write() as conn:
            keys.revoke(conn, program.id, stored.key_id, service.service.clock.now_ms())
        watch[0] += 6
        assert caller.post(ASK, {"member": "ben"}).status_code == 401
        durable_postgres.stop()
        watch[0] += 6
        assert caller.post(ASK, {"member": "ben"}).status_code == 401
        durable_postgres.start()


def test_a_service_is_not_ready_while_any_lane_has_lost_the_database(
    fresh_database: Callable[[], str],
) -> None:
    def ended(conn: Connection, *_: Any) -> list[Any]:
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return []

    with running(fresh_database()) as service:
        desk = service.service.desk
        desk.lanes["record"]._pause = 600.0  # longer than the test
        asyncio.run(desk.ask("record", Work("", ended), ["item"]))
        assert service.client.get("/health/ready").status_code == 503
        assert service.client.get("/health/live").status_code == 200
