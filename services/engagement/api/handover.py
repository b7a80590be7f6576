"""`/v1/sites/{id}/handover`: what a site's groups are told as its end comes, and whoever keeps it next."""

from typing import Annotated, Literal

from litestar import get
from litestar.params import QueryParameter

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, one, service_of
from engagement.errors import Forbidden
from engagement.signals.signal import may_see
from engagement.workflows.group_handed import GroupHanded, HandedWanted, groups_handed
from engagement.workflows.handover import Handover
from engagement.workflows.keeper import READER, Keeper, KeeperWanted, keepers, site_groups


@get("/v1/sites/{name:str}/handover", guards=[Needs("read")], tags=["set-up"])
async def site_handover(
    request: Call,
    name: Name,
    language: Annotated[
        Literal["en", "hi", "te"] | None, QueryParameter(description="Each group's own where absent")
    ] = None,
) -> Handover:
    """Tell what is handed over at a site, to each of its groups and to the new keeper.

    A group's part may be read by its adviser and holds no more than that: who leads, six meetings ahead, what
    was tried and how sure it is that it helps, the fund, what stops and what stays. The keeper's part is for
    staff: keys without secrets, money, open promises, consent to be asked again.
    """
    service, program_id = service_of(request), request.auth.program_id
    if not may_see(request.auth.audience, READER):
        raise Forbidden("a handover tells of keys, money and open promises, which is for staff")
    names: tuple[str, ...] = await one(service, "read", Work(program_id, site_groups), name)
    pages: list[GroupHanded] = []
    for group in names:  # one by one: a group may take as long as a lane should be held
        wanted = HandedWanted(group, language or "")
        pages.append(await one(service, "read", Work(program_id, groups_handed), wanted))
    wish = KeeperWanted(name, language or "")
    keeper: Keeper = await one(service, "read", Work(program_id, keepers), wish)
    return Handover(tuple(pages), keeper, service.simulated)
