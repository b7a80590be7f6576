"""`/v1/members/{id}/engagement` and `/v1/groups/{id}/engagement`: the picture, in words."""

from collections.abc import Sequence
from typing import NamedTuple

from litestar import get
from sqlalchemy import Connection

from engagement.api.desk import Work, Workflow
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, each, one, service_of
from engagement.errors import Mistake
from engagement.signals.signal import Audience
from engagement.store.kept import Kept
from engagement.workflows.engagement import Engagement, of_group, of_member


class Look(NamedTuple):
    """Whose picture is wanted, and who will see it."""

    name: str
    audience: Audience
    simulated: bool


@get("/v1/members/{member_id:str}/engagement", guards=[Needs("read")], tags=["engagement"])
async def member_engagement(request: Call, member_id: Name) -> Engagement:
    """Tell how a member is doing.

    Index, parts, trend and the last twelve months, as far as the key's reader may see them.
    """
    return await _picture(request, members, member_id)


@get("/v1/groups/{group_id:str}/engagement", guards=[Needs("read")], tags=["engagement"])
async def group_engagement(request: Call, group_id: Name) -> Engagement:
    """Tell how a group is doing.

    It says how many came, never who.
    """
    return await _picture(request, groups, group_id)


async def _picture(request: Call, workflow: Workflow, name: str) -> Engagement:
    service = service_of(request)
    look = Look(name, request.auth.audience, service.simulated)
    found: Engagement = await one(service, "read", Work(request.auth.program_id, workflow), look)
    return found


def members(
    conn: Connection, kept: Kept, program_id: str, looks: Sequence[Look], now_ms: int
) -> list[Engagement | Mistake]:
    """The picture of each member."""
    return each(lambda look: of_member(conn, kept, program_id, *look[:2], now_ms, simulated=look[2]), looks)


def groups(
    conn: Connection, kept: Kept, program_id: str, looks: Sequence[Look], now_ms: int
) -> list[Engagement | Mistake]:
    """The picture of each group."""
    return each(lambda look: of_group(conn, kept, program_id, *look[:2], now_ms, simulated=look[2]), looks)
