"""A key may send so many requests in a minute; every answer says how many are left."""

from collections.abc import Iterator

import pytest

from support.running import Caller, Program, Watch, running

ASK = "/v1/recommendations"
MOST = 4


@pytest.fixture
def minute() -> Watch:
    return Watch()


@pytest.fixture
def program(shared_url: str, minute: Watch) -> Iterator[Program]:
    with running(shared_url, watch=minute, deadline_ms=20_000, requests_a_minute=MOST) as service:
        yield service.program()


def left(caller: Caller) -> str:
    return caller.get("/v1/sites").headers["ratelimit"]


def test_every_answer_says_what_is_left_and_for_how_long(program: Program, minute: Watch) -> None:
    caller = program.caller("read")
    assert caller.get("/v1/sites/none").headers["ratelimit-policy"] == f'"key";q={MOST};w=60'
    minute.seconds += 18.5
    assert left(caller) == '"key";r=2;t=42'


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=utf-8"])
def test_who_sends_more_is_told_when_to_come_again(program: Program, minute: Watch, media: str) -> None:
    caller = program.caller("recommend")  # with and without the framework
    for _ in range(MOST):
        assert caller.post(ASK, {"member": "ben"}).status_code == 200
    minute.seconds += 1
    refused = caller.call("POST", ASK, content=b'{"member":"ben"}', headers={"Content-Type": media})
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:engagement:problem:too-many-requests")
    assert (refused.headers["retry-after"], refused.headers["ratelimit"]) == ("59", '"key";r=0;t=59')
    minute.seconds += 59
    assert caller.post(ASK, {"member": "ben"}).status_code == 200


def test_one_key_takes_nothing_from_another(program: Program) -> None:
    for caller in (program.caller("read"), program.caller("read")):
        assert [left(caller) for _ in range(2)] == ['"key";r=3;t=60', '"key";r=2;t=60']


def test_a_key_that_may_not_ask_is_not_counted(program: Program) -> None:
    caller = program.caller("read")
    assert "ratelimit" not in caller.post(ASK, {"member": "ben"}).headers
    assert left(caller) == '"key";r=3;t=60'


def test_health_is_not_counted(program: Program) -> None:
    assert {program.running.stranger().get("/health/live").status_code for _ in range(2 * MOST)} == {200}


def test_without_a_limit_nothing_is_said_of_it(shared_url: str) -> None:
    with running(shared_url, requests_a_minute=0) as service:
        caller = service.program().caller("read")
        assert "ratelimit" not in caller.get("/v1/sites").headers
