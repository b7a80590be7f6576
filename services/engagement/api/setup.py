"""The set-up over HTTP: one way to read, list and change every noun of it.

`PUT` stores a revision when something differs and answers what is there. Things are never deleted:
they are ended, retired or paused.
"""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.actions.catalogue import AnyAction
from engagement.api.desk import Work
from engagement.api.guards import needs
from engagement.api.service import Call, one, service_of
from engagement.errors import EngagementError, Invalid, NotFound
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Budget, Group, Member, Membership, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.workflows.revise import revise
from engagement.workflows.roster import RosterReport, import_roster
from engagement.workflows.seat import Seating, seat

T = TypeVar("T")
PAGE = 100
After = Annotated[str, QueryParameter(description="the id to go on behind: `next` of the page before")]
Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="how many at most")]


class Thing(msgspec.Struct, Generic[T], frozen=True):
    """Something of the set-up as it stands, and the number of its newest revision."""

    revision: int
    value: T


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list in order of id; `next` is null at the end."""

    items: list[Thing[T]]
    next: str | None


async def _get(request: Request[Any, Any, Any], noun: str, name: str) -> Thing[Any]:
    service = service_of(request)

    def read(conn: Connection, _kept: Kept, program_id: str, names: Any, _now: int) -> list[Any]:
        found = setup.newest(conn, program_id, noun, names)
        return [found.get(one) or NotFound(f"there is no {noun} `{one}` in this program") for one in names]

    found: Revised = await one(service, "read", Work(request.auth.program_id, read), name)
    return Thing(found.revision, found.thing)


async def _list(request: Request[Any, Any, Any], noun: str, after: str, limit: int) -> Page[Any]:
    service = service_of(request)

    def read(conn: Connection, _kept: Kept, program_id: str, cursors: Any, _now: int) -> list[Any]:
        return [setup.page(conn, program_id, noun, cursor, count) for cursor, count in cursors]

    found: list[Revised] = await one(service, "read", Work(request.auth.program_id, read), (after, limit))
    items: list[Thing[Any]] = [Thing(row.revision, row.thing) for row in found]
    return Page(items, found[-1].thing.id if len(found) == limit else None)


async def _put(request: Request[Any, Any, Any], name: str, thing: Any) -> Thing[Any]:
    if thing.id != name:
        raise Invalid(f"the address says `{name}`, the body's `id` says `{thing.id}`")
    service = service_of(request)
    work = Work(request.auth.program_id, revise)
    stored: Revised = await one(service, "record", work, thing)
    return Thing(stored.revision, stored.thing)


class Programs(Controller):
    """`/v1/program`: the program that the key belongs to."""

    path = "/v1/program"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def read(self, request: Call) -> Thing[Program]:
        """The program as it stands."""
        return await _get(request, "program", "program")

    @put(guards=[needs("admin")])
    async def change(self, request: Call, data: JSONBody[Program]) -> Thing[Program]:
        """Changes the program; `stopped` switches every recommendation off with the next request."""
        return await _put(request, "program", data)


class Sites(Controller):
    """`/v1/sites`."""

    path = "/v1/sites"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[Site]:
        """Sites in order of id."""
        return await _list(request, "site", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[Site]:
        """One site as it stands."""
        return await _get(request, "site", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[Site]) -> Thing[Site]:
        """Creates or changes a site. A new `ends_on` changes phases from now on and no stored decision."""
        return await _put(request, name, data)


class Groups(Controller):
    """`/v1/groups`."""

    path = "/v1/groups"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[Group]:
        """Groups in order of id."""
        return await _list(request, "group", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[Group]:
        """One group as it stands."""
        return await _get(request, "group", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[Group]) -> Thing[Group]:
        """Creates or changes a group."""
        return await _put(request, name, data)


class Members(Controller):
    """`/v1/members`. Ids are pseudonyms; no name, number or address is accepted."""

    path = "/v1/members"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[Member]:
        """Members in order of id."""
        return await _list(request, "member", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[Member]:
        """One member as it stands."""
        return await _get(request, "member", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[Member]) -> Thing[Member]:
        """Creates or changes a member; consent withdrawn here has effect with the next request."""
        return await _put(request, name, data)

    @post("/{name:str}/memberships", status_code=200, guards=[needs("admin")])
    async def join(self, request: Call, name: FromPath[Id], data: JSONBody[Membership]) -> Seating:
        """Seats a member in a group from a day on, or in none; moving is a second membership."""
        if data.member != name:
            raise Invalid(f"the address says `{name}`, the body's `member` says `{data.member}`")
        service = service_of(request)
        work = Work(request.auth.program_id, seat)
        seated: Seating = await one(service, "record", work, data)
        return seated


class Actions(Controller):
    """`/v1/actions`."""

    path = "/v1/actions"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[AnyAction]:
        """Actions in order of id."""
        return await _list(request, "action", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[AnyAction]:
        """One action as it stands."""
        return await _get(request, "action", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[AnyAction]) -> Thing[AnyAction]:
        """Creates or changes an action: wording, cost, payer, limits, or `retired`."""
        return await _put(request, name, data)


class Strategies(Controller):
    """`/v1/strategies`."""

    path = "/v1/strategies"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[Strategy]:
        """Strategies in order of id."""
        return await _list(request, "strategy", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[Strategy]:
        """One strategy as it stands."""
        return await _get(request, "strategy", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[Strategy]) -> Thing[Strategy]:
        """Creates a strategy, or changes what does not define what it has learned."""
        return await _put(request, name, data)


class Budgets(Controller):
    """`/v1/budgets`, one a payer."""

    path = "/v1/budgets"
    tags = ("set-up",)

    @get(guards=[needs("read")])
    async def index(
        self, request: Call, after: FromQuery[After] = "", limit: FromQuery[Limit] = PAGE
    ) -> Page[Budget]:
        """Budgets in order of payer."""
        return await _list(request, "budget", after, limit)

    @get("/{name:str}", guards=[needs("read")])
    async def read(self, request: Call, name: FromPath[Id]) -> Thing[Budget]:
        """One payer's budget as it stands."""
        return await _get(request, "budget", name)

    @put("/{name:str}", guards=[needs("admin")])
    async def change(self, request: Call, name: FromPath[Id], data: JSONBody[Budget]) -> Thing[Budget]:
        """Sets a payer's budget a period; what is reserved or spent already counts against it."""
        return await _put(request, name, data)


@post("/v1/imports/roster", status_code=200, guards=[needs("admin")], tags=["set-up"])
async def import_roster_csv(request: Call) -> RosterReport:
    """Imports a roster: the CSV text is the body. Says line by line what was refused and why."""
    body = await request.body()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("the roster must be CSV text in UTF-8") from None
    service = service_of(request)

    def run(conn: Connection, kept: Kept, program_id: str, texts: Any, now_ms: int) -> list[Any]:
        out: list[Any] = []
        for content in texts:
            try:
                out.append(import_roster(conn, kept, program_id, content, now_ms))
            except EngagementError as flaw:
                out.append(flaw)
        return out

    report: RosterReport = await one(service, "record", Work(request.auth.program_id, run), text)
    return report


@get("/v1/groups/{name:str}/members", guards=[needs("read")], tags=["set-up"])
async def group_members(request: Call, name: FromPath[Id]) -> list[Seating]:
    """Who sits in a group today, by seat."""
    service = service_of(request)

    def read(conn: Connection, kept: Kept, program_id: str, names: Any, now_ms: int) -> list[Any]:
        revision = setup.catalogue_revision(conn, program_id)
        zone = setup.catalogue(conn, kept, program_id, revision).program.time_zone
        today = local_date(now_ms, zone)
        return [
            [
                Seating(row.member, row.group, row.seat, row.role, row.starts_on, changed=False)
                for row in setup.members_of_group(conn, program_id, group, today)
            ]
            for group in names
        ]

    found: list[Seating] = await one(service, "read", Work(request.auth.program_id, read), name)
    return found


HANDLERS = (Programs, Sites, Groups, Members, Actions, Strategies, Budgets, import_roster_csv, group_members)
