"""Health, metrics, folding on request, and the simulated clock."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.params import JSONBody
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.service import Call, service_of
from engagement.api.terms import KEYED, in_parts
from engagement.clock import SimulatedClock
from engagement.errors import EngagementError, Unavailable
from engagement.signals.tally import DAY_MS
from engagement.store.kept import Kept
from engagement.store.wall import NOBODY
from engagement.workflows.ingest import milliseconds
from engagement.workflows.tell import moment

READY_S = 1.0


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


class Time(msgspec.Struct, frozen=True):
    """A moment of the simulation."""

    now: Annotated[datetime, msgspec.Meta(tz=True)]


class Moved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which moment the clock shall be moved, or by how many days: give `now` or `days`."""

    now: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] | None = None

    def __post_init__(self) -> None:
        """Refuses both, and neither."""
        if (self.now is None) == (self.days is None):
            raise ValueError("give a moment or a number of days: `now` or `days`")


@get("/health/live", tags=["operations"])
async def live() -> Health:
    """Tell whether the process answers.

    It never looks at the database.
    """
    return Health("ok")


@get("/health/ready", tags=["operations"])
async def ready(request: Request[Any, Any, Any]) -> Health:
    """Tell whether requests can be served now.

    503 while the database does not answer.
    """
    desk = service_of(request).desk
    if desk.broken:
        raise Unavailable
    answer = (await desk.ask("read", Work(NOBODY, look), [None], deadline_s=READY_S))[0]
    if isinstance(answer, EngagementError):
        raise answer
    return Health("ok")


def look(conn: Connection, _kept: Kept, _program: str, items: Sequence[Any], _now_ms: int) -> list[int]:
    """1 for everybody, if the database answers."""
    return [conn.execute(text("SELECT 1")).scalar_one()] * len(items)


@get("/metrics", media_type=MediaType.TEXT, tags=["operations"])
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Read every metric of this process, in Prometheus's text format."""
    content = service_of(request).metrics.exposition()
    return Response(content, media_type="text/plain; version=0.0.4")


@get("/metrics/programs", media_type=MediaType.TEXT, tags=["operations"])
async def program_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Read the figures of every program, in Prometheus's text format.

    The same from whichever process answers: scrape one address, not every replica. Up to a minute old.
    """
    content = await asyncio.to_thread(service_of(request).exporter.exposition)
    return Response(content, media_type="text/plain; version=0.0.4")


@post("/v1/folds", status_code=200, guards=[Needs("admin")], tags=["operations"], **KEYED)
async def fold_now(request: Call) -> list[VersionMade]:
    """Fold every strategy now, instead of at the next round.

    Closes the decisions that are due first. Answers the versions this published, often none.
    """
    return cast("list[VersionMade]", await in_parts(request, lambda: _folded(request)))


async def _folded(request: Call) -> list[VersionMade]:
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


@get("/v1/clock", guards=[Needs("read")], tags=["simulation"])
async def read_clock(request: Call) -> Time:
    """Read the simulated time."""
    return Time(moment(service_of(request).clock.now_ms()))


@post("/v1/clock", status_code=200, guards=[Needs("admin")], tags=["simulation"], **KEYED)
async def move_clock(request: Call, data: JSONBody[Moved]) -> Time:
    """Move simulated time forward.

    To a moment, or by days. What is due is closed and learned with `/v1/folds`.
    """
    clock = cast("SimulatedClock", service_of(request).clock)

    async def move() -> Time:
        to_ms = clock.now_ms() + DAY_MS * (data.days or 0) if data.now is None else milliseconds(data.now)
        clock.move_to(to_ms)
        return Time(moment(clock.now_ms()))

    return cast("Time", await in_parts(request, move))
