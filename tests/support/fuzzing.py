"""The application asked what nobody should ask, one request after the other, and watched meanwhile.

Whatever comes in: the answer has a status below 500 and the form of its kind, it takes no more than some
seconds of work, nobody logs an error, and a request that is refused leaves the database as it was.
"""

import asyncio
import json
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import responses
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

from engagement.api.app import build
from engagement.api.service import Service
from engagement.clock import SimulatedClock
from engagement.settings import Settings
from engagement.store.database import Database
from engagement.store.tables import metadata
from support.mutated import CONTENT_TYPES, HEADERS, Mutations

MOSTLY = 0.9
"""The share of operations that take a body."""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
PATIENCE_S = 60.0
"""So long an answer may take on a busy machine before it counts as hanging."""
MOST_WORK_S = 5.0
"""Of the processor, for one answer: what takes more could be sent to keep everybody else waiting."""
ASSIGNED = {"assignments", "counters"}
"""What a refusal may leave: a group that begins during a trial gets its condition when it is first asked
about, and the refusal may be just that nothing is decided under it."""
LATE = b"nothing came back in time"
"""So a lane says after ten seconds by the clock on the wall; a machine with much else to do may need them."""
COUNTED = "CREATE TABLE touched (name text)"
COUNTED_LITE = (
    "CREATE TRIGGER touch_{name}_{what} AFTER {what} ON {name} "
    "BEGIN INSERT INTO touched VALUES ('{name}'); END"
)
COUNTED_FULL = (
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN INSERT INTO touched VALUES (TG_TABLE_NAME); RETURN NULL; END'"
)
COUNTING_FULL = (
    "CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION touch()"
)


class Seed(NamedTuple):
    """A request to begin from. path : with its query, as it is sent"""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Answered(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    work_s: float


class Finding(NamedTuple):
    """A request that was answered as none should be, and why."""

    why: str
    seed: Seed
    answered: Answered | None

    def __str__(self) -> str:
        asked = f"{self.seed.method} {self.seed.path}\n  {self.seed.headers}\n  {self.seed.body[:1500]!r}"
        told = "" if self.answered is None else f"{self.answered.status} {self.answered.body[:300]!r}"
        return f"{self.why}\n  {asked}\n  {told}"


class Changes:
    """How many rows of each table were ever written or deleted, and committed, by whoever it was.

    Counted row by row by triggers, so that it is undone together with whoever is undone.
    """

    def __init__(self, url: str) -> None:
        self._db = Database(url)
        names = list(metadata.tables)
        with self._db.write() as conn:
            conn.exec_driver_sql(COUNTED)
            if self._db.is_sqlite:
                lines = [
                    COUNTED_LITE.format(name=name, what=what)
                    for name in names
                    for what in ("INSERT", "UPDATE", "DELETE")
                ]
            else:
                lines = [COUNTED_FULL, *(COUNTING_FULL.format(name=name) for name in names)]
            for line in lines:
                conn.exec_driver_sql(line)

    def since(self, row: int) -> list[str]:
        """The tables of which rows were touched after so many touches."""
        with self._db.read() as conn:
            found = conn.exec_driver_sql("SELECT name FROM touched").scalars().all()
        return list(found[row:])

    def so_far(self) -> int:
        """How many rows were touched."""
        with self._db.read() as conn:
            return int(conn.exec_driver_sql("SELECT count(*) FROM touched").scalar_one())

    def close(self) -> None:
        """Closes the connections."""
        self._db.close()


class _Errors(logging.Handler):
    """What is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


class Watched:
    """A service in this process, without a socket.

    counts : answers by status      late : of them those that the machine was too slow for
    """

    def __init__(self, service: Service, changes: Changes) -> None:
        self.service = service
        self.counts: Counter[int] = Counter()
        self.slowest = 0.0
        self.late = 0
        self._app = build(service)
        self._changes = changes
        self._loop = asyncio.new_event_loop()
        self._errors = _Errors()
        logging.getLogger("engagement").addHandler(self._errors)

    def close(self) -> None:
        """Ends everything."""
        logging.getLogger("engagement").removeHandler(self._errors)
        self.service.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._changes.close()

    def ask(self, seed: Seed) -> tuple[Answered | None, list[Finding]]:
        """The answer to a request, and what is wrong with it."""
        before = self._changes.so_far()
        self._errors.said.clear()
        answered, wrong = None, []
        try:
            answered = self._loop.run_until_complete(asyncio.wait_for(self._sent(seed), PATIENCE_S))
            self.counts[answered.status] += 1
            self.slowest = max(self.slowest, answered.work_s)
        except TimeoutError:
            wrong.append("no answer came")
        except Exception as error:
            wrong.append(f"raised {error!r}")
        late = answered is not None and answered.status == 503 and LATE in answered.body
        self.late += late
        self._quiet()
        wrong += [f"logged {words}" for words in self._errors.said]
        if answered is not None and not late:
            wrong += flaws(seed, answered)
            touched = set(self._changes.since(before)) if answered.status >= 400 else set[str]()
            if touched and not ("assignments" in touched <= ASSIGNED):
                wrong.append(f"refused, and something was written: {sorted(touched)}")
        return answered, [Finding(why, seed, answered) for why in wrong]

    def _quiet(self) -> None:
        """Waits for what is computed, or still under way, behind an answer."""
        end, service = time.monotonic() + PATIENCE_S, self.service
        lanes = service.desk.lanes.values()
        while service.evaluator._wanted or service.reporter._wanted or any(lane.open_since for lane in lanes):
            assert time.monotonic() < end, "what is done behind an answer never ended"
            time.sleep(0.002)

    async def _sent(self, seed: Seed) -> Answered:
        path, _, query = seed.path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": seed.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode("utf-8", "replace"),
            "query_string": query.encode("utf-8", "replace"),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in seed.headers],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        pieces = [seed.body] if len(seed.body) < 1 << 16 else [seed.body[: 1 << 16], seed.body[1 << 16 :]]
        incoming = [
            {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
            for place, piece in enumerate(pieces)
        ]
        begun: dict[str, Any] = {}
        parts: list[bytes] = []

        async def receive() -> Any:
            if incoming:
                return incoming.pop(0)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.update(message)
            else:
                parts.append(message.get("body", b""))

        work = worked()
        await self._app(scope, receive, send)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in begun["headers"]
        }
        return Answered(begun["status"], headers, b"".join(parts), work())


def worked() -> Callable[[], float]:
    """Says how long this process has worked since, in seconds of the processor."""
    start = time.process_time()
    return lambda: time.process_time() - start


def flaws(seed: Seed, answered: Answered) -> Iterator[str]:
    """What is wrong with an answer, whatever was asked."""
    status, headers, body = answered.status, answered.headers, answered.body
    if status not in responses or status >= 500:
        yield f"status {status}"
    if answered.work_s > MOST_WORK_S:
        yield f"{answered.work_s:.1f} s of work"
    said: Any = None
    media_type = headers.get("content-type", "").partition(";")[0]
    if media_type.endswith("json") and body:
        try:
            said = json.loads(body, parse_constant=_no_json)
        except ValueError as flaw:
            yield f"the answer is no JSON: {flaw}"
            return
        if "urn:engagement:problem:fault" in body.decode():
            yield "a fault inside of an answer"
    if status >= 400 and not _says_what(seed.path, media_type, status, said):
        yield "a refusal that is no problem"


def _no_json(word: str) -> None:
    raise ValueError(word)


def _says_what(path: str, media_type: str, status: int, said: Any) -> bool:
    """Whether a refusal has the form that its protocol gives it."""
    if media_type == "text/html":  # the console and the pages, for people
        return True
    if not isinstance(said, dict):
        return False
    if media_type == "application/fhir+json":
        return bool(said["resourceType"] == "OperationOutcome" and said["issue"])
    if path.startswith("/ofrep") and "errorCode" in said:
        return isinstance(said["errorCode"], str)
    if "error" in said:  # Personalizer's
        return bool(said["error"]["code"] and isinstance(said["error"]["message"], str))
    kind, title = said.get("type", ""), said.get("title")
    of_kind = media_type == "application/problem+json" and str(kind).startswith("urn:engagement:problem:")
    return bool(of_kind and title and said["status"] == status)


@contextmanager
def watched(url: str, now_ms: int) -> Iterator[Watched]:
    """A service on a database, on a clock that stands still."""
    settings = Settings(fold_every_s=0, deadline_ms=600_000, requests_a_minute=0, program_metrics_s=0)
    made = Watched(Service(Database(url), SimulatedClock(now_ms), settings), Changes(url))
    with closing(made):
        yield made


def told(findings: Sequence[Finding]) -> str:
    """Findings in words, those alike once."""
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        first.setdefault(
            (finding.why.splitlines()[-1][:120], finding.seed.path.partition("?")[0].split("/")[-1]), finding
        )
    return "\n\n".join(str(finding) for finding in list(first.values())[:20])


class Mutated:
    """Draws requests: one of the seeds, in its body, path or headers another than it was.

    key : of whoever asks
    """

    def __init__(self, seeds: Sequence[Seed], words: Sequence[str], key: str) -> None:
        self._key = key
        self._words = words
        kinds: dict[tuple[str, str], list[Seed]] = {}
        for seed in seeds:
            kinds.setdefault((seed.method, ID.sub("", seed.path.partition("?")[0])), []).append(seed)
        self._kinds = list(kinds.values())
        self._taking = [kind for kind in self._kinds if kind[0].body]

    def drawn(self, name: str) -> Seed:
        """The request of that name, the same each time."""
        rng = random.Random(name)
        made = Mutations(rng, self._words)
        seed = rng.choice(rng.choice(self._taking if rng.random() < MOSTLY else self._kinds))
        body, path, headers = seed.body, seed.path, list(seed.headers)
        what = rng.random()
        if what < 0.003:
            body = made.gigantic(body)
        elif what < 0.9 and body:
            body = made.of(body)
        elif what < 0.97:
            path = self._path(rng, path, made)
        if rng.random() < 0.12 or not headers:
            headers = self._headers(rng, headers)
        return Seed(seed.method, path, (*headers, ("authorization", f"Bearer {self._key}")), body)

    @staticmethod
    def _path(rng: random.Random, path: str, made: Mutations) -> str:
        path, _, query = path.partition("?")
        parts = path.split("/")
        parts[rng.randrange(1, len(parts))] = quote(made.text().encode("utf-8", "surrogatepass"), safe="")
        pairs = parse_qsl(query) or [("limit", "1")]
        place = rng.randrange(len(pairs))
        pairs[place] = (pairs[place][0], made.text())
        if rng.random() < 0.5:
            return "/".join(parts) + (f"?{query}" if query else "")
        return f"{path}?{urlencode(pairs, errors='surrogatepass')}"

    @staticmethod
    def _headers(rng: random.Random, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if rng.random() < 0.5:
            rest = [row for row in headers if row[0] != "content-type"]
            return [*rest, ("content-type", rng.choice(CONTENT_TYPES))]
        name, values = rng.choice(HEADERS)
        return [*headers, (name, rng.choice(values))]
