"""What a proxy in front may count on."""

from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

from engagement.commands.serve import KEEP_ALIVE_S
from support.databases import sqlite_url
from support.service import running_service

PROXIES_KEEP_S = 120
"""The longest that a proxy keeps a connection by its defaults: Caddy. nginx and most balancers: 60."""
SERVER_DEFAULT_S = 5


def test_a_connection_on_which_nothing_came_for_a_while_is_still_served(tmp_path: Path) -> None:
    assert KEEP_ALIVE_S > PROXIES_KEEP_S
    with running_service(sqlite_url(tmp_path / "kept.db"), tmp_path) as service:
        place = urlsplit(service.address)
        with closing(HTTPConnection(place.hostname or "", place.port, timeout=15)) as connection:
            for pause in (0.0, SERVER_DEFAULT_S + 1.0):
                sleep(pause)
                connection.request("GET", "/health/live")
                answer = connection.getresponse()
                assert (answer.status, answer.read()[:1]) == (200, b"{")
