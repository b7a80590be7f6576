"""`/v1/plans`: a week of the health workers' visits, and what becomes of it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, NamedTuple, cast

import msgspec
from litestar import get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from engagement.actions.action import Id
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import DECISION, PAGE, After, Limit, behind
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, each, one, service_of
from engagement.api.terms import KEYED, TRIED, act, by_of, in_parts
from engagement.errors import Mistake, Unavailable
from engagement.signals.signal import Audience
from engagement.store import plans
from engagement.store.kept import Kept
from engagement.workflows.plan import PlanAsk
from engagement.workflows.plan_life import Sharing, Swap, Swapping, share_out, swap
from engagement.workflows.plan_told import PlanListed, PlanSeen, listed, may_read, plan_seen

PlanName = Annotated[str, PathParameter(pattern=DECISION.pattern, description="A plan's `plan_id`")]
OfStrategy = Annotated[
    str, QueryParameter(pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Only of this strategy")
]
OfPool = Annotated[
    str, QueryParameter(pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Only of this catchment")
]
OfPeriod = Annotated[
    str, QueryParameter(pattern=r"^([0-9]{4}-W[0-9]{2})?(?!\n)$", description="Only of this week")
]

OfWorker = Annotated[
    str,
    QueryParameter(
        pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$",
        description="Only those in which this health worker was ever given a visit",
    ),
]


class PoolPlanned(msgspec.Struct, frozen=True, omit_defaults=True):
    """The plan of one pool, or the problem with it."""

    pool: Id
    plan: PlanSeen | None = None
    problem: Problem | None = None


class Planned(msgspec.Struct, frozen=True):
    """The plan of every pool that was asked for, in order of pool.

    without_catchment : units that are in no plan because their group is linked to no catchment
    """

    items: list[PoolPlanned]
    without_catchment: int


class Plans(msgspec.Struct, frozen=True):
    """Plans in short, the oldest first. next : go on behind it; null when this is all."""

    items: tuple[PlanListed, ...]
    next: str | None


class Wanted(NamedTuple):
    """A plan, for a reader."""

    plan_id: str
    audience: Audience


class Page(NamedTuple):
    """Which plans; "" stands for any."""

    strategy: str
    pool: str
    period: str
    health_worker: str
    after: str
    limit: int


@post("/v1/plans", status_code=200, guards=[Needs("recommend")], tags=["plans"], **KEYED)
async def plan_visits(request: Call, data: JSONBody[PlanAsk]) -> Planned:
    """Plan a week of the health workers' visits.

    Every unit of a catchment, a group or a member, gets a decision, a visit or none, with its chance. A pool
    that has its plan already keeps it, whoever asks; one that cannot be planned gets its own problem.
    """
    may_read(request.auth.audience)
    return cast("Planned", await in_parts(request, lambda: _planned(request, data)))


async def _planned(request: Call, data: PlanAsk) -> Planned:
    service, key = service_of(request), request.auth
    try:
        made = await asyncio.to_thread(service.plan, key.program_id, data, by_of(request))
    except OperationalError as error:
        raise Unavailable(Unavailable.title()) from error
    work = Work(key.program_id, plans_seen)
    wanted = [Wanted(row.plan_id, key.audience) for row in made.pools if row.plan_id is not None]
    told = iter(await service.desk.ask("read", work, wanted)) if wanted else iter(())
    return Planned(
        [
            PoolPlanned(row.pool, problem=problem_of(row.mistake))
            if row.mistake is not None
            else PoolPlanned(row.pool, plan=next(told))
            for row in made.pools
        ],
        made.nowhere,
    )


@get("/v1/plans", guards=[Needs("read")], tags=["plans"])
async def list_plans(
    request: Call,
    strategy: OfStrategy = "",
    pool: OfPool = "",
    period: OfPeriod = "",
    health_worker: OfWorker = "",
    after: After = "",
    limit: Limit = PAGE,
) -> Plans:
    """List the plans of weeks.

    The oldest first: of one strategy, one catchment, one week or one health worker.
    """
    may_read(request.auth.audience)
    work = Work(request.auth.program_id, pages)
    page = Page(strategy, pool, period, health_worker, behind(after, "a plan"), limit)
    found: Plans = await one(service_of(request), "read", work, page)
    return found


@get("/v1/plans/{plan_id:str}", guards=[Needs("read")], tags=["plans"])
async def tell_plan(request: Call, plan_id: PlanName) -> PlanSeen:
    """Tell a plan and what became of it.

    Each unit's place in line and why, its chance, who goes and what became of it, and for staff the load
    of each health worker.
    """
    work = Work(request.auth.program_id, plans_seen)
    found: PlanSeen = await one(service_of(request), "read", work, Wanted(plan_id, request.auth.audience))
    return found


@post("/v1/plans/{plan_id:str}/swap", status_code=200, guards=[Needs("recommend")], tags=["plans"], **TRIED)
async def swap_visits(request: Call, plan_id: PlanName, data: JSONBody[Swap]) -> PlanSeen:
    """Let two health workers exchange their visits.

    Both must be able to go where the other went. No decision and no chance changes.
    """
    may_read(request.auth.audience)
    return cast("PlanSeen", await act(request, swap, Swapping(plan_id, data, request.auth.audience)))


@post("/v1/plans/{plan_id:str}/share", status_code=200, guards=[Needs("recommend")], tags=["plans"], **TRIED)
async def share_visits(request: Call, plan_id: PlanName) -> PlanSeen:
    """Share the visits of a plan out anew.

    After a change of hours, leave or links. Nobody is drawn anew, and whoever can still make a visit keeps
    it, the accepted first; the others go to whoever has time left.
    """
    may_read(request.auth.audience)
    return cast("PlanSeen", await act(request, share_out, Sharing(plan_id, request.auth.audience)))


def plans_seen(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Wanted], now_ms: int
) -> list[PlanSeen | Mistake]:
    """Each plan, as far as its reader may see it."""
    return each(lambda one: plan_seen(conn, kept, program_id, one.plan_id, one.audience, now_ms), wanted)


def pages(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[Page], _now_ms: int
) -> list[Plans]:
    """A page of plans for each wish."""
    return [_page(conn, program_id, wish) for wish in wanted]


def _page(conn: Connection, program_id: str, wish: Page) -> Plans:
    found = plans.page(
        conn,
        program_id,
        wish.after,
        wish.limit + 1,
        strategy=wish.strategy or None,
        pool=wish.pool or None,
        period=wish.period or None,
        worker=wish.health_worker or None,
    )
    following = found[wish.limit - 1].plan_id if len(found) > wish.limit else None
    return Plans(tuple(map(listed, found[: wish.limit])), following)


HANDLERS = (plan_visits, list_plans, tell_plan, swap_visits, share_visits)
