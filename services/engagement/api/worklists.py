"""`/v1/worklists/{carrier}`: what a carrier does now, as data, a table, a page to print, or plain words."""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import Annotated, Literal, NamedTuple, cast

import msgspec
from litestar import Response, get
from litestar.params import PathParameter, QueryParameter
from sqlalchemy import Connection

from engagement.actions.content import BRACES
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.pages.page import drawn, spoken, style
from engagement.api.parameters import PAGE, After, Limit, behind
from engagement.api.service import Call, Service, one, service_of
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.setup import Program
from engagement.workflows.week_care import Care, cares
from engagement.workflows.week_list import WeekWanted, cuts, looked_at, silent_groups, week_lists
from engagement.workflows.week_sums import WeekList, for_phone
from engagement.workflows.week_tasks import Check, Task

Format = Literal["json", "csv", "html", "text"]
MEDIA: Mapping[str, Format] = {
    "application/json": "json",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "text",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would carry out. The quotation mark in front of it makes it words."""
CarrierName = Annotated[
    str,
    PathParameter(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?!\n)$",
        description="A kind of carrier, a health worker's id, or the id of a group's adviser or deputy",
    ),
]


class WeekPage(msgspec.Struct, frozen=True):
    """A list as a page shows it. answerable : with buttons, for whoever opened a link"""

    week: WeekList
    answerable: bool

    def last_day(self, task: Task) -> datetime:
        """The last moment at which a task is not too late: what ends at midnight is due the day before."""
        return task.due_at - timedelta(milliseconds=1)

    def wording(self, task: Task) -> str:
        """What a task's carrier may say, with the seat filled in and a gap for what only they know."""
        text = "" if task.action is None or task.action.text is None else task.action.text
        known = {} if task.seat is None else {"seat": str(task.seat)}
        return BRACES.sub(lambda found: known.get(found[1], "…"), text)


@get("/v1/worklists/{carrier:str}", guards=[Needs("read")], tags=["decisions"], gives_too=tuple(MEDIA)[1:])
async def work_list(
    request: Call,
    carrier: CarrierName,
    form: Annotated[
        Format | None, QueryParameter(name="format", description="Goes before what `Accept` says")
    ] = None,
    language: Annotated[
        Literal["en", "hi", "te"] | None,
        QueryParameter(description="Of words for the carrier, where they are written in it"),
    ] = None,
    after: After = "",
    limit: Limit = PAGE,
) -> WeekList:
    """Tell what a carrier does now, in order of when it is due.

    Suggestions and visits with the minutes they take, groups to ask after, safety cases to answer; then what
    was answered in the last seven days. What exceeds the time there is stands on it and says so. A list shows
    no more than its carrier may see, whoever asks; words for a chat say nothing of a member where others
    read the carrier's phone.
    """
    service, key = service_of(request), request.auth
    found = NOTHING_ELSE if after else await beside(service, key.program_id, carrier)
    wanted = WeekWanted(carrier, key.audience, language, behind(after), limit, *found)
    week: WeekList = await one(service, "read", Work(key.program_id, week_lists), wanted)
    wish = form or wished(request.headers.get("accept", ""))
    if wish == "json":
        return week
    if wish == "csv":
        return _as_text(table(week), "text/csv")
    program: Program = await one(service, "read", Work(key.program_id, programs), None)
    text = words(for_phone(week) if wish == "text" else week, wish, language, program, service.simulated)
    return _as_text(text, "text/html" if wish == "html" else "text/plain")


def _as_text(text: str, media_type: str) -> WeekList:
    """The answer in another form than the one that is described first."""
    return cast("WeekList", Response(text, media_type=media_type))  # the framework sends either


def programs(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[None], _now_ms: int
) -> list[Program]:
    """The program, for everybody who asks."""
    found = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    return [found] * len(asks)


class Beside(NamedTuple):
    """What a list has beside decisions, looked at in parts: groups to ask after, and advisers to see to."""

    silent: tuple[Check, ...] = ()
    cares: tuple[Care, ...] = ()


NOTHING_ELSE = Beside()


async def beside(service: Service, program_id: str, subject: str) -> Beside:
    """All of it for one list; advisers are for staff to see to."""
    names = await one(service, "read", Work(program_id, looked_at), subject)
    silent: list[Check] = []
    seen_to: list[Care] = []
    for part in cuts(names):
        silent += await one(service, "read", Work(program_id, silent_groups), part)
        if subject == "staff":
            seen_to += await one(service, "read", Work(program_id, cares), part)
    return Beside(tuple(silent), tuple(seen_to))


def wished(accept: str) -> Format:
    """The first of our media types that an `Accept` header likes best; JSON where it names none."""
    best, weight = "application/json", 0.0
    for part in accept.split(","):
        name, *rest = (piece.strip().lower() for piece in part.split(";"))
        quality = next((piece[2:] for piece in rest if piece.startswith("q=")), "1")
        try:
            liked = float(quality)
        except ValueError:
            continue
        if name in MEDIA and liked > weight:
            best, weight = name, liked
    return MEDIA[best]


def words(week: WeekList, form: Format, language: str | None, program: Program, simulated: bool) -> str:
    """The list as a page without buttons, or as plain words."""
    told = spoken(language, week.language, program.language)
    template = "worklist.html" if form == "html" else "worklist.txt"
    page = WeekPage(week, answerable=False)
    return drawn(
        template,
        told,
        program.time_zone,
        page=page,
        program=program,
        simulated=simulated,
        ends=None,
        trouble="",
        style=style(),
    )


class Line(NamedTuple):
    """A line of the table: its columns."""

    due_at: str
    about: str
    who: str
    group: str
    seat: str
    member: str
    what: str
    words: str
    minutes: str
    beyond_the_time: str
    status: str
    reason: str
    deliver_from: str
    decision_id: str


def table(week: WeekList) -> str:
    """The list as CSV that a spreadsheet opens as it is meant: a mark for UTF-8, and no cell is a formula."""
    out = StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(Line._fields)
    page = WeekPage(week, answerable=False)
    for task in (*week.tasks, *week.answered):
        writer.writerow([harmless(cell) for cell in _line(page, task)])
    return out.getvalue()


def _line(page: WeekPage, task: Task) -> Line:
    return Line(
        due_at=task.due_at.isoformat(),
        about=task.about,
        who=" ".join(task.who),
        group=task.group or "",
        seat=_written(task.seat),
        member=task.member or "",
        what=task.title,
        words=page.wording(task),
        minutes=_written(task.minutes),
        beyond_the_time="yes" if task.beyond else "",
        status=task.status or "",
        reason=task.reason or "",
        deliver_from="" if task.deliver_from is None else task.deliver_from.isoformat(),
        decision_id=task.decision_id or "",
    )


def _written(number: int | None) -> str:
    return "" if number is None else str(number)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
