"""The description is frozen in the repository: whoever changes it sees so, and what callers lose is said."""

import copy
import json
from typing import Any

import pytest

from support.collection import FILE
from support.collection import now as collection_now
from support.contract import FROZEN, TYPES, now, signature, taken_away, unexplained

RENEW = "the interface has changed: run `make openapi` and look at the difference"
LIMIT = {"name": "limit", "required": False, "schema": {"type": "integer", "maximum": 9}}
ANSWER = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "rows": {"items": {"type": "integer"}},
    },
    "required": ["id"],
}
BEFORE: dict[str, Any] = {
    "paths": {"/things": {"get": {"parameters": [LIMIT], "responses": {"200": ANSWER}}}},
    "components": {"schemas": {"Thing": SCHEMA}},
}


def test_the_frozen_description_is_that_of_the_service() -> None:
    assert json.loads(FROZEN.read_text()) == json.loads(now()), RENEW


def test_the_types_are_those_of_the_frozen_description() -> None:
    assert TYPES.read_text().startswith(signature()), RENEW


def test_the_collection_is_that_of_the_frozen_description() -> None:
    assert FILE.read_text() == collection_now(), RENEW


def test_the_collection_has_every_operation_with_its_key_and_its_body() -> None:
    told = json.loads(FILE.read_text())
    items = [item for folder in told["item"] for item in folder["item"]]
    paths = json.loads(FROZEN.read_text())["paths"]
    assert len(items) == sum(len(methods) for methods in paths.values())
    assert told["auth"]["bearer"][0]["value"] == "{{key}}"
    change = next(item["request"] for item in items if item["request"]["url"]["path"][-1] == "stop")
    assert json.loads(change["body"]["raw"])["by"]


def changed(*path: str, to: Any = None) -> dict[str, Any]:
    """The description with something else at a place, or without what is there."""
    after = copy.deepcopy(BEFORE)
    place: Any = after
    for name in path[:-1]:
        place = place[int(name) if isinstance(place, list) else name]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return after


GET = ("paths", "/things", "get")
THING = ("components", "schemas", "Thing")


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (changed("paths", "/things"), ["GET /things"]),
        (changed(*GET, "parameters", to=[]), ["GET /things: parameter `limit` is gone"]),
        (
            changed(*GET, "parameters", "0", "required", to=True),
            ["GET /things: parameter `limit` must be given"],
        ),
        (
            changed(*GET, "parameters", "0", "schema", "maximum", to=8),
            ["GET /things: parameter `limit`: `maximum` is another"],
        ),
        (changed(*GET, "responses", to={}), ["GET /things: responses is of another type"]),
        (changed(*GET, "requestBody", to={}), ["GET /things: a body must be given"]),
        (changed(*THING, "properties", "kind"), ["Thing.kind is gone"]),
        (changed(*THING, "properties", "kind", "enum", to=["a"]), ["Thing.kind: 'b' is gone"]),
        (changed(*THING, "required", to=["id", "kind"]), ["Thing.kind must be given"]),
        (
            changed(*THING, "properties", "rows", "items", to={"type": "string"}),
            ["Thing.rows[]: `type` is another"],
        ),
    ],
)
def test_what_callers_lose_is_named(after: dict[str, Any], words: list[str]) -> None:
    assert taken_away(BEFORE, after) == words


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        changed("paths", "/more", to={"get": {}}),
        changed(*THING, "properties", "more", to={"type": "string"}),
        changed(*THING, "properties", "kind", "enum", to=["a", "b", "c"]),
        changed(*THING, "required", to=[]),
    ],
)
def test_what_callers_gain_is_nothing_to_be_explained(after: dict[str, Any]) -> None:
    assert taken_away(BEFORE, after) == []


LOG = """## [Unreleased]

### Added

- `Thing.more`.

### Changed

- {said}

## [0.1.0]

### Removed

- `GET /things`.
"""


@pytest.mark.parametrize(
    ("said", "silent"),
    [
        ("`GET /things` is gone.", ["Thing.kind: 'b' is gone"]),
        ("`Thing.kind` is `a` only.", ["GET /things"]),
        ("Both: `GET /things` and `Thing.kind`.", []),
        ("Something else.", ["GET /things", "Thing.kind: 'b' is gone"]),
    ],
)
def test_a_loss_is_explained_by_its_name_in_what_is_not_released_yet(said: str, silent: list[str]) -> None:
    assert unexplained(["GET /things", "Thing.kind: 'b' is gone"], LOG.format(said=said)) == silent
