"""A program whose every word is marked, and requests that reach for it with the key of another.

The marked program has lived through the examples of the description, one of each operation. Its ids and
what it says carry marks that nothing else carries, so that whatever of it shows elsewhere is seen.
"""

import io
import json
import random
import re
import zipfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

import httpx
import msgspec

from engagement.api import examples
from engagement.api.pages import PAGES as LINKED
from engagement.store.kept import Kept
from engagement.workflows import example
from engagement.workflows.program import DEFAULT_TEMPLATE, create_program, template
from engagement.workflows.roster import import_roster
from support.examples import ID, START_MS, Played, pairs, play, said, translated
from support.running import Caller, Program, Running, wait_until

ID_MARK, WORD_MARK = "zebra", "lion4711"
OWN = re.compile(
    r"\b(g\d(?:-m\d)?|north(?:-\d)?|asha-\d|site-2|hill|calls|compared|which|learned-beside-nothing|by-march"
    r"|call_before_meeting|case-7|(?:6b6e|9b1c|run-1)-synthetic)\b"
)
"""Ids of the example program that no other has from the template."""
MARKED = re.compile(rf"{ID_MARK}[\w.-]*")
SAID = ("title", "text", "why")
OF_NOBODY = frozenset({"live", "ready", "metrics", "program_metrics", "read_clock", "move_clock"})
"""Operations of the process, not of a program: they take no id and show no more of one than that it is."""

Request = dict[str, Any]
"""As `httpx.Client.request` takes it: method, url, and more."""


def marked(text: str) -> str:
    """A text with the marked program's ids in place of the example's."""
    return OWN.sub(rf"{ID_MARK}\1", text)


def _marked(value: Any) -> Any:
    """The same within a request."""
    if isinstance(value, dict):
        return {key: _marked(row) for key, row in value.items()}
    if isinstance(value, list):
        return [_marked(row) for row in value]
    return marked(value) if isinstance(value, str) else value


def _worded(value: Any) -> Any:
    """A body with a mark in everything that is said in words."""
    if isinstance(value, dict):
        return {
            key: f"{row} {WORD_MARK}" if key in SAID and isinstance(row, str) else _worded(row)
            for key, row in value.items()
        }
    return [_worded(row) for row in value] if isinstance(value, list) else value


class Theirs(NamedTuple):
    """The marked program: its steps as it took them, what came of them, and all that could be named of it."""

    program: Program
    key: str
    steps: list[dict[str, Any]]
    played: list[Played]
    ids: dict[str, str]
    etags: list[str]
    cursors: list[str]

    @property
    def uuids(self) -> set[str]:
        """Ids of decisions, plans and the like, and the program's own."""
        return {found for _, answer in self.played for found in ID.findall(answer.text)} | {self.program.id}


def a_marked_program(running: Running) -> Theirs:
    """Makes it and lives through the examples."""
    db = running.service.db
    with db.write() as conn:
        made = create_program(conn, Kept(), template(DEFAULT_TEMPLATE), START_MS, title=f"Theirs {WORD_MARK}")
        roster = marked(example.roster("2025-10-01"))
        assert not import_roster(conn, Kept(), made, roster, START_MS).refused
    program = Program(running, made)
    key = program.key("admin", "read", "recommend", "signals", "research", audience="research")[0]
    caller = running.stranger(key)
    reported = marked(msgspec.json.encode(example.signals(START_MS)).decode())
    assert caller.post("/v1/signals", {"signals": json.loads(reported)}).is_success
    paths = caller.get("/schema/openapi.json").json()["paths"]
    nameable = {
        told["operationId"]
        for methods in paths.values()
        for told in methods.values()
        if any(row["name"] == "Idempotency-Key" for row in told.get("parameters", ()))
    }
    steps: list[dict[str, Any]] = []
    played: list[Played] = []
    ids: dict[str, str] = {}
    for number, step in enumerate(examples.STEPS):
        own: dict[str, Any] = {
            name: _marked(step[name]) for name in ("path", "query", "headers", "body") if name in step
        }
        if step["operation"] in nameable:
            own["headers"] = own.get("headers", {}) | {"Idempotency-Key": f"{ID_MARK}-{number}"}
        steps.append({"operation": step["operation"], "answer": step.get("answer"), **own})
    told = [step | ({"body": _worded(step["body"])} if "body" in step else {}) for step in steps]
    for row in play(caller, told):
        played.append(row)
        ids = dict(pairs(row.step.get("answer"), said(row.answer))) | ids
    wait_until(lambda: all(_is_computed(caller, name) for name in COMPUTED))
    etags = [row.answer.headers["etag"] for row in played if "etag" in row.answer.headers]
    texts = [row.answer.json() for row in played if "json" in row.answer.headers.get("content-type", "")]
    cursors = [page["next"] for page in texts if isinstance(page, dict) and isinstance(page.get("next"), str)]
    return Theirs(program, key, steps, played, ids, etags, cursors)


COMPUTED = ("/v1/reports/by-march", "/v1/evaluations/learned-beside-nothing")
"""What is told as asked until it has been computed, beside the lanes."""


def _is_computed(caller: Caller, path: str) -> bool:
    return bool(caller.get(marked(path)).json()["state"] != "asked")


class Crossing(NamedTuple):
    """A request that reaches for the marked program. kind : the operation, or the address beyond them"""

    kind: str
    request: Request


def described(theirs: Theirs, where: dict[str, tuple[str, str]]) -> list[Crossing]:
    """Every step of the marked program, for another to take. where : method and path by operation"""
    found = []
    for step in theirs.steps:
        if step["operation"] in OF_NOBODY:
            continue
        method, path = where[step["operation"]]
        told = translated({name: step.get(name) for name in ("path", "query", "headers", "body")}, theirs.ids)
        for name, value in (told["path"] or {}).items():
            path = path.replace(f"{{{name}}}", value)
        request: Request = {"method": method, "url": path, "params": dict(told["query"] or {})}
        request["headers"] = dict(told["headers"] or {})
        body = told["body"]
        if isinstance(body, str):
            request["headers"] = {"Content-Type": "text/csv"} | request["headers"]
            request["content"] = body.encode()
        elif body is not None:
            request["json"] = body
        found.append(Crossing(step["operation"], request))
    return found


def beyond(theirs: Theirs) -> list[Crossing]:
    """Addresses that the description leaves out: other protocols, and the console's pages and forms."""
    group, member, site = (marked(name) for name in ("g1", "g1-m2", "site-2"))
    drawn = (row.answer for row in theirs.played if row.step["operation"] == "recommend_one")
    decision = str(next(drawn).json()["decision_id"])
    event = f"{ID_MARK}-event"
    cloud: dict[str, Any] = {"specversion": "1.0", "id": "x", "source": "s", "type": "attendance"}
    cloud |= {"time": "2026-01-04T10:00:00Z", "data": {"member": member, "value": 1}}
    rank = {"eventId": event, "actions": [{"id": "a", "features": [{"x": 1}]}]}
    rows: list[tuple[str, str, Any]] = [
        *(("GET", f"/fhir/R4/{kind}", None) for kind in ("Group", "Task", "CommunicationRequest")),
        ("GET", f"/fhir/R4/Group/{group}", None),
        *(("GET", f"/fhir/R4/{kind}/{decision}", None) for kind in ("Task", "CommunicationRequest")),
        ("POST", "/ofrep/v1/evaluate/flags/learned", {"context": {"targetingKey": member}}),
        ("POST", f"/ofrep/v1/evaluate/flags/{marked('calls')}", {"context": {"targetingKey": "ben"}}),
        ("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": member}}),
        ("POST", "/v1/events", cloud),
        ("POST", f"/personalizer/v1.0/events/{event}/reward", {"value": 1}),
        ("POST", f"/personalizer/v1.0/events/{event}/activate", None),
        ("POST", f"/personalizer/v1.0/multislot/events/{event}/activate", None),
        ("POST", "/personalizer/v1.0/rank", rank),
        ("GET", "/personalizer/v1.0/configurations/service", None),
        ("GET", f"/console/groups/{group}", None),
        ("GET", f"/console/members/{member}", None),
        ("GET", f"/console/decisions/{decision}", None),
        ("POST", f"/console/decisions/{decision}", {"status": "done"}),
        ("GET", f"/console/program/ends/{site}", None),
        ("POST", f"/console/program/ends/{site}", {"none": "1"}),
        *(("GET", f"/console{page}", None) for page in PAGES),
    ]
    found = []
    for method, path, body in rows:
        request: Request = {"method": method, "url": path, "params": {}, "headers": {}}
        if path == "/v1/events":
            request["headers"] = {"Content-Type": "application/cloudevents+json"}
            request["content"] = json.dumps(body).encode()
        elif path.startswith("/console") and method == "POST":
            request["data"] = body
        elif body is not None:
            request["json"] = body
        found.append(Crossing(f"{method} {path}", request))
    return found


class Tokens(NamedTuple):
    """What somebody of a program holds beside keys: a link to each kind of page, and a session's cookie.

    sign : what every form of that session carries
    """

    program: str
    links: dict[str, str]
    session: str
    sign: str

    @property
    def every(self) -> dict[str, str]:
        """All by name."""
        return self.links | {"session": self.session}


def tokens_of(program: Program, key: str, group: str) -> Tokens:
    """Makes a link to each kind of page, and signs in. key : one that may"""
    caller = program.running.stranger(key)
    subjects = {"brief": group, "worklist": "staff"}
    made = {
        opens: caller.post("/v1/links", {"opens": opens, "of": subjects[opens], "audience": "staff"})
        for opens in LINKED
    }
    links = {opens: str(answer.json()["path"]).removeprefix("/l/") for opens, answer in made.items()}
    with httpx.Client(base_url=program.running.address, timeout=60) as browser:
        browser.post("/console/sign-in", data={"key": key})
        sign = re.findall(r'name="sign" value="([^"]*)"', browser.get("/console/program").text)[-1]
        return Tokens(program.id, links, browser.cookies["console"], sign)


def grafted(token: str, program: str) -> str:
    """A token that says that it is of another program; what is secret in it stays."""
    whole = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    return urlsafe_b64encode(UUID(program).bytes + whole[16:]).decode().rstrip("=")


def by_token(theirs: Tokens, mine: Tokens, key: str, decision: str) -> list[Crossing]:
    """Each token in the place of every other, and under the other program's name.

    key : of the other program      decision : one of the marked program
    """
    told: dict[str, Any] = {"decision_id": decision, "status": "done"}
    found: list[tuple[str, str, str, Request]] = []
    for holder, other in ((theirs, mine), (mine, theirs)):
        for name, token in holder.every.items():
            moved = grafted(token, other.program)
            for text, right in ((token, "session" if name == "session" else "link"), (moved, "nowhere")):
                if right != "link":
                    found.append((f"{name} as a link", "GET", f"/l/{text}", {}))
                    found.append((f"{name} as a link's form", "POST", f"/l/{text}", {"data": told}))
                if right != "session":
                    cookie = {"Cookie": f"console={text}"}
                    found.append((f"{name} as a session", "GET", "/console/program", {"headers": cookie}))
                for shaped in (text, f"eng_{UUID(other.program).hex}_{text}"):
                    bearer = {"Authorization": f"Bearer {shaped}"}
                    found.append((f"{name} as a key", "GET", "/v1/groups", {"headers": bearer}))
            beside = {"Authorization": f"Bearer {key}", "Cookie": f"console={mine.session}"}
            found.append((f"{name} beside a key", "GET", f"/l/{moved}", {"headers": beside}))
    switch = {"step": "throw", "stop": "1", "by": "program-lead", "why": "data", "sign": theirs.sign}
    form = {"headers": {"Cookie": f"console={mine.session}"}, "data": switch}
    found.append(("a form signed for the other's session", "POST", "/console/program/switch", form))
    own = f"/l/{mine.links['worklist']}"
    found.append(("the other's decision on one's own list", "POST", own, {"data": told}))
    return [Crossing(kind, {"method": how, "url": path, **more}) for kind, how, path, more in found]


PAGES = (
    "", "/strategies", "/learning", "/visits", "/work", "/referrals", "/program", "/digest", "/money",
    "/data", "/trail", "/program/switch", "/program/file", "/program/roster", "/program/register",
)  # fmt: skip


def varied(draw: random.Random, theirs: Theirs, crossing: Crossing) -> Request:
    """A crossing with more of the other program in it: a page's cursor, an ETag; or only tried."""
    request = dict(crossing.request)
    request["params"], request["headers"] = dict(request["params"]), dict(request["headers"])
    if request["method"] == "GET":
        more = draw.choice(["nothing", "cursor", "etag"])
        if more == "cursor" and not request["url"].startswith(("/console", "/fhir")):
            names = [marked("g1"), marked("g1-m2"), *theirs.cursors, *sorted(theirs.uuids)]
            request["params"]["after"] = draw.choice(names)
        elif more == "etag":
            request["headers"]["If-None-Match"] = draw.choice(theirs.etags)
    elif request["method"] == "PUT" and draw.random() < 0.5:
        request["headers"]["If-Match"] = draw.choice(theirs.etags)
    elif draw.random() < 0.2 and request["url"].startswith("/v1/"):
        request["params"]["dry_run"] = "true"
    return request


class Own:
    """Somebody of another program. stored : marked ids of what they may have stored in their own"""

    def __init__(self, program: Program) -> None:
        self.program = program
        everything: Any = ("admin", "read", "recommend", "signals", "research")
        self.key = program.key(*everything, audience="research")[0]
        self.client = httpx.Client(base_url=program.running.address, timeout=60)
        self.client.post("/console/sign-in", data={"key": self.key})
        page = self.client.get("/console/program").text
        self.sign = re.search(r'name="sign" value="([^"]*)"', page)
        self.stored: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def send(self, request: Request) -> httpx.Response:
        """Sends a request with this program's key, or to the console in its session."""
        own = dict(request)
        if not own["url"].startswith("/console"):
            own["headers"] = own["headers"] | {"Authorization": f"Bearer {self.key}"}
        elif "data" in own and self.sign is not None:
            own["data"] = own["data"] | {"sign": self.sign[1]}
        answer = self.client.request(**own)
        if request["method"] != "GET":
            self.stored |= set(MARKED.findall(_written(request)))
        return answer


def leaks(theirs: Theirs, own: Own, request: Request, answer: httpx.Response) -> list[str]:
    """What an answer tells of the marked program that its caller did not say themselves."""
    text = "\n".join([*_texts(answer), *(f"{name}: {value}" for name, value in answer.headers.items())])
    asked = _written(request)
    known = own.stored | set(MARKED.findall(asked))
    told = {word for word in MARKED.findall(text) if not any(part.startswith(word) for part in known)}
    told |= {word for word in [WORD_MARK] if word in text}
    return sorted(told | {name for name in set(ID.findall(text)) & theirs.uuids if name not in asked})


def _written(request: Request) -> str:
    return json.dumps(request, default=lambda content: content.decode())


def _texts(answer: httpx.Response) -> Iterator[str]:
    if zipfile.is_zipfile(io.BytesIO(answer.content)):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
            yield from (book.read(name).decode("utf-8", "replace") for name in book.namelist())
    else:
        yield answer.text


def operations(paths: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Method and path of every operation of the description."""
    return {
        told["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, told in methods.items()
    }


def order(draw: random.Random, all_of_them: Sequence[Crossing], number: int) -> Iterator[Crossing]:
    """Each once, those that only read first, and then any of them, so many in all."""
    yield from sorted(all_of_them, key=lambda crossing: crossing.request["method"] != "GET")
    for _ in range(number - len(all_of_them)):
        yield draw.choice(all_of_them)
