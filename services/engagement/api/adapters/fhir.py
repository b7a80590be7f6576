"""FHIR R4, to be read: `Task`, `CommunicationRequest`, `Group`, and what this server can (`metadata`).

It describes itself as FHIR's servers do, so its addresses are not in our own description; its errors are
`OperationOutcome`s.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any, get_args

import msgspec
from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.problems import HANDLERS, Problem
from engagement.api.service import Call, each, one, service_of
from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.workflows.fhir import Found, Kind, Wanted, resources
from engagement.workflows.fhir_resources import CommunicationRequest, Fhir, Group, Task

PATH = "/fhir/R4"
MEDIA_TYPE = "application/fhir+json"
RELEASE = "4.0.1"
PAGE, MOST = 50, 200
KINDS = (*get_args(Kind), "Group")
CODES = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    413: "too-long",
    500: "exception",
    503: "transient",
}
"""FHIR's code for an issue, by status; whatever else is wrong is `invalid`."""

FhirId = Annotated[
    str, PathParameter(pattern=r"^[A-Za-z0-9.-]{1,64}(?!\n)$", description="The resource's id")
]
Count = Annotated[int, QueryParameter(name="_count", ge=0, description="How many at most")]
Cursor = Annotated[
    str,
    QueryParameter(
        name="_cursor", pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Where the page before ended"
    ),
]

Rest = Annotated[str, PathParameter(description="Whatever else is asked for")]


class Issue(Fhir, frozen=True, kw_only=True):
    """What went wrong."""

    severity: str
    code: str
    diagnostics: str


class OperationOutcome(Fhir, frozen=True, kw_only=True, tag_field="resourceType", tag="OperationOutcome"):
    """An error as FHIR tells it."""

    issue: tuple[Issue, ...]


class Link(Fhir, frozen=True, kw_only=True):
    """Where a page is, and where the next one."""

    relation: str
    url: str


class Mode(Fhir, frozen=True, kw_only=True):
    """Why a resource stands in a bundle."""

    mode: str


class Entry(Fhir, frozen=True, kw_only=True):
    """A resource of a bundle."""

    full_url: str
    resource: Task | CommunicationRequest | Group
    search: Mode


class Bundle(Fhir, frozen=True, kw_only=True, tag_field="resourceType", tag="Bundle"):
    """A page of what was searched for."""

    type: str
    link: tuple[Link, ...]
    entry: tuple[Entry, ...] = ()


def _resource(kind: Any) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    """Search and read: the two handlers of a kind of resource."""

    @get(f"/{kind}", guards=[Needs("read")], description=f"Page through every {kind}.")
    async def search(request: Call, count: Count = PAGE, cursor: Cursor = "") -> Response[bytes]:
        limit = max(1, min(count, MOST))  # a server may give fewer than were asked for
        found = await _found(request, kind, None, cursor, limit)
        base = f"{str(request.base_url).rstrip('/')}{PATH}/{kind}"
        here = f"{base}?_count={limit}" + (f"&_cursor={cursor}" if cursor else "")
        links = [Link(relation="self", url=here)]
        if found.next is not None:
            links.append(Link(relation="next", url=f"{base}?_count={limit}&_cursor={found.next}"))
        entries = [
            Entry(full_url=f"{base}/{row.id}", resource=row, search=Mode(mode="match"))
            for row in found.resources
        ]
        return _sent(Bundle(type="searchset", link=tuple(links), entry=tuple(entries)))

    @get(f"/{kind}/{{name:str}}", guards=[Needs("read")], description=f"Read one {kind}.")
    async def read(request: Call, name: FhirId) -> Response[bytes]:
        return _sent((await _found(request, kind, name, "", 1)).resources[0])

    return search, read


async def _found(request: Call, kind: Any, name: str | None, after: str, limit: int) -> Found:
    service, key = service_of(request), request.auth
    wanted = Wanted(kind, name, after, limit, key.audience, service.simulated)
    found: Found = await one(service, "read", Work(key.program_id, look), wanted)
    return found


def look(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Wanted], now_ms: int
) -> list[Found | Mistake]:
    """The resources of each wish."""
    return each(lambda wish: resources(conn, kept, program_id, wish, now_ms), wanted)


@get("/metadata")
async def metadata() -> Response[bytes]:
    """What this server can."""
    return Response(CAPABILITIES, media_type=MEDIA_TYPE)


@get("/{rest:path}")
async def nowhere(rest: Rest) -> None:
    """Whatever else FHIR knows."""
    raise NotFoundException(detail=f"this server has no `{rest[:80]}`; see {PATH}/metadata")


def _sent(resource: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    content = msgspec.json.encode(resource)
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _outcome(handles: Callable[..., Response[Problem]]) -> Callable[..., Response[bytes]]:
    """The same error, told as FHIR tells it."""

    def told(request: Request[Any, Any, State], error: Any) -> Response[bytes]:
        answer = handles(request, error)
        problem = answer.content
        issue = Issue(
            severity="error",
            code=CODES.get(problem.status, "invalid"),
            diagnostics=problem.detail or problem.title,
        )
        return _sent(OperationOutcome(issue=(issue,)), problem.status, dict(answer.headers))

    return told


CAPABILITIES = msgspec.json.encode(
    {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",  # of this statement: change it with what stands here
        "kind": "instance",
        "software": {"name": "Engagement", "version": version("engagement")},
        "implementation": {"description": "Peer-support groups: what is suggested, and what became of it"},
        "fhirVersion": RELEASE,
        "format": [MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A key with the scope `read`, as `Authorization: Bearer eng_…`"},
                "resource": [
                    {"type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}]}
                    for kind in KINDS
                ],
            }
        ],
    }
)

ROUTER = Router(
    PATH,
    route_handlers=[*(handler for kind in KINDS for handler in _resource(kind)), metadata, nowhere],
    exception_handlers={kind: _outcome(handles) for kind, handles in HANDLERS.items()},
    include_in_schema=False,
)
