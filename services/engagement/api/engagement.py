"""`/v1/members/{id}/engagement` and `/v1/groups/{id}/engagement`: the picture, in words."""

from typing import Any

from litestar import get
from litestar.params import FromPath
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.api.desk import Work
from engagement.api.guards import needs
from engagement.api.service import Call, one, service_of
from engagement.store.kept import Kept
from engagement.workflows.engagement import Engagement, of_group, of_member


async def _picture(request: Call, unit: Any, name: str) -> Engagement:
    service, audience = service_of(request), request.auth.audience

    def seen(conn: Connection, kept: Kept, program_id: str, names: Any, now_ms: int) -> list[Engagement]:
        return [
            unit(conn, kept, program_id, one, audience, now_ms, simulated=service.simulated) for one in names
        ]

    found: Engagement = await one(service, "read", Work(request.auth.program_id, seen), name)
    return found


@get("/v1/members/{member_id:str}/engagement", guards=[needs("read")], tags=["engagement"])
async def member_engagement(request: Call, member_id: FromPath[Id]) -> Engagement:
    """How a member is doing: index, parts, trend and the last twelve months, as far as the key may see."""
    return await _picture(request, of_member, member_id)


@get("/v1/groups/{group_id:str}/engagement", guards=[needs("read")], tags=["engagement"])
async def group_engagement(request: Call, group_id: FromPath[Id]) -> Engagement:
    """How a group is doing. It says how many came, never who."""
    return await _picture(request, of_group, group_id)
