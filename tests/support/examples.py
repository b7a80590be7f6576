"""The examples of the description, played on a fresh service of which all people and times are made up.

`examples.json` holds requests in an order in which they can be sent, each with the answer it got; those
that are `shown` stand in the description. A decision or a plan has a new id each time, so the ids of the
answers so far are translated in the requests that follow.

`python -m support.examples` sends them all again and writes down what is answered now.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from engagement.api import examples
from engagement.clock import SimulatedClock
from engagement.store.kept import Kept
from engagement.workflows.example import load_example
from support.databases import migrate
from support.running import Caller, Running, running

START_MS = 1_767_592_800_000  # 2026-01-05T06:00:00Z
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
LINES = 4
"""Of an answer in plain text."""


class Played(NamedTuple):
    """An example as it stands in the file, and the answer it got just now."""

    step: dict[str, Any]
    answer: httpx.Response


@contextmanager
def example_service(folder: Path) -> Iterator[Caller]:
    """A caller of a fresh service with the example program, on a clock that stands still."""
    url = f"sqlite:///{folder}/examples.db"
    migrate(url)
    with example_running(url) as service:
        yield service.stranger(load_example(service.service.db, Kept(), START_MS).key)


@contextmanager
def example_running(url: str, **settings: Any) -> Iterator[Running]:
    """A service on a migrated database, on a clock that stands still where the examples begin."""
    with running(url, clock=SimulatedClock(START_MS), deadline_ms=600_000, **settings) as service:
        yield service


def play(caller: Caller, steps: list[dict[str, Any]]) -> Iterator[Played]:
    """Sends every example, with the ids of this service."""
    paths = caller.get("/schema/openapi.json").json()["paths"]
    where = {
        told["operationId"]: (method.upper(), path)
        for path, methods in paths.items()
        for method, told in methods.items()
    }
    ids: dict[str, str] = {}
    for step in steps:
        method, path = where[step["operation"]]
        request = translated({name: step.get(name) for name in ("path", "query", "headers", "body")}, ids)
        for name, value in (request["path"] or {}).items():
            path = path.replace(f"{{{name}}}", value)
        body = request["body"]
        content = {"content": body.encode()} if isinstance(body, str) else {"json": body}
        headers = ({"Content-Type": "text/csv"} if isinstance(body, str) else {}) | (request["headers"] or {})
        answer = caller.call(
            method, path, params=request["query"], headers=headers, **({} if body is None else content)
        )
        # where an id is first told it is known by its place; lists may have another order each time
        ids = dict(pairs(step.get("answer"), said(answer))) | ids
        yield Played(step, answer)


def said(answer: httpx.Response) -> Any:
    """What an answer says: its JSON, or the first lines of its text."""
    media_type = answer.headers["content-type"].partition(";")[0]
    if media_type == "application/json":
        return answer.json()
    if not media_type.startswith("text/"):
        return f"the bytes of a file, {media_type}"
    return "\n".join(answer.text.splitlines()[:LINES])


def translated(value: Any, ids: dict[str, str]) -> Any:
    """A value with the ids of another service."""
    text = ID.sub(lambda found: ids.get(found[0], found[0]), json.dumps(value))
    for before, now in ids.items():
        if not ID.fullmatch(before):
            text = text.replace(f'"{before}"', f'"{now}"')
    return json.loads(text)


def pairs(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Ids that stand at the same places of two answers, each known by its form or by its field's name."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before.keys() & now.keys():
            yield from pairs(before[key], now[key], key)
    elif isinstance(before, list) and isinstance(now, list):
        for one, other in zip(before, now, strict=False):
            yield from pairs(one, other)
    elif name == "link_id" or (is_id(before) and is_id(now)):
        yield before, now


def is_id(value: Any) -> bool:
    """Whether it is the id of a decision, a plan or the like."""
    return isinstance(value, str) and ID.fullmatch(value) is not None


def main() -> None:
    """Writes the answers of now into the file."""
    steps = []
    with tempfile.TemporaryDirectory() as folder, example_service(Path(folder)) as caller:
        for step, answer in play(caller, examples.STEPS):
            answer.raise_for_status()
            steps.append(step | {"answer": said(answer)})
    # ids that appear anew in an answer take the place of those before
    news: dict[str, str] = {}
    for before, now in zip(examples.STEPS, steps, strict=True):
        news = dict(pairs(before.get("answer"), now["answer"])) | news
    for step in steps:
        for name in ("path", "query", "headers", "body"):
            if name in step:
                step[name] = translated(step[name], news)
    text = json.dumps(steps, indent=1, ensure_ascii=False)
    Path(examples.__file__).with_name("examples.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
