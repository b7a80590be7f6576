"""Where groups and people belong, as dated facts: links, and groups or members that are merged."""

from typing import cast

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, act
from engagement.strategy.setup import Link
from engagement.workflows.link import Linking, LinkSeen, UnitKind, link, links_seen
from engagement.workflows.merge_member import MemberMerge, MemberMerged, Merging, merge_members
from engagement.workflows.regroup import Merge, Regrouping, Split, regroup
from engagement.workflows.seat import Seating

TAGS = ("set-up",)


def _links(kind: UnitKind, plural: str, to: str) -> tuple[HTTPRouteHandler, ...]:
    """List and set the links of one kind of unit. to : what they lead to, in words"""
    words = kind.replace("_", " ")

    @get(
        f"/v1/{plural}/{{name:str}}/links",
        guards=[Needs("read")],
        tags=TAGS,
        operation_id=f"list_links_of_{kind}",
        description=f"List what a {words} was and is linked to.\n\nBy relation and day.",
    )
    async def index(request: Call, name: Name) -> list[LinkSeen]:
        work = Work(request.auth.program_id, links_seen)
        return cast("list[LinkSeen]", await one(service_of(request), "read", work, (kind, name)))

    @post(
        f"/v1/{plural}/{{name:str}}/links",
        status_code=200,
        guards=[Needs("admin")],
        tags=TAGS,
        operation_id=f"link_{kind}",
        description=f"Link a {words} from a day on.\n\nTo {to}, or without `to` to none. "
        "What is so already changes nothing.",
        **TRIED,
    )
    async def store(request: Call, name: Name, data: JSONBody[Link]) -> LinkSeen:
        return cast("LinkSeen", await act(request, link, Linking(kind, name, data)))

    return index, store


@post("/v1/groups/{name:str}/merge", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def merge_group(request: Call, name: Name, data: JSONBody[Merge]) -> list[Seating]:
    """Merge a group into another from a day on.

    Everybody who sits in it that day moves, and the group has ended. Decisions keep the group of their day.
    """
    return await _regrouped(request, name, data)


@post("/v1/groups/{name:str}/split", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def split_group(request: Call, name: Name, data: JSONBody[Split]) -> list[Seating]:
    """Move some of a group's members into another from a day on.

    Whoever is given no seat gets the next number that nobody ever had there.
    """
    return await _regrouped(request, name, data)


async def _regrouped(request: Call, name: str, how: Merge | Split) -> list[Seating]:
    return cast("list[Seating]", await act(request, regroup, Regrouping(name, how)))


@post("/v1/members/{name:str}/merge", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def merge_member(request: Call, name: Name, data: JSONBody[MemberMerge]) -> MemberMerged:
    """Merge a member who was enrolled twice into the id that is kept.

    What was and will be reported of either counts for the one kept; past decisions stay as they are.
    """
    return cast("MemberMerged", await act(request, merge_members, Merging(name, data)))


HANDLERS = (
    *_links("group", "groups", "a catchment or a health worker"),
    *_links("member", "members", "a health worker"),
    *_links("health_worker", "health_workers", "a catchment"),
    merge_group,
    split_group,
    merge_member,
)
