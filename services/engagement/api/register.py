"""`/v1/register`: the paper register of a group's meetings, as CSV or as a workbook."""

from collections.abc import Sequence
from functools import partial
from typing import cast

from litestar import post
from sqlalchemy import Connection

from engagement.api.bodies import SHEETS, WORKBOOK, as_wanted, sheet_of
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.service import Call, each, one, service_of
from engagement.api.terms import TRIED, by_of, in_parts, is_dry_run
from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.workflows.acted import Deed, acted
from engagement.workflows.import_register import (
    Part,
    Plan,
    RegisterReport,
    cuts,
    part,
    plan_register,
    record,
    report,
)
from engagement.workflows.rehearse import rehearse
from engagement.workflows.sheet import Sheet


@post(
    "/v1/register",
    status_code=200,
    guards=[Needs("signals")],
    tags=["signals"],
    takes=SHEETS,
    gives_too=(WORKBOOK,),
    **TRIED,
)
async def import_register_sheet(request: Call) -> RegisterReport:
    """Import a meeting register: the body is a CSV text or a workbook.

    One line a seat and meeting, or one line a meeting; the first line tells which. Says cell by cell what
    was refused and why; a bad line or seat harms no other. To whoever accepts a workbook it comes back with
    the wrong cells marked. It is stored in parts: after a failure midway send it again, and what is stored
    already stays as it is.
    """
    sheet = await sheet_of(request)
    made = cast("RegisterReport", await in_parts(request, lambda: _imported(request, sheet)))
    return await as_wanted(request, made, sheet)


async def _imported(request: Call, sheet: Sheet) -> RegisterReport:
    service = service_of(request)
    program_id, tried = request.auth.program_id, is_dry_run(request)
    plan: Plan = await one(service, "read", Work(program_id, plans), sheet)
    work = partial(rehearse, acted) if tried else partial(acted)  # shared with nobody: a cut is many reports
    parts: list[Part] = []
    for cut in cuts(plan):
        answers = await one(service, "record", Work(program_id, work), Deed(by_of(request), record, cut))
        parts.append(part(cut, answers))
        if tried:
            continue
        service.metrics.signals.labels("stored").inc(parts[-1].signals)
        service.metrics.signals.labels("refused").inc(len(parts[-1].refused))
    return report(plan, parts)


def plans(
    conn: Connection, kept: Kept, program_id: str, sheets: Sequence[Sheet], now_ms: int
) -> list[Plan | Mistake]:
    """Reads registers, each with all that is wrong with it."""
    return each(lambda sheet: plan_register(conn, kept, program_id, sheet, now_ms), sheets)
