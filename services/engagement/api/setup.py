"""The set-up over HTTP: one way to list, read and change every noun of it.

`PUT` stores a revision when something differs and answers what is there. Things are never deleted:
they are ended, retired or paused.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec
from litestar import Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.status_codes import HTTP_304_NOT_MODIFIED
from sqlalchemy import Connection

from engagement.actions.catalogue import AnyAction
from engagement.api.bodies import SHEETS, WORKBOOK, as_wanted, sheet_of
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import MOST_SEATS, PAGE, After, BehindSeat, Limit, Name, Seats, Wanted
from engagement.api.service import Call, each, one, service_of
from engagement.api.tags import condition_of, is_known, tag
from engagement.api.terms import TRIED, act
from engagement.errors import Forbidden, Invalid, Mistake, NotFound
from engagement.signals.signal import may_see
from engagement.signals.states import State
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import AnyNoun, Revised
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Budget, Group, HealthWorker, Member, Membership, Program, Site
from engagement.strategy.strategy import Strategy
from engagement.strategy.trial import Trial
from engagement.workflows.edit import Edit, edit
from engagement.workflows.roster import RosterReport, import_roster
from engagement.workflows.seat import Seating, seat
from engagement.workflows.sheet import Sheet
from engagement.workflows.states import CUT, Counts, GroupState, Looked, counted, look

T = TypeVar("T")
TAGS = ("set-up",)


class Thing(msgspec.Struct, Generic[T], frozen=True):
    """Something of the set-up as it stands, and the number of its newest revision."""

    revision: int
    value: T


class Numbered(msgspec.Struct, frozen=True):
    """Of an answer that was given before, what its tag is made of."""

    revision: int


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A part of a list in order of id; `next` is null at the end."""

    items: list[Thing[T]]
    next: str | None


@get("/v1/program", guards=[Needs("read")], tags=TAGS, tagged=True)
async def read_program(request: Call) -> Response[Thing[Program]]:
    """Read the program that the key belongs to."""
    return await _read(request, "program", "program")


@put("/v1/program", guards=[Needs("admin")], tags=TAGS, tagged=True, **TRIED)
async def change_program(request: Call, data: JSONBody[Program]) -> Response[Thing[Program]]:
    """Change the program.

    `stopped` switches every recommendation off with the next request, without a word of who did it and why;
    better is `/v1/program/stop`. Only `/v1/program/resume` switches them on again.
    """
    return await _change(request, "program", data)


def _resource(noun: str, plural: str, kind: Any, changing: str) -> tuple[HTTPRouteHandler, ...]:
    """List, read and change: the three handlers of a noun.

    kind : the noun's Struct, or the union of them; it becomes the type of bodies and answers
    changing : what a change has as its consequence, in plain words
    """
    article = "an" if noun[0] in "aeiou" else "a"
    words, many = noun.replace("_", " "), plural.replace("_", " ")

    @get(
        f"/v1/{plural}",
        guards=[Needs("read")],
        tags=TAGS,
        operation_id=f"list_{plural}",
        description=f"List {many} in order of id.",
    )
    async def index(request: Call, after: After = "", limit: Limit = PAGE) -> Page[kind]:
        return await _list(request, noun, after, limit)

    @get(
        f"/v1/{plural}/{{name:str}}",
        guards=[Needs("read")],
        tags=TAGS,
        operation_id=f"read_{noun}",
        description=f"Read one {words} as it stands.",
        tagged=True,
    )
    async def read(request: Call, name: Name) -> Response[Thing[kind]]:
        return await _read(request, noun, name)

    @put(
        f"/v1/{plural}/{{name:str}}",
        guards=[Needs("admin")],
        tags=TAGS,
        operation_id=f"change_{noun}",
        description=f"Create or change {article} {words}.\n\n{changing}",
        tagged=True,
        **TRIED,
    )
    async def store(request: Call, name: Name, data: JSONBody[kind]) -> Response[Thing[kind]]:
        return await _change(request, name, data)

    return index, read, store


async def _list(request: Call, noun: str, after: str, limit: int) -> Page[Any]:
    work = Work(request.auth.program_id, pages)
    found: list[Revised] = await one(service_of(request), "read", work, (noun, after, limit + 1))
    audience = request.auth.audience
    items: list[Thing[Any]] = [
        Thing(row.revision, _seen(request, row.thing))
        for row in found[:limit]
        if not isinstance(row.thing, Member) or row.thing.consent.reader(audience) == audience
    ]
    return Page(items, found[limit - 1].thing.id if len(found) > limit else None)


def pages(
    conn: Connection, _kept: Kept, program_id: str, cuts: Sequence[tuple[str, str, int]], _now_ms: int
) -> list[list[Revised]]:
    """Parts of lists. cuts : (noun, the id to go on behind, how many) each"""
    return [setup.page(conn, program_id, *cut) for cut in cuts]


async def _read(request: Call, noun: str, name: str) -> Response[Any]:
    work = Work(request.auth.program_id, things)
    found: Revised = await one(service_of(request), "read", work, (noun, name))
    thing = Thing(found.revision, _seen(request, found.thing))
    if is_known(request, found.revision):
        return Response(None, status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": tag(found.revision)})
    return _tagged(thing)


def _tagged(thing: Thing[Any] | msgspec.Raw) -> Response[Any]:
    """A thing as an answer, with the tag by which a change can say what it was made from."""
    numbered = thing if isinstance(thing, Thing) else msgspec.json.decode(thing, type=Numbered)
    return Response(thing, headers={"ETag": tag(numbered.revision)})


def _seen(request: Call, thing: AnyNoun) -> AnyNoun:
    """A thing as far as the key's reader may see it: what keeps a member away is not for neighbours."""
    if isinstance(thing, Member) and not may_see(
        thing.consent.reader(request.auth.audience), "health_worker"
    ):
        raise Forbidden(
            "what is known of a member is for staff, and for health workers where the member agreed to "
            "share it with them; ask for the group's members"
        )
    return thing


def things(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[tuple[str, str]], _now_ms: int
) -> list[Revised | Mistake]:
    """Things as they stand. wanted : (noun, id) each"""

    def newest(noun: str, name: str) -> Revised | Mistake:
        found = setup.newest(conn, program_id, noun, [name]).get(name)
        return found or NotFound(f"there is no {noun.replace('_', ' ')} `{name}` in this program")

    return [newest(*names) for names in wanted]


async def _change(request: Call, name: str, thing: Any) -> Response[Any]:
    if thing.id != name:
        raise Invalid(f"the address says `{name}`, the body's `id` says `{thing.id}`")
    wanted = Edit(thing, condition_of(request))
    answer = await act(request, edit, wanted, lambda stored: Thing(stored.revision, stored.thing))
    return _tagged(answer)


@post("/v1/members/{name:str}/memberships", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def seat_member(request: Call, name: Name, data: JSONBody[Membership]) -> Seating:
    """Seat a member in a group from a day on, or in none.

    Moving is a second membership. What is so already changes nothing.
    """
    if data.member != name:
        raise Invalid(f"the address says `{name}`, the body's `member` says `{data.member}`")
    return cast("Seating", await act(request, seat, data))


class GroupSeen(msgspec.Struct, frozen=True):
    """A group of a list, and how it stands if that was asked for."""

    revision: int
    value: Group
    standing: GroupState | msgspec.UnsetType = msgspec.UNSET


class Groups(msgspec.Struct, frozen=True):
    """A part of the list of groups in order of id; `next` is null at the end.

    counts : by state, of all groups that were looked at for this part
    """

    items: list[GroupSeen]
    next: str | None
    counts: Counts | msgspec.UnsetType = msgspec.UNSET


@get("/v1/groups", guards=[Needs("read")], tags=TAGS)
async def list_groups(request: Call, after: After = "", limit: Limit = PAGE, wanted: Wanted = None) -> Groups:
    """List groups in order of id.

    With `state`, those in that state today, with how they stand: `limit` groups are looked at, and a part
    may hold fewer, or none, and still have a `next`. `state=silent` is the list of groups to ask after.
    """
    if wanted is None:
        plain: Page[Group] = await _list(request, "group", after, limit)
        return Groups([GroupSeen(row.revision, row.value) for row in plain.items], plain.next)
    seen: Counter[State] = Counter()
    items: list[GroupSeen] = []
    following: str | None = after
    work = Work(request.auth.program_id, looks)
    for start in range(0, limit, CUT):  # a cut at a time, so that nobody else on the lane waits long
        cut = (following, min(CUT, limit - start), wanted)
        looked: Looked = await one(service_of(request), "read", work, cut)
        items += [GroupSeen(row.revision, row.thing, state) for row, state in looked.found]  # type: ignore[arg-type]  # a list of groups
        seen += looked.seen
        following = looked.next
        if following is None:
            break
    return Groups(items, following, counted(seen))


def looks(
    conn: Connection, kept: Kept, program_id: str, cuts: Sequence[tuple[str, int, Any]], now_ms: int
) -> list[Looked]:
    """Parts of the list of groups with their states. cuts : (the id to go on behind, how many, state) each"""
    return [look(conn, kept, program_id, *cut, now_ms) for cut in cuts]


@get("/v1/groups/{name:str}/members", guards=[Needs("read")], tags=TAGS)
async def list_members_of_group(
    request: Call, name: Name, after: BehindSeat = 0, limit: Seats = MOST_SEATS
) -> list[Seating]:
    """List who sits in a group today, by seat.

    Of a large community part by part: with `limit`, and `after` the last seat of the part before.
    """
    work = Work(request.auth.program_id, seatings)
    found: list[Seating] = await one(service_of(request), "read", work, (name, after, limit))
    return found


def seatings(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[tuple[str, int, int]], now_ms: int
) -> list[list[Seating] | Mistake]:
    """Who sits in groups today. wanted : (group, the seat to go on behind, how many) each"""
    revision = setup.catalogue_revision(conn, program_id)
    today = local_date(now_ms, setup.catalogue(conn, kept, program_id, revision).program.time_zone)

    def of(one: tuple[str, int, int]) -> list[Seating]:
        group, after, limit = one
        if not setup.newest(conn, program_id, "group", [group]):
            raise NotFound(f"there is no group `{group}` in this program")
        return [
            Seating(row.member, row.group, row.seat, row.role, row.starts_on, changed=False)
            for row in setup.members_of_group(conn, program_id, group, today)
            if (row.seat or 0) > after
        ][:limit]

    return each(of, wanted)


@post(
    "/v1/imports/roster",
    status_code=200,
    guards=[Needs("admin")],
    tags=TAGS,
    takes=SHEETS,
    gives_too=(WORKBOOK,),
    **TRIED,
)
async def import_roster_sheet(request: Call) -> RosterReport:
    """Import a roster: the body is a CSV text or a workbook.

    Says cell by cell what was refused and why; a bad line harms no other. To whoever accepts a workbook it
    comes back with the wrong cells marked.
    """
    sheet = await sheet_of(request)
    return await as_wanted(request, cast("RosterReport", await act(request, rosters, sheet)), sheet)


def rosters(
    conn: Connection, kept: Kept, program_id: str, sheets: Sequence[Sheet], now_ms: int
) -> list[RosterReport]:
    """Imports each. One that cannot be read at all is raised, so that nothing of it is stored."""
    return [import_roster(conn, kept, program_id, sheet, now_ms) for sheet in sheets]


HANDLERS = (
    read_program,
    change_program,
    *_resource("site", "sites", Site, "A new `ends_on` changes phases from now on and no stored decision."),
    list_groups,
    *_resource("group", "groups", Group, "`ended` keeps the record and recommends nothing more.")[1:],
    list_members_of_group,
    *_resource(
        "member",
        "members",
        Member,
        "Consent withdrawn has effect with the next request. The id is a pseudonym: no name, no number.",
    ),
    seat_member,
    *_resource(
        "health_worker",
        "health_workers",
        HealthWorker,
        "Her time for groups, her languages and leave. The id is a pseudonym: no name, no number.",
    ),
    *_resource("action", "actions", AnyAction, "Its wording, cost, payer and limits, or `retired`."),
    *_resource(
        "strategy", "strategies", Strategy, "What defines what it has learned cannot change under its id."
    ),
    *_resource(
        "trial",
        "trials",
        Trial,
        "What is compared and what is drawn. The first assignment freezes the design; from then on the "
        "protocol changes by amendments alone. `ended` gives its groups back to the defaults.",
    ),
    *_resource(
        "budget",
        "budgets",
        Budget,
        "Its id is the payer. What is reserved or spent already counts against it.",
    ),
    import_roster_sheet,
)
