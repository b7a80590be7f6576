"""`/v1/exports`: today's roster, and a register to fill in, as workbooks and as CSV.

What is downloaded can be sent back: unchanged, it changes nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from sqlalchemy import Connection

from engagement.api.bodies import WORKBOOK
from engagement.api.desk import Work, Workflow
from engagement.api.guards import Needs
from engagement.api.parameters import InGroup
from engagement.api.service import Call, each, one, service_of
from engagement.api.terms import by_of
from engagement.errors import Forbidden, Mistake
from engagement.signals.signal import may_see
from engagement.store.kept import Kept
from engagement.workflows.acted import Deed, acted, noted
from engagement.workflows.export import RegisterWanted, RosterWanted, register_sheet, roster_sheet
from engagement.workflows.register import Layout
from engagement.workflows.sheet_written import Filled, as_csv, as_workbook

TAGS = ("exports",)
FORMATS: tuple[tuple[str, str, str, Callable[[Filled], bytes]], ...] = (
    ("xlsx", WORKBOOK, "a workbook", as_workbook),
    ("csv", "text/csv", "CSV", as_csv),
)
AtSite = Annotated[
    str, QueryParameter(name="site", pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Only this site")
]
InMonth = Annotated[
    str,
    QueryParameter(
        name="month",
        pattern=r"^(2\d{3}-(0[1-9]|1[0-2]))?(?!\n)$",
        description="The month, such as 2026-03; the present one when absent",
    ),
]
InLayout = Annotated[
    Layout, QueryParameter(name="layout", description="One line a seat and meeting, or one line a meeting")
]


def _roster(ending: str, media_type: str, words: str, written: Callable[[Filled], bytes]) -> HTTPRouteHandler:
    @get(
        f"/v1/exports/roster.{ending}",
        guards=[Needs("read")],
        tags=TAGS,
        media_type=media_type,
        may_miss=True,
        operation_id=f"export_roster_{ending}",
        description=f"Download today's roster as {words}.\n\nFor health workers and staff. Sent back "
        "unchanged, it changes nothing. At most 1,000 lines: of a larger program ask site by site.",
    )
    async def handler(request: Call, site: AtSite = "", group: InGroup = "") -> Response[bytes]:
        if not may_see(request.auth.audience, "health_worker"):
            raise Forbidden("a roster holds what is known of members, which is for health workers and staff")
        wanted = RosterWanted(site, group, request.auth.audience)
        return await _sent(request, rosters, wanted, f"roster.{ending}", media_type, written)

    return handler


def _register(
    ending: str, media_type: str, words: str, written: Callable[[Filled], bytes]
) -> HTTPRouteHandler:
    @get(
        f"/v1/exports/register.{ending}",
        guards=[Needs("read")],
        tags=TAGS,
        media_type=media_type,
        may_miss=True,
        operation_id=f"export_register_{ending}",
        description=f"Download a month's register to fill in, as {words}.\n\nWith groups, seats and the days "
        "on which meetings are expected. What is left empty says nothing.",
    )
    async def handler(
        request: Call,
        site: AtSite = "",
        group: InGroup = "",
        month: InMonth = "",
        layout: InLayout = "seat",
    ) -> Response[bytes]:
        wanted = RegisterWanted(site, group, date.fromisoformat(f"{month}-01") if month else None, layout)
        return await _sent(request, registers, wanted, f"register.{ending}", media_type, written)

    return handler


async def _sent(
    request: Call,
    workflow: Workflow,
    wanted: Any,
    name: str,
    media_type: str,
    written: Callable[[Filled], bytes],
) -> Response[bytes]:
    """A sheet as a file, once it is kept who asked for it; written away from the loop and the lanes."""
    service, program_id = service_of(request), request.auth.program_id
    filled: Filled = await one(service, "read", Work(program_id, workflow), wanted)
    await one(service, "record", Work(program_id, acted), Deed(by_of(request), noted, ["exported"]))
    content = await asyncio.to_thread(written, filled)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def rosters(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[RosterWanted], now_ms: int
) -> list[Filled | Mistake]:
    """Today's roster for each wish."""
    return each(lambda wish: roster_sheet(conn, kept, program_id, wish, now_ms), wanted)


def registers(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[RegisterWanted], now_ms: int
) -> list[Filled | Mistake]:
    """A register to fill in for each wish."""
    return each(lambda wish: register_sheet(conn, kept, program_id, wish, now_ms), wanted)


HANDLERS = tuple(make(*how) for how in FORMATS for make in (_roster, _register))
