"""The API described in OpenAPI 3.1, from the handlers and the Structs themselves.

OpenAPI 3.1 schemas are JSON Schema, and msgspec writes that of the very types it decodes, so the
description cannot promise anything else than what is checked: patterns, bounds, tags, and that
unknown fields are refused. A handler's docstring is what people read: its first line the summary.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Litestar, MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from engagement.api.guards import JSON, Needs
from engagement.api.problems import MEDIA_TYPE, RETRY_AFTER_S, Problem

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{name}"
ANYWHERE = (400, 500, 503)
WITH_A_KEY = (401, 403)
WITH_A_NAME = (404,)
WITH_A_BODY = (409, 413, 415)
"""Which problems an operation may answer with, by what it takes."""


class Operation(NamedTuple):
    """One method of one address."""

    path: str
    method: str
    handler: HTTPRouteHandler
    parameters: dict[str, Any]
    in_path: tuple[str, ...]
    needs: Needs | None

    @property
    def takes(self) -> str | None:
        """The media type of the body, None when there is none."""
        taken: str | None = self.handler.opt.get("takes", JSON if "data" in self.parameters else None)
        return taken

    @property
    def gives(self) -> str:
        """The media type of the answer."""
        return MediaType(self.handler.media_type or MediaType.JSON).value

    @property
    def answer(self) -> Any:
        """The type of the answer."""
        return self.handler.parsed_fn_signature.return_type.raw if self.gives == JSON else str


def described(app: Litestar) -> bytes:
    """The whole description as JSON, without the modules that types of unions carry in their names."""
    return re.sub(rb"engagement(\.[a-z_]+)+\.(?=[A-Z])", b"", msgspec.json.encode(_description(app)))


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
        "operationId": handler.operation_id or handler.fn.__name__,
        "summary": summary.rstrip("."),
        "description": f"{rest.strip()}\n\n{scope}".strip(),
        "tags": sorted(handler.tags or ()),
        "parameters": [
            _parameter(row, "path" if name in operation.in_path else "query")
            for name, row in operation.parameters.items()
            if name != "data"
        ],
        "responses": {
            "200": {
                "description": "Done",
                "content": {operation.gives: {"schema": schema_of[id(operation.answer)]}}
                | {media: {"schema": {"type": "string"}} for media in handler.opt.get("also", ())},
            }
        }
        | {str(status): {"$ref": f"#/components/responses/{status}"} for status in _problems(operation)},
    }
    if operation.takes:
        data = operation.parameters.get("data")
        schema = {"type": "string"} if data is None else schema_of[id(data.raw)]
        out["requestBody"] = {"required": True, "content": {operation.takes: {"schema": schema}}}
    if operation.needs is None:
        out["security"] = []
    return out


def _parameter(row: FieldDefinition, where: str) -> Json:
    said: Any = row.kwarg_definition
    known = {"pattern": said.pattern, "ge": said.ge, "le": said.le}
    bounds = msgspec.Meta(**{name: value for name, value in known.items() if value is not None})
    schema = msgspec.json.schema(Annotated[row.annotation, bounds])
    if row.has_default:
        schema["default"] = row.default
    return {
        "name": said.name or row.name,
        "in": where,
        "required": not row.has_default,
        "description": said.description,
        "schema": schema,
    }


def _problems(operation: Operation) -> list[int]:
    return sorted(
        {
            *ANYWHERE,
            *(WITH_A_KEY if operation.needs else ()),
            *(WITH_A_NAME if operation.in_path or operation.takes else ()),
            *(WITH_A_BODY if operation.takes else ()),
        }
    )


def _statuses() -> list[int]:
    return sorted({*ANYWHERE, *WITH_A_KEY, *WITH_A_NAME, *WITH_A_BODY})


def _problem(status: int) -> Json:
    reference = {"$ref": REFERENCE.format(name=Problem.__name__)}
    headers: Json = {}
    if status == 503:
        words = f"Seconds to wait before trying again, {RETRY_AFTER_S} as a rule"
        headers = {"Retry-After": {"description": words, "schema": {"type": "integer"}}}
    if status == 401:
        headers = {"WWW-Authenticate": {"description": "How to send the key", "schema": {"type": "string"}}}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": reference}},
    }
