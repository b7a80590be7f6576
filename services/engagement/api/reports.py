"""`/v1/reports`: what a trial found, what actions did, why groups fade, and how far to trust the data.

A report is stored as it is asked for and answered at once with where to look; its figures are computed
beside the lanes, and then stay as they are.
"""

from litestar import MediaType, Response, get, post
from litestar.params import JSONBody

from engagement.api.accepted import accepted
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import PAGE, After, Limit, Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, change
from engagement.errors import Forbidden
from engagement.signals.signal import may_see
from engagement.workflows.asked import Wish
from engagement.workflows.reports import (
    ReportAsk,
    ReportPage,
    ReportTold,
    ask_reports,
    list_reports,
    tell_pages,
    tell_reports,
)

TAGS = ("reports",)
LOOK_AGAIN_S = 5
WAITING = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="{LOOK_AGAIN_S}"><title>Report</title></head>
<body><p>This report is being computed. It will be here in some seconds.</p></body>
</html>
"""


@post("/v1/reports", status_code=202, guards=[Needs("research")], tags=TAGS, **TRIED)
async def ask_report(request: Call, data: JSONBody[ReportAsk]) -> Response[ReportTold]:
    """Ask for a report of the program.

    Until now or until a day: what a trial found and what it cost, what the actions of every strategy did, why
    groups fade, how far the data can be trusted. Answered at once with where to look, as `Location`; the
    figures are there some seconds later, as JSON and as a page.
    """
    _for_staff(request)
    told = await change(request, ask_reports, data)
    return accepted(request, told, service_of(request).reporter, LOOK_AGAIN_S)


@get("/v1/reports", guards=[Needs("research")], tags=TAGS)
async def show_reports(request: Call, after: After = "", limit: Limit = PAGE) -> ReportPage:
    """List reports in order of id, without their figures."""
    _for_staff(request)
    work = Work(request.auth.program_id, list_reports)
    found: ReportPage = await one(service_of(request), "read", work, Wish(after, limit))
    return found


@get("/v1/reports/{name:str}", guards=[Needs("research")], tags=TAGS)
async def tell_report(request: Call, name: Name) -> ReportTold:
    """Tell a report as far as it has come.

    While its state is `asked`, look again in some seconds.
    """
    _for_staff(request)
    work = Work(request.auth.program_id, tell_reports)
    found: ReportTold = await one(service_of(request), "read", work, name)
    if found.state == "asked":
        service_of(request).reporter.want(request.auth.program_id, name)
    return found


@get("/v1/reports/{name:str}/page", guards=[Needs("research")], tags=TAGS, media_type=MediaType.HTML)
async def show_report(request: Call, name: Name) -> Response[str]:
    """Show a report as one page that needs nothing else: to read, to send, to print.

    While it is computed the page says so, and shows it when it is there; the answer then has `Retry-After`.
    """
    _for_staff(request)
    work = Work(request.auth.program_id, tell_pages)
    found: bytes = await one(service_of(request), "read", work, name)
    if found:
        return Response(found.decode(), media_type=MediaType.HTML)
    service_of(request).reporter.want(request.auth.program_id, name)
    headers = {"Retry-After": str(LOOK_AGAIN_S)}
    return Response(WAITING, media_type=MediaType.HTML, headers=headers)


def _for_staff(request: Call) -> None:
    if not may_see(request.auth.audience, "staff"):
        raise Forbidden("a report tells of barriers, and of how arms compare, which is for staff")


HANDLERS = (ask_report, show_reports, tell_report, show_report)
