"""`/v1/groups/{id}/brief` and `/v1/groups/{id}/month`: what an adviser takes there and brings back."""

from typing import Annotated, Literal, cast

from litestar import Response, get, post
from litestar.params import JSONBody, QueryParameter

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.pages.brief import brief_style, pages
from engagement.api.pages.page import Shown, drawn, style
from engagement.api.parameters import Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, change
from engagement.api.worklists import wished
from engagement.strategy.stratum import Phone
from engagement.workflows.brief import Brief, Look, briefs
from engagement.workflows.brief_sms import BriefSms, by_sms
from engagement.workflows.brief_voice import BriefVoice, by_voice
from engagement.workflows.month import Asked, MonthKept, tell_months
from engagement.workflows.month_told import Month

Format = Literal["json", "html", "sms", "voice"]


@get("/v1/groups/{group_id:str}/brief", guards=[Needs("read")], tags=["brief"], gives_too=("text/html",))
async def group_brief(
    request: Call,
    group_id: Name,
    form: Annotated[
        Format | None, QueryParameter(name="format", description="Goes before what `Accept` says")
    ] = None,
    language: Annotated[
        Literal["en", "hi", "te"] | None, QueryParameter(description="The group's own where absent")
    ] = None,
    phone: Annotated[
        Phone | None, QueryParameter(description="It goes to: the adviser's own where absent")
    ] = None,
) -> Brief | BriefSms | BriefVoice:
    """Tell what an adviser takes to the next meeting.

    When it is, whose goals to ask about, whom to welcome back, wins, a possible hour, what to try, who
    visits: as JSON, as a page to print (`text/html`), as an SMS of at most three parts, or as voice with a
    keypad's menu. It only reads, and holds no more than an adviser may see; on a shared phone nothing about
    a member.
    """
    service = service_of(request)
    kind = form or ("html" if wished(request.headers.get("accept", "")) == "html" else "json")
    careful = kind in ("sms", "voice")
    look = Look(group_id, request.auth.audience, language or "", phone, careful, service.simulated)
    if kind == "html":
        shown: Shown = await one(service, "read", Work(request.auth.program_id, pages), look)
        page = Response(_drawn(shown, simulated=service.simulated), media_type="text/html")
        return cast("Brief", page)  # the framework sends either
    found: Brief = await one(service, "read", Work(request.auth.program_id, briefs), look)
    return by_sms(found) if kind == "sms" else by_voice(found) if kind == "voice" else found


@post("/v1/groups/{group_id:str}/month", status_code=200, guards=[Needs("signals")], tags=["brief"], **TRIED)
async def group_month(request: Call, group_id: Name, data: JSONBody[Month]) -> MonthKept:
    """Tell a group's month.

    As typed on a phone, `{"text": "1 | 1 3 4 6 8 | 3 6"}` (held | seats that came | seats that met their
    goal), or in full. Told twice, late or in another way it is one meeting. A wrong seat refuses nothing
    else; `reply` is one line to send back.
    """
    return cast("MonthKept", await change(request, tell_months, Asked(group_id, data)))


def _drawn(shown: Shown, *, simulated: bool) -> str:
    """A page that stands alone, for who has a key and no link."""
    return drawn(
        shown.template,
        shown.language,
        shown.program.time_zone,
        page=shown.content,
        program=shown.program,
        ends=None,
        style=style() + brief_style(),
        trouble="",
        simulated=simulated,
    )


HANDLERS = (group_brief, group_month)
