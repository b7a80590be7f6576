"""Health, metrics, folding on request, and the simulated clock."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.params import JSONBody
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engagement.api.desk import Work
from engagement.api.guards import needs
from engagement.api.service import Call, service_of
from engagement.clock import SimulatedClock
from engagement.errors import Unavailable
from engagement.store.kept import Kept
from engagement.workflows.ingest import milliseconds
from engagement.workflows.tell import moment

NOBODY = "00000000-0000-0000-0000-000000000000"


class Health(msgspec.Struct, frozen=True):
    """`ok` when the process lives, or is ready to serve."""

    status: str


class VersionMade(msgspec.Struct, frozen=True):
    """One version that a round of folding published."""

    strategy: str
    version: int
    rows_in: int
    rows_out: int
    rows_missing: int


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A moment of the simulation."""

    now: Annotated[datetime, msgspec.Meta(tz=True)]


@get("/health/live", tags=["operations"])
async def live() -> Health:
    """Whether the process answers. It never looks at the database."""
    return Health("ok")


@get("/health/ready", tags=["operations"])
async def ready(request: Request[Any, Any, Any]) -> Health:
    """Whether requests can be served now: the database answers."""
    service = service_of(request)

    def look(conn: Connection, _kept: Kept, _program: str, items: Any, _now: int) -> list[int]:
        return [conn.execute(text("SELECT 1")).scalar_one() for _ in items]

    if service.desk.broken:
        raise Unavailable(Unavailable.title())
    await service.desk.ask("read", Work(NOBODY, look), [None], deadline_s=1.0)
    return Health("ok")


@get("/metrics", media_type=MediaType.TEXT, tags=["operations"])
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Every metric of this process in Prometheus's text format."""
    content = service_of(request).metrics.exposition()
    return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


@post("/v1/folds", status_code=200, guards=[needs("admin")], tags=["operations"])
async def fold_now(request: Call) -> list[VersionMade]:
    """Closes decisions that are due and folds every strategy now, instead of at the next round."""
    service = service_of(request)
    try:
        made = await asyncio.to_thread(service.fold, request.auth.program_id)
    except OperationalError as error:
        raise Unavailable(Unavailable.title()) from error
    return [
        VersionMade(
            row.strategy_id,
            row.header.version,
            row.header.rows_in,
            row.header.rows_out,
            row.header.rows_missing,
        )
        for row in made
    ]


@get("/v1/clock", guards=[needs("read")], tags=["simulation"])
async def read_clock(request: Call) -> Time:
    """The simulated time."""
    return Time(moment(service_of(request).clock.now_ms()))


@post("/v1/clock", status_code=200, guards=[needs("admin")], tags=["simulation"])
async def move_clock(request: Call, data: JSONBody[Time]) -> Time:
    """Moves simulated time forward."""
    clock = cast("SimulatedClock", service_of(request).clock)
    clock.move_to(milliseconds(data.now))
    return Time(moment(clock.now_ms()))
