"""An answer by a deadline, whatever happens to the service: with both clients, on a real line."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from engagement.client import AsyncClient, Client
from engagement.client.patience import patiently, seconds
from engagement.client.steps import Pause, Request
from engagement.errors import EngagementError, NotFound, Unauthenticated, Unavailable
from engagement.workflows.plan_life import Swap
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation

Asked = list[Recommendation | EngagementError]
SHORT_S, LONG_S = 0.4, 60.0
NOBODY = "http://127.0.0.1:9"


def blocking(address: str, key: str, asks: list[Ask], deadline_s: float | None) -> Asked:
    with Client(address, key) as client:
        if len(asks) == 1:
            return [client.recommend(asks[0], deadline_s=deadline_s)]
        return client.recommend_many(asks, deadline_s=deadline_s)


def awaited(address: str, key: str, asks: list[Ask], deadline_s: float | None) -> Asked:
    async def ask() -> Asked:
        async with AsyncClient(address, key) as client:
            if len(asks) == 1:
                return [await client.recommend(asks[0], deadline_s=deadline_s)]
            return await client.recommend_many(asks, deadline_s=deadline_s)

    return asyncio.run(ask())


Recommend = Callable[[str, str, list[Ask], float | None], Asked]
either = pytest.mark.parametrize("recommend", [blocking, awaited])


def is_default(answer: Recommendation | EngagementError, member: str) -> bool:
    assert isinstance(answer, Recommendation)
    told = (answer.member, answer.decision_id, answer.action.id, answer.fallback)
    return told == (member, None, "none", "deadline")


@either
def test_in_time_a_decision_is_answered_as_without_a_deadline(line, recommend: Recommend):
    asks = [Ask(member="g1-m1")]
    with_deadline = recommend(line.address, line.program.key, asks, LONG_S)
    assert with_deadline == recommend(line.address, line.program.key, asks, None)


@either
def test_a_stalled_service_gives_the_safe_default_and_the_decision_is_there_afterwards(
    line, recommend: Recommend
):
    line.proxy.stall()
    (late,) = recommend(line.address, line.program.key, [Ask(member="g1-m1")], SHORT_S)
    assert is_default(late, "g1-m1")
    line.proxy.resume()
    (told,) = recommend(line.address, line.program.key, [Ask(member="g1-m1")], LONG_S)
    assert isinstance(told, Recommendation)
    assert told.decision_id is not None


@either
def test_a_service_that_is_down_and_one_that_comes_back(line, recommend: Recommend):
    line.service.kill()
    (down,) = recommend(line.address, line.program.key, [Ask(member="g1-m1")], SHORT_S)
    assert is_default(down, "g1-m1")
    line.restart()
    (told,) = recommend(line.address, line.program.key, [Ask(member="g1-m1")], LONG_S)
    assert isinstance(told, Recommendation)
    assert told.decision_id is not None


@either
def test_of_many_everybody_has_the_default(recommend: Recommend):
    answers = recommend(NOBODY, "key", [Ask(member=name) for name in "abc"], SHORT_S)
    assert [is_default(answer, name) for answer, name in zip(answers, "abc", strict=True)] == [True] * 3


@either
def test_a_mistake_is_told_deadline_or_not(line, recommend: Recommend):
    with pytest.raises(NotFound):
        recommend(line.address, line.program.key, [Ask(member="nobody")], LONG_S)
    with pytest.raises(Unauthenticated):
        recommend(line.address, "eng_wrong", [Ask(member="g1-m1")], LONG_S)


def test_without_a_deadline_an_outage_is_raised():
    with Client(NOBODY, "key", tries=1) as client, pytest.raises(Unavailable):
        client.recommend(Ask(member="a"))


@contextmanager
def saying(words: bytes, *, dripping: bool = False) -> Iterator[str]:
    """A server that says the same to everybody; dripping, a byte at a time and never the last."""
    over = threading.Event()

    def talk(near: socket.socket) -> None:
        with near:
            near.recv(65_536)
            if not dripping:
                near.sendall(words)
                return
            for place in range(len(words) - 1):
                near.sendall(words[place : place + 1])
                if over.wait(0.02):
                    return
            over.wait()

    def serve(door: socket.socket) -> None:
        try:
            while True:
                talk(door.accept()[0])
        except OSError:
            return

    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        thread = threading.Thread(target=serve, args=(door,))
        thread.start()
        try:
            yield "http://{}:{}".format(*door.getsockname())
        finally:
            over.set()
            door.shutdown(socket.SHUT_RDWR)
            thread.join()


PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"


@either
def test_bytes_that_drip_do_not_stretch_a_deadline(recommend: Recommend):
    """Each byte comes long before any timeout of the connection, the last one never."""
    with saying(PAGE.replace(b": 6", b": 100000") + b" " * 100_000, dripping=True) as address:
        (late,) = recommend(address, "key", [Ask(member="a")], SHORT_S)
    assert is_default(late, "a")


@either
@pytest.mark.parametrize(
    "words",
    [PAGE, PAGE.replace(b"200 OK", b"500 Oh"), PAGE.replace(b"200 OK", b"302 Found"), b"nonsense", b""],
)
def test_a_page_of_somebody_elses_is_no_answer_and_breaks_nothing(recommend: Recommend, words: bytes):
    with saying(words) as address:
        (told,) = recommend(address, "key", [Ask(member="a")], SHORT_S)
    assert is_default(told, "a")


# --- what is sent again ---------------------------------------------------------------------------


def tried(request: Request, answers: list[object], tries: int = 6) -> tuple[int, list[float]]:
    """How often a request was sent, and the pauses between."""
    steps, count, pauses = patiently(request, tries), 0, []
    came: object = None
    while True:
        try:
            wish = steps.send(came)
        except (StopIteration, Unavailable):
            return count, pauses
        came = None
        if isinstance(wish, Pause):
            pauses.append(wish.seconds)
        else:
            count += 1
            came = answers.pop(0)


LOST, REFUSED = httpx.ReadError("gone"), httpx.ConnectError("nobody")
FULL, GATEWAY, GOOD = httpx.Response(503), httpx.Response(504), httpx.Response(200)
ONCE = Request("POST", "/", repeatable=False)
AGAIN = Request("POST", "/")


@pytest.mark.parametrize(
    ("request_", "answers", "sent"),
    [
        (AGAIN, [LOST, GATEWAY, GOOD], 3),
        (AGAIN, [LOST] * 9, 6),
        (ONCE, [LOST, GOOD], 1),  # it may have been done
        (ONCE, [GATEWAY, GOOD], 1),  # so may this
        (ONCE, [REFUSED, FULL, GOOD], 3),  # neither can have been
    ],
)
def test_what_may_not_be_done_twice_is_sent_again_only_when_it_was_not_done(request_, answers, sent):
    assert tried(request_, list(answers))[0] == sent


def test_the_services_own_pause_is_kept():
    count, (waited,) = tried(AGAIN, [httpx.Response(429, headers={"Retry-After": "7"}), GOOD])
    assert (count, waited > 7) == (2, True)


def test_a_pause_may_be_asked_for_by_date():
    assert seconds("Fri, 31 Dec 1999 23:59:59 GMT") == 0
    assert seconds("Fri, 31 Dec 2999 23:59:59 GMT") > 1e9
    assert (seconds("soon"), seconds(None), seconds("12")) == (0, 0, 12)


def test_an_exchange_of_visits_whose_answer_is_lost_is_not_made_again(line):
    """Twice would be as before. The proxy breaks off whatever is on its way."""
    line.proxy.stall()
    threading.Timer(0.5, line.proxy.cut).start()
    with Client(line.address, line.program.key) as client, pytest.raises(Unavailable):
        client.swap("plan", Swap("one", "two"))


def test_every_operation_is_there_for_both_clients_under_its_own_name_and_words():
    names = [name for name in dir(Client) if not name.startswith("_")]
    assert {"recommend", "signals", "flush", "work", "put"} <= set(names)
    assert set(names) <= {name for name in dir(AsyncClient) if not name.startswith("_")}
    with Client(NOBODY, "key") as client:
        assert client.recommend.__name__ == "recommend"
        assert "deadline_s" in str(client.recommend.__doc__)


def test_pages_are_gone_through_by_both(line):
    async def works() -> list[str]:
        async with AsyncClient(line.address, line.program.key) as client:
            await client.recommend_many([Ask(member=f"g1-m{seat}") for seat in range(1, 9)])
            return [item.decision_id async for item in client.work()]

    found = asyncio.run(works())
    with Client(line.address, line.program.key) as client:
        assert [item.decision_id for item in client.work()] == found
    assert len(found) == len(set(found)) > 0
