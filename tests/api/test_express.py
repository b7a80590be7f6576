"""The plain recommendation goes past the framework, and nobody can tell by the answer."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from engagement.api.allowance import Allowances
from engagement.api.express import Express
from engagement.api.guards import KeyRing
from engagement.store import keys
from support.running import Caller, Program, Watch

ASK = "/v1/recommendations"
PLAIN = "application/json"
BEN = b'{"member": "ben"}'
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


def both(caller: Caller, body: bytes, **headers: str) -> list[httpx.Response]:
    """The same request past the framework, if it can be answered there, and through the framework's route."""
    return [
        caller.call("POST", ASK, content=body, headers={**headers, "Content-Type": way})
        for way in (PLAIN, ORDINARY)
    ]


def revoked(program: Program, watch: Watch) -> Caller:
    """Somebody whose key was good for the last time more than five seconds ago."""
    text, stored = program.key("recommend")
    caller = Caller(program.running.client, text)
    assert caller.post(ASK, {"member": "cat"}).status_code == 200
    with program.running.service.db.write() as conn:
        assert keys.revoke(conn, program.id, stored.key_id, program.running.service.clock.now_ms())
    watch.seconds += 5.1
    return caller


def reader(program: Program) -> Caller:
    """Somebody whose key was seen a moment ago, and does not open recommendations."""
    caller = program.caller("read")
    assert caller.get("/v1/sites").status_code == 200
    return caller


@pytest.mark.parametrize("whose", ["nobody", "a stranger", "a reader", "one revoked"])
def test_who_may_not_ask_is_refused_alike(program: Program, watch: Watch, whose: str) -> None:
    caller = {
        "nobody": program.running.stranger,
        "a stranger": lambda: program.running.stranger("eng_" + "0" * 32 + "_" + "x" * 43),
        "a reader": lambda: reader(program),
        "one revoked": lambda: revoked(program, watch),
    }[whose]()
    plain, ordinary = both(caller, BEN)
    assert said(plain) == said(ordinary)
    assert plain.status_code == (403 if whose == "a reader" else 401)


@pytest.mark.parametrize("first", [PLAIN, ORDINARY])
def test_whichever_way_one_asks_again_the_decision_is_the_same(program: Program, first: str) -> None:
    caller = program.caller("recommend")
    caller.post(ASK, {"member": "cat"})
    before = caller.call("POST", ASK, content=BEN, headers={"Content-Type": first})
    assert before.json()["decision_id"]
    assert [said(again) for again in both(caller, BEN)] == [said(before)] * 2


def test_a_name_is_good_for_one_request_whichever_way_it_comes(program: Program) -> None:
    caller = program.caller("recommend")
    plain, ordinary = both(caller, BEN, **{"Idempotency-Key": "a"})
    assert (plain.status_code, plain.content) == (200, ordinary.content)
    others = both(caller, b'{"member": "cat"}', **{"Idempotency-Key": "a"})
    assert said(others[0]) == said(others[1])
    assert others[0].status_code == 409


@pytest.mark.parametrize("body", [BEN, b'{"member": "nobody"}', b'{"member": 5}'])
def test_either_way_an_answer_is_one_that_the_description_has(program: Program, body: bytes) -> None:
    caller = program.caller("recommend")
    caller.post(ASK, {"member": "cat"})
    told = caller.get("/schema/openapi.json").json()
    for answer in both(caller, body):
        written = told["paths"][ASK]["post"]["responses"][str(answer.status_code)]
        if "$ref" in written:  # problems are described once for all operations
            written = told["components"]["responses"][written["$ref"].rpartition("/")[2]]
        media_type = answer.headers["content-type"].partition(";")[0]
        schema = {**written["content"][media_type]["schema"], "components": told["components"]}
        Draft202012Validator(schema).validate(answer.json())


def passed_on(program: Program, key: str | None, *, seen: bool, **scope: Any) -> bool:
    """Whether a request gets to the framework, behind a ring that has or has not seen the key."""
    ring, service = KeyRing(), program.running.service
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
            await ring.recognise(service, key, "recommend")
        headers = [(b"content-type", b"application/json"), (b"authorization", f"Bearer {key}".encode())]
        usual = {
            "type": "http",
            "method": "POST",
            "path": ASK,
            "headers": headers,
            "query_string": b"",
            "began": time.perf_counter(),
        }
        await Express(framework, service, ring, Allowances(0))({**usual, **scope}, receive, send)

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
