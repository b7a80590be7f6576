"""The database falls silent: recommendations go on with the safe default, and nothing told is lost.

Nothing here is said about how fast; only that nothing hangs and that the service recovers by itself.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

import httpx
import pytest

from engagement.client import Client as ServiceClient
from engagement.client import Outbox
from engagement.workflows.ingest import Signal
from support.ledger import agrees_with_itself, kept_exactly_once, learned, size, stored
from support.load import loaded
from support.locks import held, wait_for_waiters
from support.month import attendance, live_through
from support.proxy import Proxy, running_proxy
from support.service import (
    PATIENCE_SECONDS,
    START,
    Client,
    Program,
    Service,
    client_of,
    members,
    new_program,
    on_day,
    roster,
    running_service,
)

HANGS_SECONDS = 15.0
"""After so long an answer does not come any more. Recommendations promise 0.3, writes 10."""
PEOPLE = members(2)
SIGNALS = {"signals": attendance(PEOPLE, 0)}
Heal = Callable[[Proxy], None]


class Line(NamedTuple):
    """A service, a caller, and the line to the database between them; `url` leads around it."""

    proxy: Proxy
    client: Client
    url: str
    service: Service
    program: Program


@pytest.fixture
def line(fresh_database: Callable[[], str], tmp_path: Path) -> Iterator[Line]:
    url = fresh_database()
    program = new_program(url, roster(2))
    with (
        running_proxy(url) as (proxy, through),
        running_service(through, tmp_path, on_day(0), deadline_ms=300) as service,
        client_of(service, program.key, timeout_s=HANGS_SECONDS) as client,
    ):
        yield Line(proxy, client, url, service, program)


def ask(client: Client, member: str, point: str = "now") -> dict[str, object]:
    """One recommendation, asked for once."""
    response = client.post("/v1/recommendations", {"member": member, "decision_point": point})
    assert response.status_code == 200, response.text
    answer: dict[str, object] = response.json()
    return answer


def test_while_the_database_is_silent_a_recommendation_is_the_safe_default(line: Line) -> None:
    line.client.recommend(PEOPLE[0], "now")
    line.proxy.stall()
    for member in PEOPLE[1:5]:
        answer = ask(line.client, member)
        assert (answer["fallback"], answer["decision_id"]) == ("deadline", None)
        assert answer["action"]["id"] == "none"


def test_while_the_database_is_silent_the_service_lives_and_is_not_ready(line: Line) -> None:
    line.proxy.stall()
    assert line.client.get("/health/live").status_code == 200
    assert line.client.get("/health/ready").status_code == 503


def test_while_the_database_is_silent_a_signal_is_refused_with_a_time_to_return(line: Line) -> None:
    line.client.recommend(PEOPLE[0], "now")
    line.proxy.stall()
    response = line.client.post("/v1/signals", SIGNALS)
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize("heal", [Proxy.resume, Proxy.cut, Proxy.forget])
def test_when_the_database_speaks_again_everything_is_stored_once(line: Line, heal: Heal) -> None:
    """Told before, during and after; the service is not started again."""
    line.client.recommend(PEOPLE[0], "now")
    line.proxy.stall()
    with ThreadPoolExecutor(4) as pool:
        told = pool.map(lambda _: line.client.insist("/v1/signals", SIGNALS), range(4))
        decided = pool.submit(line.client.recommend, PEOPLE[1], "now")
        ask(line.client, PEOPLE[2])
        heal(line.proxy)
        assert len(list(told)) == 4
        assert decided.result()["decision_id"]
    line.client.recommend(PEOPLE[2], "now")
    wait_until_ready(line.client)
    assert sorted(stored(line.url).decisions) == [(member, "now") for member in PEOPLE[:3]]
    assert size(line.url, "signals") == len(PEOPLE)
    assert agrees_with_itself(line.url)


@pytest.mark.parametrize(("rounds", "writes"), [(1, 30), pytest.param(7, 400, marks=pytest.mark.slow)])
def test_what_was_acknowledged_is_kept_exactly_once_though_the_line_fails_in_every_way(
    line: Line, rounds: int, writes: int
) -> None:
    """Under load it stalls and resumes, is cut, and loses who is on it; nobody starts the service again."""
    with loaded(line.service, line.program.key, PEOPLE[:-1], callers=4) as load:
        for _ in range(rounds):
            for heal in (Proxy.resume, Proxy.cut, Proxy.forget):
                load.grow(writes)
                line.proxy.stall()
                ask(line.client, PEOPLE[-1], "here")
                heal(line.proxy)
        load.grow(writes)
        journal = load.finish()
    wait_until_ready(line.client)
    told = line.client.recommend(PEOPLE[-1], "here")
    journal.decisions[PEOPLE[-1], told["decision_point"]] = told
    assert kept_exactly_once(line.url, journal)
    assert agrees_with_itself(line.url)


def test_what_an_app_keeps_meanwhile_is_delivered_later_exactly_once(line: Line, tmp_path: Path) -> None:
    """The queue of the client: refused with a time to return, it keeps everything and loses nothing."""
    reports = [
        Signal(source="app", id=name, kind="attendance", member=name, occurred_at=START) for name in PEOPLE
    ]
    address = line.service.address
    with Outbox(tmp_path / "out.db") as outbox, ServiceClient(address, line.program.key, tries=1) as app:
        outbox.put(reports[:4])
        assert app.flush(outbox).stored == 4
        line.proxy.stall()
        outbox.put(reports)
        kept = app.flush(outbox)
        assert (kept.stored, kept.waiting, bool(kept.stopped_by)) == (0, len(reports), True)
        line.proxy.resume()
        wait_until_ready(line.client)
        deadline = monotonic() + PATIENCE_SECONDS
        while len(outbox):
            app.flush(outbox)
            assert monotonic() < deadline
    assert sorted(stored(line.url).signals) == sorted(("app", name) for name in PEOPLE)


def wait_until_ready(client: Client) -> None:
    """Returns once the service says that it is."""
    deadline = monotonic() + PATIENCE_SECONDS
    while client.get("/health/ready").status_code != 200:
        assert monotonic() < deadline
        sleep(0.05)


def test_a_transaction_lost_on_the_way_lets_go_of_its_members(line: Line) -> None:
    """The connection is lost while the server holds the members' rows for it, and its end stays open."""
    line.client.recommend(PEOPLE[0], "now")
    with ThreadPoolExecutor(1) as pool:
        with held(line.url, "signals"):
            told = pool.submit(line.client.insist, "/v1/signals", SIGNALS)
            wait_for_waiters(line.url)
            line.proxy.forget()
        told.result()
    assert size(line.url, "signals") == len(PEOPLE)
    assert agrees_with_itself(line.url)


def test_a_replica_that_freezes_in_a_transaction_does_not_hold_up_another(
    fresh_database: Callable[[], str], tmp_path: Path
) -> None:
    url = fresh_database()
    program = new_program(url, roster(2))
    with (
        running_service(url, tmp_path, on_day(0), name="frozen") as frozen,
        running_service(url, tmp_path, on_day(0), name="other") as other,
        client_of(frozen, program.key, timeout_s=1) as unheard,
        client_of(other, program.key) as client,
    ):
        with held(url, "signals"):
            with pytest.raises(httpx.ReadTimeout):
                unheard.post("/v1/signals", SIGNALS)
            wait_for_waiters(url)
            frozen.freeze()
        client.insist("/v1/signals", SIGNALS)
    assert size(url, "signals") == len(PEOPLE)
    assert agrees_with_itself(url)


@pytest.mark.slow  # because a fold may read for long, silence is believed late
def test_a_fold_caught_by_silence_is_given_up_and_done_again(line: Line) -> None:
    live_through(line.client, PEOPLE, ["counted"], 0)
    line.client.move_clock(on_day(40))
    with ThreadPoolExecutor(1) as pool:
        with held(line.url, "fold_entries"):
            asked = pool.submit(line.client.insist, "/v1/folds")
            wait_for_waiters(line.url)
            line.proxy.forget()
        asked.result()
    assert learned(line.url) == (len(PEOPLE), 0)
    assert agrees_with_itself(line.url)
