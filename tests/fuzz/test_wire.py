"""Bytes on the wire that no client would send: each is answered, or its connection ends, and others go on."""

import gzip
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.databases import sqlite_database
from support.mutated import LIMIT, Mutations
from support.running import PATIENCE_S, Running, running

BODY = b'{"member": "ana"}'
AFTER_US = b"HTTP/1.1 "
MOMENT_S = 0.5
"""So long it is listened to whom nothing more is told."""
PARTS = ("Host: y", "GET", "HTTP/2.0", "\r\n\r\n", "chunked")


@pytest.fixture(scope="module")
def here(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    url = sqlite_database(migrated_sqlite, tmp_path_factory.mktemp("wire"))
    with running(url, deadline_ms=20_000) as service:
        yield service


@pytest.fixture(scope="module")
def key(here: Running) -> str:
    return here.program().key("admin", "recommend", "signals", "read")[0]


def head(key: str, *more: str, path: str = "/v1/recommendations") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", *more, "", ""]
    return "\r\n".join(lines).encode()


def sent(here: Running, content: bytes, *, ends: bool) -> bytes:
    """What comes back until the other side ends the connection, or says nothing more for a moment.

    ends : whether we say that nothing more will come
    """
    where = urlsplit(here.address)
    assert where.hostname is not None
    with closing(socket.create_connection((where.hostname, where.port), PATIENCE_S)) as line:
        try:
            line.sendall(content)
            if ends:
                line.shutdown(socket.SHUT_WR)
            else:
                line.settimeout(MOMENT_S)
            got = b""
            while chunk := line.recv(1 << 16):
                got += chunk
        except (TimeoutError, ConnectionError):
            return b"" if ends else got
        return got


def statuses(content: bytes) -> list[int]:
    """The status of every answer in what came back."""
    return [int(part[:3]) for part in content.split(AFTER_US)[1:]]


def goes_on(here: Running, key: str) -> bool:
    """Whether somebody else is answered as ever."""
    answer = here.stranger(key).post("/v1/recommendations", {"member": "ana"})
    return answer.status_code == 200


LIES = {
    "it is shorter than it says": (("Content-Length: 500",), BODY, []),
    "it is longer than it says": (("Content-Length: 5",), BODY, [400, 400]),
    "it has no length": ((), BODY, [400, 400]),
    "its length is less than nothing": (("Content-Length: -1",), BODY, [400]),
    "its length is no number": (("Content-Length: x",), BODY, [400]),
    "it has two lengths": (("Content-Length: 5", f"Content-Length: {len(BODY)}"), BODY, [400]),
    "it has a length and comes in pieces": (
        (f"Content-Length: {len(BODY)}", "Transfer-Encoding: chunked"),
        b"11\r\n" + BODY + b"\r\n0\r\n\r\n",
        [400],
    ),
    "its pieces never end": (("Transfer-Encoding: chunked",), b"11\r\n" + BODY + b"\r\n", []),
    "a piece has no size": (("Transfer-Encoding: chunked",), b"zz\r\n" + BODY + b"\r\n0\r\n\r\n", [400]),
    "a piece is larger than anything": (("Transfer-Encoding: chunked",), b"f" * 20 + b"\r\n" + BODY, [400]),
    "it says that it is packed": (
        ("Content-Encoding: gzip", f"Content-Length: {len(gzip.compress(BODY, mtime=0))}"),
        gzip.compress(BODY, mtime=0),
        [400],
    ),
}
"""Headers, body, and the answers to a request about which something is not as it says."""


@pytest.mark.parametrize("why", LIES)
@pytest.mark.parametrize("ends", [True, False], ids=["and-ends", "and-waits"])
def test_a_request_is_answered_as_what_came_of_it(here: Running, key: str, why: str, ends: bool) -> None:
    more, body, answers = LIES[why]
    got = statuses(sent(here, head(key, *more) + body, ends=ends))
    assert got in (answers, answers[:1])
    assert goes_on(here, key)


def test_pieces_of_a_body_make_the_same_request(here: Running, key: str) -> None:
    pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"
    got = sent(here, head(key, "Transfer-Encoding: chunked", "Connection: close") + pieces, ends=False)
    assert statuses(got) == [200]


def test_a_body_that_says_that_it_is_far_too_large_is_refused_before_it_comes(
    here: Running, key: str
) -> None:
    request = head(key, f"Content-Length: {LIMIT * 300}", path="/v1/signals")
    assert statuses(sent(here, request, ends=False)) == [413]


def test_a_body_that_grows_beyond_the_limit_in_pieces_is_refused(here: Running, key: str) -> None:
    piece = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    request = head(key, "Transfer-Encoding: chunked", path="/v1/signals") + piece * (LIMIT // 0x10000 + 2)
    got = statuses(sent(here, request + b"0\r\n\r\n", ends=False))
    assert got in ([413], [])  # who is still sending may find the line cut before reading the answer
    assert goes_on(here, key)


@pytest.mark.parametrize("requests", [150, pytest.param(20_000, marks=pytest.mark.slow)], ids=["few", "many"])
def test_mutated_requests_are_refused_or_answered_and_nobody_else_notices(
    here: Running, key: str, requests: int
) -> None:
    whole = head(key, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    seen: set[int] = set()
    for number in range(requests):
        made = Mutations(random.Random(f"wire {number}"), PARTS)
        content = made.of_text(whole) if number else whole
        seen.update(statuses(sent(here, content, ends=number > 0)))  # whose end comes first may go unanswered
    assert {200, 400} <= seen
    assert max(seen) < 500
    assert goes_on(here, key)
