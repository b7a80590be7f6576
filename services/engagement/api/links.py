"""`/v1/links`: short-lived links to pages, for people who type no key."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import JSONBody, PathParameter

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.pages import PAGES
from engagement.api.parameters import PAGE, After, Limit
from engagement.api.service import Call, one, service_of
from engagement.errors import Forbidden, Invalid
from engagement.workflows.page_link import (
    Ending,
    LinkAsk,
    LinkMade,
    LinkSeen,
    LinksWanted,
    Minting,
    end,
    listed,
    mint,
)

LinkName = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{16}(?!\n)$", description="A link's `link_id`")]


class Links(msgspec.Struct, frozen=True):
    """Live links in order of id. next : go on behind it; null when this is all."""

    items: list[LinkSeen]
    next: str | None


@post("/v1/links", status_code=200, guards=[Needs("read")], tags=["links"])
async def make_link(request: Call, data: JSONBody[LinkAsk]) -> LinkMade:
    """Make a link that opens one page for a while.

    Whoever has it needs no key, so it can be no more than the key that made it: a work list, on which things
    are answered, needs the scope `recommend` as well. `path` is told once.
    """
    page = PAGES.get(data.opens)
    if page is None:
        raise Invalid(f"`opens` must be one of {', '.join(sorted(PAGES))}")
    if not request.auth.opens(page.scope):
        raise Forbidden(f"a link to a {data.opens} needs a key that has the scope `{page.scope}` as well")
    work = Work(request.auth.program_id, mint)
    made: LinkMade = await one(
        service_of(request), "record", work, Minting(data, page.may, request.auth.audience)
    )
    return made


@get("/v1/links", guards=[Needs("read")], tags=["links"])
async def list_links(request: Call, after: After = "", limit: Limit = PAGE) -> Links:
    """List the links that open something now.

    Those for the key's audience and nearer ones; what opens them is not told again.
    """
    work = Work(request.auth.program_id, listed)
    wanted = LinksWanted(after, limit + 1, request.auth.audience)
    found: list[LinkSeen] = await one(service_of(request), "read", work, wanted)
    return Links(found[:limit], found[limit - 1].link_id if len(found) > limit else None)


@post("/v1/links/{link_id:str}/revoke", status_code=200, guards=[Needs("read")], tags=["links"])
async def revoke_link(request: Call, link_id: LinkName) -> LinkSeen:
    """End a link at once.

    By a key that could have made it. Ending it again changes nothing.
    """
    key = request.auth
    pages = frozenset(name for name, page in PAGES.items() if key.opens(page.scope))
    work = Work(key.program_id, end)
    seen: LinkSeen = await one(service_of(request), "record", work, Ending(link_id, key.audience, pages))
    return seen


HANDLERS = (make_link, list_links, revoke_link)
