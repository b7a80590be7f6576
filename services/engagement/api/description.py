"""The API described in OpenAPI 3.1, from the handlers and the Structs themselves.

OpenAPI 3.1 schemas are JSON Schema, and msgspec writes that of the very types it decodes, so the
description cannot promise anything else than what is checked: patterns, bounds, tags, and that
unknown fields are refused. A handler's docstring is what people read: its first line the summary.
"""

import re
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from litestar import Litestar, MediaType, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from engagement.api.allowance import LEFT, POLICY
from engagement.api.examples import SHOWN
from engagement.api.guards import DRY_RUN, JSON, Needs
from engagement.api.problems import MEDIA_TYPE, Problem
from engagement.api.terms import KEY, NAME_PATTERN

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
ANYWHERE = (400, 500, 503)
WITH_A_KEY = (401, 403, 429)
WITH_A_NAME = (404,)
WITH_A_BODY = (409, 413, 415)
WITH_A_CONDITION = (412,)
WITH_A_NAME_OF_ITS_OWN = (409,)
"""Which problems an operation may answer with, by what it takes."""
TYPE = re.compile(rb"engagement(?:\.[a-z_]+)*\.(?P<module>[a-z_]+)\.(?P<name>[A-Z][A-Za-z0-9]*)")
HEADERS = {
    "ETag": "Of the newest revision, for `If-Match` and `If-None-Match`",
    POLICY: 'How many requests a key may send in how many seconds, such as `"key";q=60000;w=60`',
    LEFT: 'How many are left, and for how many seconds, such as `"key";r=59999;t=60`',
}
LATER = {"Location": "Where the result will be", "Retry-After": "Seconds after which to look there"}
"""Headers of what is accepted and done later."""
TAGS_PATTERN = r'^(\*|(W/)?"[!#-~]*"(, (W/)?"[!#-~]*")*)$'


class Operation(NamedTuple):
    """One method of one address."""

    path: str
    method: str
    handler: HTTPRouteHandler
    parameters: dict[str, Any]
    in_path: tuple[str, ...]
    needs: Needs | None

    @property
    def name(self) -> str:
        """Its id in the description."""
        return str(self.handler.operation_id or self.handler.fn.__name__)

    @property
    def example(self) -> Json:
        """A request as it was sent, and its answer."""
        return SHOWN.get(self.name, {})

    @property
    def takes(self) -> tuple[str, ...]:
        """The media types of the body, none when there is none."""
        taken: str | tuple[str, ...] = self.handler.opt.get(
            "takes", (JSON,) if "data" in self.parameters else ()
        )
        return (taken,) if isinstance(taken, str) else taken

    @property
    def gives(self) -> str:
        """The media type of the answer."""
        given = self.handler.media_type or MediaType.JSON
        return given.value if isinstance(given, MediaType) else given

    @property
    def gives_too(self) -> tuple[str, ...]:
        """Other media types of the answer, for whoever accepts one of them."""
        given: tuple[str, ...] = self.handler.opt.get("gives_too", ())
        return given

    @property
    def answer(self) -> Any:
        """The type of the answer."""
        if self.gives != JSON:
            return str
        given = self.handler.parsed_fn_signature.return_type.raw
        return get_args(given)[0] if get_origin(given) is Response else given

    @property
    def may_miss(self) -> bool:
        """Whether its query names something that may not be there."""
        return bool(self.handler.opt.get("may_miss"))

    @property
    def tagged(self) -> bool:
        """Whether the answer carries an entity tag."""
        return bool(self.handler.opt.get("tagged"))

    @property
    def conditional(self) -> bool:
        """Whether it can be made to change something only as it was read."""
        return self.tagged and self.method == "put"


def described(app: Litestar) -> bytes:
    """The whole description as JSON, without the modules that names of types carry."""
    written = msgspec.json.encode(_description(app))
    places = {found[0]: (found["module"], found["name"]) for found in TYPE.finditer(written)}
    names = Counter(name for _, name in places.values())
    return TYPE.sub(lambda found: _short(*places[found[0]], twice=names[found["name"]] > 1), written)


def _short(module: bytes, name: bytes, *, twice: bool) -> bytes:
    """A type's name; of two in different modules each with that of its own in front."""
    return module.title().replace(b"_", b"") + name if twice else name


def _description(app: Litestar) -> Json:
    operations = list(_operations(app))
    bodies = (operation.parameters["data"].raw for operation in operations if "data" in operation.parameters)
    types = {id(kind): kind for kind in (*bodies, *(operation.answer for operation in operations))}
    schemas, components = msgspec.json.schema_components([*types.values(), Problem], ref_template=REFERENCE)
    schema_of = dict(zip(types, schemas, strict=False))
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Engagement",
            "version": version("engagement"),
            "summary": "What to try next, so that a peer-support group goes on.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": {
                name: {"description": words, "schema": {"type": "string"}} for name, words in HEADERS.items()
            },
            "responses": {str(status): _problem(status) for status in _statuses()},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`eng_<program>_<secret>`",
                }
            },
        },
        "security": [{"key": []}],
    }


def _operations(app: Litestar) -> Iterator[Operation]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if not handler.resolve_include_in_schema():
                continue
            parameters = {
                name: row for name, row in handler.parsed_fn_signature.parameters.items() if name != "request"
            }
            yield Operation(
                path=route.path_format,
                method=next(iter(handler.http_methods)).lower(),
                handler=handler,
                parameters=parameters,
                in_path=tuple(route.path_parameters),
                needs=next((guard for guard in handler.resolve_guards() if isinstance(guard, Needs)), None),
            )


def _operation(operation: Operation, schema_of: dict[int, Json]) -> Json:
    handler = operation.handler
    summary, _, rest = (handler.description or getdoc(handler.fn) or "").partition("\n")
    needs = operation.needs
    scope = f"Needs a key with the scope `{needs.scope}`.{needs.also}" if needs else "Needs no key."
    out: Json = {
        "operationId": operation.name,
        "summary": summary.rstrip("."),
        "description": f"{rest.strip()}\n\n{scope}".strip(),
        "tags": sorted(handler.tags or ()),
        "parameters": [
            _parameter(row, operation, "path" if name in operation.in_path else "query")
            for name, row in operation.parameters.items()
            if name != "data"
        ]
        + [_read(name, where, schema, words) for name, where, schema, words in _terms(operation)],
        "responses": _answers(operation, schema_of)
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in _problems(operation)},
    }
    if operation.takes:
        data = operation.parameters.get("data")
        schema = {"type": "string"} if data is None else schema_of[id(data.raw)]
        shown = _example(operation.example.get("body"))
        content = {kind: {"schema": schema} for kind in operation.takes}
        content[operation.takes[0]] |= shown
        out["requestBody"] = {"required": True, "content": content}
    if operation.needs is None:
        out["security"] = []
    return out


def _answers(operation: Operation, schema_of: dict[int, Json]) -> Json:
    """What an operation answers where nothing is wrong."""
    shown = _example(operation.example.get("answer"))
    content = {operation.gives: {"schema": schema_of[id(operation.answer)], **shown}} | {
        media: {"schema": {"type": "string"}} for media in operation.gives_too
    }
    names = ([POLICY, LEFT] if operation.needs else []) + (["ETag"] if operation.tagged else [])
    headers: Json = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    later = operation.handler.status_code == HTTPStatus.ACCEPTED
    said = {name: _header(words) for name, words in LATER.items()} if later else {}
    status, words = ("202", "Accepted") if later else ("200", "Done")
    answers: Json = {status: {"description": words, "headers": headers | said, "content": content}}
    if operation.tagged and not operation.conditional:
        answers["304"] = {"description": "It stands as you have it", "headers": headers}
    return answers


def _header(words: str) -> Json:
    return {"description": words, "schema": {"type": "string"}}


def _terms(operation: Operation) -> Iterator[tuple[str, str, Json, str]]:
    """What an operation reads besides its own parameters: name, where, schema and meaning."""
    tags = {"type": "string", "pattern": TAGS_PATTERN}
    if operation.conditional:
        yield "If-Match", "header", tags, "Only change what stands as this `ETag` says; `*`: only what exists"
        yield "If-None-Match", "header", tags, "Only change what does not stand so; `*`: only create"
    elif operation.tagged:
        yield "If-None-Match", "header", tags, "Answer 304 where it still stands as this `ETag` says"
    if operation.handler.opt.get("keyed"):
        name = {"type": "string", "pattern": NAME_PATTERN}
        yield KEY, "header", name, "A name for this request: sent again under it, it gets the answer it got"
    if operation.handler.opt.get("tried"):
        choice = {"type": "boolean", "default": False}
        yield DRY_RUN, "query", choice, "Only answer what would be: nothing is stored"


def _read(name: str, where: str, schema: Json, words: str) -> Json:
    return {"name": name, "in": where, "required": False, "description": words, "schema": schema}


def _example(value: Any) -> Json:
    return {} if value is None else {"example": value}


def _parameter(row: FieldDefinition, operation: Operation, where: str) -> Json:
    said: Any = row.kwarg_definition
    known = {"pattern": said.pattern, "ge": said.ge, "le": said.le}
    bounds = msgspec.Meta(**{name: value for name, value in known.items() if value is not None})
    schema = msgspec.json.schema(Annotated[row.annotation, bounds])
    if row.has_default:
        schema["default"] = row.default
    name = said.name or row.name
    return {
        "name": name,
        "in": where,
        "required": not row.has_default,
        "description": said.description,
        "schema": schema,
        **_example(operation.example.get(where, {}).get(name)),
    }


def _problems(operation: Operation) -> list[int]:
    return sorted(
        {
            *ANYWHERE,
            *(WITH_A_KEY if operation.needs else ()),
            *(WITH_A_NAME if operation.in_path or operation.takes or operation.may_miss else ()),
            *(WITH_A_BODY if operation.takes else ()),
            *(WITH_A_CONDITION if operation.conditional else ()),
            *(WITH_A_NAME_OF_ITS_OWN if operation.handler.opt.get("keyed") else ()),
        }
    )


def _statuses() -> list[int]:
    return sorted({*ANYWHERE, *WITH_A_KEY, *WITH_A_NAME, *WITH_A_BODY, *WITH_A_CONDITION})


def _problem(status: int) -> Json:
    reference = {"$ref": REFERENCE.format(name=Problem.__name__)}
    headers: Json = {}
    if status in (429, 503):
        words = "Seconds to wait before trying again"
        headers = {"Retry-After": {"description": words, "schema": {"type": "integer"}}}
    if status == 401:
        headers = {"WWW-Authenticate": {"description": "How to send the key", "schema": {"type": "string"}}}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": reference}},
    }
