"""SIGTERM ends the service in order: what was begun is finished, what was acknowledged is kept."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import make_url

from support.ledger import agrees_with_itself, kept_exactly_once, size
from support.load import loaded
from support.service import PATIENCE_SECONDS, Service, members, new_program, on_day, roster, running_service

REQUESTS = 16


def test_ending_under_load_keeps_what_was_acknowledged(database_url: str, tmp_path: Path) -> None:
    program = new_program(database_url, roster(2))
    with running_service(database_url, tmp_path, on_day(0)) as service:
        with loaded(service, program.key, members(2)) as load:
            load.grow(200)
            assert service.stop() == 0
            service.start(on_day(0))
            load.grow(50)
            journal = load.finish()
        assert service.stop() == 0
    assert kept_exactly_once(database_url, journal)
    assert agrees_with_itself(database_url)


@contextmanager
def signals_held_up(url: str) -> Iterator[None]:
    """Meanwhile nobody else can store a signal."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as conn:
            conn.execute("BEGIN IMMEDIATE")
            yield
            conn.execute("ROLLBACK")
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as conn:
            conn.execute("LOCK TABLE signals IN SHARE MODE")
            yield


def sent(address: str, key: str, number: int) -> HTTPConnection:
    """A connection on which one signal was reported and the answer not yet read."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_SECONDS)
    signal = {
        "source": "register",
        "id": str(number),
        "kind": "attendance",
        "member": "g1-m1",
        "occurred_at": on_day(0),
    }
    body = json.dumps({"signals": [signal]})
    connection.request("POST", "/v1/signals", body, {"Authorization": f"Bearer {key}"})
    return connection


def is_alive(address: str) -> bool:
    """Whether a new connection is answered. Whatever arrived before it has then been begun."""
    with closing(HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_SECONDS)) as connection:
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False


def wait_until_closing(service: Service) -> None:
    """Returns once new connections are refused."""
    deadline = monotonic() + PATIENCE_SECONDS
    while is_alive(service.address):
        assert monotonic() < deadline
        sleep(0.01)


def test_every_request_that_was_begun_is_answered_before_the_end(database_url: str, tmp_path: Path) -> None:
    """They wait for the database while the service is asked to end, and go on when it lets them."""
    program = new_program(database_url, roster(1))
    with running_service(database_url, tmp_path, on_day(0)) as service:
        with signals_held_up(database_url):
            waiting = [sent(service.address, program.key, number) for number in range(REQUESTS)]
            assert is_alive(service.address)
            service.signal_stop()
            wait_until_closing(service)
        answered = [connection.getresponse().status for connection in waiting]
        for connection in waiting:
            connection.close()
        assert service.await_end() == 0
    assert answered == [200] * REQUESTS
    assert size(database_url, "signals") == REQUESTS
