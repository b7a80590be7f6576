"""The caller, in a process of its own: keep-alive connections that send the next request on each answer.

Reads one `Job` as JSON from its standard input and prints one `Report`. It decodes nothing: a request is
bytes made beforehand, an answer is cut by its content-length and searched for one word.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import cast

import msgspec
import uvloop

TICK_S = 0.1
UNDECIDED = b'"decision_id":null'


class Job(msgspec.Struct, frozen=True):
    """Sends each body once, until the seconds are over or all have been sent.

    bodies : JSON texts, posted to `path`
    moves : moments (RFC 3339) for a simulated clock, one every `TICK_S`
    repeat : starts again from the first body, where sending it twice makes no difference
    """

    port: int
    key: str
    path: str
    media_type: str
    bodies: list[str]
    connections: int
    seconds: float
    moves: list[str]
    repeat: bool


class Report(msgspec.Struct, frozen=True):
    """What came of it. Latencies in milliseconds; cpu_share of one core, the caller's own.

    answered, refused : requests      undecided : units that no decision was made for
    """

    answered: int
    undecided: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_share: float


def post(path: str, key: str, body: bytes, media_type: str = "application/json") -> bytes:
    """One HTTP/1.1 request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Run:
    """The requests still to send, and what was seen so far."""

    def __init__(self, requests: Iterator[bytes], end: float) -> None:
        self.waiting = requests
        self.end = end
        self.taken_s: list[float] = []
        self.undecided = 0
        self.refused = 0

    def next(self) -> bytes | None:
        """The next request, None when it is over."""
        return next(self.waiting, None) if time.perf_counter() < self.end else None

    def note(self, answer: bytes, seconds: float) -> None:
        """Counts one answer."""
        self.taken_s.append(seconds)
        self.refused += answer[9:12] != b"200"
        self.undecided += answer.count(UNDECIDED)


class Connection(asyncio.Protocol):
    """One connection; `done` is set when there is nothing left to send."""

    def __init__(self, run: Run, done: asyncio.Future[None]) -> None:
        self.run = run
        self.done = done
        self.part = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        """Sends the next request, or ends."""
        request = self.run.next()
        if request is None:
            self.transport.close()
            self.done.set_result(None)
            return
        self.since = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Notes an answer once it is whole."""
        self.part += data
        if is_whole(self.part):
            self.run.note(self.part, time.perf_counter() - self.since)
            self.part = b""
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that the server breaks off ends the benchmark."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed a connection"))


def is_whole(answer: bytes) -> bool:
    """Whether head and body have arrived."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    start = answer.lower().find(b"content-length:", 0, head) + 15
    return len(answer) >= head + 4 + int(answer[start : answer.find(b"\r\n", start)])


async def tick(job: Job) -> None:
    """Moves the service's simulated clock on at its own pace, as time does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", job.port)
    for moment in job.moves:
        writer.write(post("/v1/clock", job.key, msgspec.json.encode({"now": moment})))
        head = await reader.readuntil(b"\r\n\r\n")
        start = head.lower().find(b"content-length:") + 15
        await reader.readexactly(int(head[start : head.find(b"\r\n", start)]))
        if head[9:12] != b"200":
            raise ConnectionError(head.decode())
        await asyncio.sleep(TICK_S)


async def call(job: Job) -> Report:
    """Carries out a job."""
    loop = asyncio.get_running_loop()
    asks = [post(job.path, job.key, body.encode(), job.media_type) for body in job.bodies]
    ticking = asyncio.create_task(tick(job))
    await asyncio.sleep(TICK_S / 2)
    start, cpu = time.perf_counter(), time.process_time()
    run = Run(cycle(asks) if job.repeat else iter(asks), start + job.seconds)
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(job.connections)]
    for end in ends:
        await loop.create_connection(partial(Connection, run, end), "127.0.0.1", job.port)
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - start
    ticking.cancel()
    taken = sorted(run.taken_s)
    return Report(
        answered=len(taken),
        undecided=run.undecided,
        refused=run.refused,
        seconds=seconds,
        p50_ms=1000 * taken[len(taken) // 2],
        p99_ms=1000 * taken[len(taken) * 99 // 100],
        cpu_share=(time.process_time() - cpu) / seconds,
    )


if __name__ == "__main__":
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(msgspec.json.encode(runner.run(call(work))).decode())
