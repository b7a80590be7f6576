"""The plain recommendation goes past the framework, and nobody can tell by the answer."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from engagement.api.allowance import Allowances
from engagement.api.express import Express
from engagement.api.guards import KeyRing
from support.running import Program

ASK = "/v1/recommendations"
PLAIN = "application/json"
ORDINARY = f"{PLAIN}; charset=utf-8"
"""The same to every reader; only a body said to be plain JSON is answered without the framework."""


def said(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All of an answer but what differs between any two: when it came, its own id, and what is left."""
    own = ("date", "x-request-id", "ratelimit")
    return (
        answer.status_code,
        answer.content,
        {name: value for name, value in answer.headers.items() if name not in own},
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"member": "ben"}',
        b'{"member": "ben", "strategy": "even", "decision_point": "m-7"}',
        b'{"member": "nobody"}',
        b'{"member": "ben", "strategy": "none-such"}',
        b'{"member": 5}',
        b'{"member": "ben", "stranger": 1}',
        b'{"member": "ben"',
        b'{"member": "\xff"}',
        b"[]",
        b"",
        pytest.param(b'{"member": "' + b"x" * 70_000 + b'"}', id="a name of 70,000 letters"),
    ],
)
def test_an_answer_is_the_same_with_and_without_the_framework(program: Program, body: bytes) -> None:
    caller = program.caller("recommend")
    caller.post(ASK, {"member": "cat"})  # whose key has been seen a moment ago is answered without
    ways = [
        caller.call("POST", ASK, content=body, headers={"Content-Type": way}) for way in (PLAIN, ORDINARY)
    ]
    assert said(ways[0]) == said(ways[1])


def test_a_withheld_answer_is_the_same_with_and_without_the_framework(program: Program) -> None:
    staff = program.caller("admin", "recommend")
    silent = {"id": "ben", "consent": {"messages": False}}
    assert staff.put("/v1/members/ben", silent).status_code == 200
    ways = [
        staff.call("POST", ASK, content=b'{"member":"ben"}', headers={"Content-Type": way})
        for way in (PLAIN, ORDINARY)
    ]
    assert ways[0].json()["withheld"] == "messages_declined"
    assert said(ways[0]) == said(ways[1])


def passed_on(program: Program, key: str | None, *, seen: bool, **scope: Any) -> bool:
    """Whether a request gets to the framework, behind a ring that has or has not seen the key."""
    keys, service = KeyRing(), program.running.service
    got: list[str] = []

    async def framework(scope: Any, receive: Any, _send: Any) -> None:
        assert (await receive())["body"] == b'{"member":"ben"}'
        got.append(scope["path"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b'{"member":"ben"}', "more_body": False}

    async def send(_: Any) -> None:
        pass

    async def ask() -> None:
        if seen and key is not None:
            await keys.recognise(service, key, "recommend")
        headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {key}".encode())]
        usual = {
            "type": "http",
            "method": "POST",
            "path": ASK,
            "headers": headers,
            "query_string": b"",
            "began": time.perf_counter(),
        }
        await Express(framework, service, keys, Allowances(0))({**usual, **scope}, receive, send)

    asyncio.run(ask())
    return bool(got)


def test_a_plain_request_with_a_known_key_never_gets_to_the_framework(program: Program) -> None:
    assert not passed_on(program, program.key("recommend")[0], seen=True)


def test_a_key_not_seen_yet_is_looked_up_by_the_route(program: Program) -> None:
    assert passed_on(program, program.key("recommend")[0], seen=False)


def test_a_key_without_the_scope_is_refused_by_the_route(program: Program) -> None:
    assert passed_on(program, program.key("read")[0], seen=True)


def test_a_request_that_is_to_be_tried_or_has_a_name_is_for_the_route(program: Program) -> None:
    key = program.key("recommend")[0]
    usual = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {key}".encode())]
    assert passed_on(program, key, seen=True, query_string=b"dry_run=true")
    assert passed_on(program, key, seen=True, headers=[*usual, (b"idempotency-key", b"a")])
    assert not passed_on(program, key, seen=True, headers=usual)


def test_two_headers_of_one_name_are_for_the_framework_to_settle(program: Program) -> None:
    key = program.key("recommend")[0]
    twice = [(b"content-type", b"application/json"), *[(b"authorization", f"Bearer {key}".encode())] * 2]
    assert passed_on(program, key, seen=True, headers=twice)


@pytest.mark.parametrize("other", [{"path": ASK + "/batch"}, {"method": "PUT"}, {"type": "websocket"}])
def test_every_other_operation_is_the_frameworks(program: Program, other: dict[str, str]) -> None:
    assert passed_on(program, program.key("recommend")[0], seen=True, **other)
