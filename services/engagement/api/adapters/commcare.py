"""CommCare: forms and cases that it forwards come in, what is due goes into its cases' properties.

Its repeaters send one form or one case a request, as JSON, and again after an hour or more where the answer
was no 2xx (its documentation, "Enabling Data Integration"). What is due is fetched in the very form that its
Case Data API v2 takes in bulk, so that one line of a scheduler carries it over and neither side keeps the
other's password.
"""

from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Response, get, post, put
from litestar.params import JSONBody, QueryParameter
from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import After
from engagement.api.senders import Sender
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, act
from engagement.errors import EngagementError, Invalid, TooLarge
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.store.units import UnitKind
from engagement.strategy.setup import Dialect
from engagement.workflows.commcare import (
    MOST_CASES,
    NAME,
    Cases,
    CasesWanted,
    CaseUpdate,
    Payload,
    Taken,
    due_cases,
    hear_commcare,
)
from engagement.workflows.commcare_mapping import read_mapping
from engagement.workflows.revise import revise

TAGS = ("adapters",)
TOML = "application/toml"
MOST_BYTES = 65_536
"""Of a mapping."""


class MappingKept(msgspec.Struct, frozen=True):
    """A mapping that is in force. forms, cases : how many kinds of each have a meaning"""

    revision: int
    forms: int
    cases: int


@post("/adapters/commcare/forms", status_code=200, guards=[Sender("signals")], tags=TAGS)
async def commcare_forms(request: Call, data: JSONBody[dict[str, Any]]) -> Taken:
    """Take a form that CommCare forwards.

    As JSON, whole, once or many times, in any order; what a form says now stands in the place of what it said
    before. A form that the mapping says nothing about is answered `ignored`.
    """
    return await _take(request, data)


@post("/adapters/commcare/cases", status_code=200, guards=[Sender("signals")], tags=TAGS)
async def commcare_cases(request: Call, data: JSONBody[dict[str, Any]]) -> Taken:
    """Take a case that CommCare forwards.

    As JSON, whole. Each time that the mapping's `at` names is reported once, and corrected when it changes.
    """
    return await _take(request, data)


async def _take(request: Call, content: dict[str, Any]) -> Taken:
    service = service_of(request)
    payload = Payload(content, request.auth.audience)
    try:
        taken: Taken = await one(service, "record", Work(request.auth.program_id, hear_commcare), payload)
    except EngagementError:
        service.metrics.signals.labels("refused").inc()
        raise
    service.metrics.signals.labels("repeated" if taken.status == "unchanged" else "stored").inc()
    return taken


@get("/adapters/commcare/cases", guards=[Sender("read")], tags=TAGS)
async def commcare_due(
    request: Call,
    of: Annotated[UnitKind, QueryParameter(description="Cases of members, or of groups")] = "member",
    carrier: Annotated[Carrier | None, QueryParameter(description="Only what this carrier does")] = None,
    after: After = "",
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_CASES, description="Units to look at")] = MOST_CASES,
) -> list[CaseUpdate]:
    """Give what is due as changes of cases.

    The body is what CommCare's Case Data API v2 takes in bulk. A case for which nothing waits any more gets
    empty properties. Where there are more, the header `Link` has the address of the next page, rel="next".
    """
    wanted = CasesWanted(of, after, limit, carrier, request.auth.audience)
    found: Cases = await one(service_of(request), "read", Work(request.auth.program_id, due_cases), wanted)
    headers = {}
    if found.following is not None:
        only = "" if carrier is None else f"&carrier={carrier}"
        following = f"/adapters/commcare/cases?of={of}{only}&limit={limit}&after={found.following}"
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(list(found.updates), headers=headers)  # type: ignore[return-value]  # of these it is


@put("/adapters/commcare/mapping", guards=[Needs("admin")], tags=TAGS, takes=TOML, **TRIED)
async def put_commcare_mapping(request: Call) -> MappingKept:
    """Say what CommCare's forms and cases mean.

    The body is the mapping in TOML. It is checked whole, and a flaw is named by its line or its path.
    """
    content = _toml(await request.body())
    mapping = read_mapping(content)
    thing = Dialect(id=NAME, content=content)
    forms = sum(rule.form is not None for rule in mapping.rules)

    def tell(stored: Revised) -> MappingKept:
        return MappingKept(stored.revision, forms, len(mapping.rules) - forms)

    return cast("MappingKept", await act(request, revise, thing, tell))


def _toml(body: bytes) -> str:
    if len(body) > MOST_BYTES:
        raise TooLarge(f"a mapping has at most {MOST_BYTES} bytes")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("the mapping must be TOML in UTF-8") from None


@get("/adapters/commcare/mapping", guards=[Needs("read")], tags=TAGS, media_type=MediaType.TEXT)
async def read_commcare_mapping(request: Call) -> str:
    """Read the mapping as it was sent.

    Empty before there is one.
    """
    content: str = await one(service_of(request), "read", Work(request.auth.program_id, contents), NAME)
    return content


def contents(conn: Connection, _kept: Kept, program_id: str, names: Sequence[str], _now_ms: int) -> list[str]:
    """Mappings as they were sent; an empty text where there is none."""
    found = setup.newest(conn, program_id, "dialect", names)
    return [
        row.thing.content if (row := found.get(name)) is not None and isinstance(row.thing, Dialect) else ""
        for name in names
    ]


ROUTES = (commcare_forms, commcare_cases, commcare_due, put_commcare_mapping, read_commcare_mapping)
