"""What was decided for a member or a group, page by page, and where a member sat."""

from typing import Literal, cast

from litestar import get
from litestar.handlers import HTTPRouteHandler

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import PAGE, After, Limit, Name, behind
from engagement.api.service import Call, one, service_of
from engagement.workflows.history import History, HistoryWanted, SeatsWanted, histories_of, seats_of
from engagement.workflows.seat import Seating


def _decisions(kind: Literal["member", "group"], words: str) -> HTTPRouteHandler:
    """The list of one kind of unit. words : what stands in it"""

    @get(
        f"/v1/{kind}s/{{name:str}}/decisions",
        guards=[Needs("read")],
        tags=("decisions",),
        operation_id=f"list_decisions_of_{kind}",
        description=f"List what was decided for a {kind}.\n\nThe newest first: {words}.",
    )
    async def index(request: Call, name: Name, after: After = "", limit: Limit = PAGE) -> History:
        work = Work(request.auth.program_id, histories_of)
        wanted = HistoryWanted(kind, name, behind(after), limit)
        return cast("History", await one(service_of(request), "read", work, wanted))

    return index


@get("/v1/members/{name:str}/memberships", guards=[Needs("read")], tags=("set-up",))
async def list_memberships(request: Call, name: Name) -> list[Seating]:
    """List where a member sat and sits.

    In order of day; each holds until the next. For staff, and for health workers with whom the member shares.
    """
    work = Work(request.auth.program_id, seats_of)
    wanted = SeatsWanted(name, request.auth.audience)
    return cast("list[Seating]", await one(service_of(request), "read", work, wanted))


HANDLERS = (
    _decisions("member", "whatever it was, with the action's title and how it stands"),
    _decisions("group", "the group's own, and those for whoever sat in it that day"),
    list_memberships,
)
