"""CHT: its outbound push comes in, what is due goes out as documents for its CouchDB.

A push that is not answered with a 2xx is sent again every five minutes, and a document whose payload changes
is sent anew (its documentation, `.outbound`). The sender authenticates with Basic, or with one
`Authorization` header. Documents have an `_id` that follows from the decision, so they are
there once however often they are posted.
"""

from typing import Annotated

from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter

from engagement.actions.action import Carrier
from engagement.api.desk import Work
from engagement.api.parameters import MOST, PAGE, After, behind
from engagement.api.senders import Sender
from engagement.api.service import Call, one, service_of
from engagement.errors import EngagementError
from engagement.workflows.cht import ChtDocs, Docs, DocsWanted, Push, Pushed, due_docs, hear_pushes
from engagement.workflows.foreign_record import Heard

TAGS = ("adapters",)


@post("/adapters/cht/records", status_code=200, guards=[Sender("signals")], tags=TAGS)
async def cht_records(request: Call, data: JSONBody[Pushed]) -> Heard:
    """Take a document that CHT's outbound push sends.

    Once or many times; what it says now stands in the place of what it said before. With `rev`, an older
    version that comes late changes nothing.
    """
    service = service_of(request)
    push = Push(data, request.auth.audience)
    try:
        heard: Heard = await one(service, "record", Work(request.auth.program_id, hear_pushes), push)
    except EngagementError:
        service.metrics.signals.labels("refused").inc()
        raise
    service.metrics.signals.labels("stored").inc(heard.stored + heard.corrected)
    return heard


@get("/adapters/cht/docs", guards=[Sender("read")], tags=TAGS)
async def cht_docs(
    request: Call,
    carrier: Annotated[Carrier | None, QueryParameter(description="Who carries it out")] = None,
    after: After = "",
    limit: Annotated[int, QueryParameter(ge=1, le=MOST, description="How many at most")] = PAGE,
) -> ChtDocs:
    """Give what is due as documents of CHT.

    The body is what CouchDB's `_bulk_docs` takes. Where there are more, the header `Link` has the address of
    the next page, rel="next".
    """
    wanted = DocsWanted(carrier, behind(after), limit, request.auth.audience)
    found: Docs = await one(service_of(request), "read", Work(request.auth.program_id, due_docs), wanted)
    headers = {}
    if found.following is not None:
        only = "" if carrier is None else f"&carrier={carrier}"
        headers["Link"] = f'</adapters/cht/docs?limit={limit}{only}&after={found.following}>; rel="next"'
    return Response(found.docs, headers=headers)  # type: ignore[return-value]  # of these it is


ROUTES = (cht_records, cht_docs)
