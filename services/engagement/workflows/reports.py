"""Reports of a program that are asked for over HTTP, as figures and as pages."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.actions.availability import DAY_MS
from engagement.errors import Invalid, Mistake, NotFound
from engagement.store import setup
from engagement.store.asked import REPORTS, Asked, page_of
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.leaving import patiently
from engagement.strategy.cadence import local_date, midnight_ms
from engagement.workflows.asked import Ask, State, Wish, found, keep, part, state
from engagement.workflows.logged import MOST
from engagement.workflows.report import Report, ReportWanted, report
from engagement.workflows.tell import moment

NOUN = "report"


class ReportAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a report is to be about, under an id of the caller's or a new one: it is made once.

    trial : the only one of the program, or none, when absent
    on : the last day that is looked at, until its noon; the moment it is asked for when absent
    """

    id: Id | None = None
    trial: Id | None = None
    on: date | None = None


class _Wanted(msgspec.Struct, frozen=True):
    """As it is stored."""

    trial: str | None
    on: date | None


class Answer(msgspec.Struct, frozen=True):
    """What was computed, or why it could not be. page : whether it is there as a page, too"""

    report: Report | None = None
    page: bool = False
    refused: str | None = None


class ReportTold(msgspec.Struct, frozen=True):
    """A report and how far it has come.

    state : `asked` until it is computed, then `answered`, or `refused` with the reason
    asked_at : what was recorded by then counts      report : every figure, null in a list
    page : where it can be read as HTML, null where figures cannot be drawn here
    """

    id: str
    state: State
    asked_at: datetime
    trial: str | None
    on: date | None
    page: str | None
    refused: str | None
    report: Report | None


class ReportPage(msgspec.Struct, frozen=True):
    """Reports in order of id. next : go on behind it; null when this is all."""

    items: tuple[ReportTold, ...]
    next: str | None


def ask_reports(
    conn: Connection, kept: Kept, program_id: str, asks: Sequence[ReportAsk], now_ms: int
) -> list[ReportTold | Mistake]:
    """Stores what can be understood; the same one again is answered as it stands."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)

    def understandable(ask: ReportAsk) -> Ask | Mistake:
        if ask.trial is not None and ask.trial not in catalogue.trials:
            return NotFound(f"there is no trial `{ask.trial}` in this program")
        if ask.on is not None and ask.on > today:
            return Invalid(f"{ask.on} is still to come; give a day that has passed")
        return Ask(ask.id, _Wanted(ask.trial, ask.on))

    good = [understandable(ask) for ask in asks]
    return _each_told(keep(conn, REPORTS, program_id, good, now_ms, NOUN))


def tell_reports(
    conn: Connection, _kept: Kept, program_id: str, names: Sequence[str], _now_ms: int
) -> list[ReportTold | Mistake]:
    """Each report as it stands."""
    return _each_told(found(conn, REPORTS, program_id, names, NOUN))


def tell_pages(
    conn: Connection, _kept: Kept, program_id: str, names: Sequence[str], _now_ms: int
) -> list[bytes | Mistake]:
    """Each report as a page, empty while it is computed."""
    rows = found(conn, REPORTS, program_id, names, NOUN)
    return [row if isinstance(row, Mistake) else _shown(conn, program_id, row) for row in rows]


def _shown(conn: Connection, program_id: str, row: Asked) -> bytes | Mistake:
    told = _told(row)
    if told.state == "asked":
        return b""
    if told.refused is not None:
        return NotFound(f"report `{row.name}` has no page: {told.refused}")
    page = page_of(conn, program_id, row.name)
    return page or NotFound(f"report `{row.name}` has no page, for no figures can be drawn here")


def list_reports(
    conn: Connection, _kept: Kept, program_id: str, wishes: Sequence[Wish], _now_ms: int
) -> list[ReportPage]:
    """A part of the list for each wish, without the figures."""
    parts = [part(conn, REPORTS, program_id, wish) for wish in wishes]
    return [ReportPage(tuple(map(_bare, rows)), following) for rows, following in parts]


def compute_report(
    db: Database,
    kept: Kept,
    program_id: str,
    name: str,
    drawn: Callable[[Report, str], str],
    most: int = MOST,
) -> None:
    """Computes a report, where it says nothing yet, and stores it.

    drawn : makes the page of a report and of the command that would make it again; where it raises `Invalid`,
        because figures cannot be drawn, there is none
    most : decisions of one strategy that may be read; of more the answer is that there are too many
    """
    with db.read() as conn:
        asked = REPORTS.by_id(conn, program_id, [name]).get(name)
    if asked is None or asked.answer is not None:
        return
    page = None
    try:
        with db.read() as conn:
            patiently(conn)
            told = _made(conn, kept, program_id, asked, most)
        page = _drawn(told, asked, drawn)
        answer = Answer(told, page is not None)
    except Mistake as mistake:
        answer = Answer(refused=str(mistake))
    with db.write() as conn:
        REPORTS.answer(conn, program_id, name, msgspec.json.encode(answer), page)


def _made(conn: Connection, kept: Kept, program_id: str, asked: Asked, most: int) -> Report:
    wanted = msgspec.json.decode(asked.wanted, type=_Wanted)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    until = asked.asked_at
    if wanted.on is not None:
        until = min(until, midnight_ms(wanted.on, catalogue.program.time_zone) + DAY_MS // 2)
    return report(conn, kept, program_id, ReportWanted(wanted.trial, None, most), until)


def _drawn(told: Report, asked: Asked, drawn: Callable[[Report, str], str]) -> bytes | None:
    wanted = msgspec.json.decode(asked.wanted, type=_Wanted)
    trial = [] if wanted.trial is None else [f"--trial {wanted.trial}"]
    try:
        return drawn(told, " ".join(["engagement report", *trial, f"--on {told.on}"])).encode()
    except Invalid:
        return None


def _each_told(rows: Sequence[Asked | Mistake]) -> list[ReportTold | Mistake]:
    return [row if isinstance(row, Mistake) else _told(row) for row in rows]


def _bare(row: Asked) -> ReportTold:
    return msgspec.structs.replace(_told(row), report=None)


def _told(row: Asked) -> ReportTold:
    answer = Answer() if row.answer is None else msgspec.json.decode(row.answer, type=Answer)
    wanted = msgspec.json.decode(row.wanted, type=_Wanted)
    return ReportTold(
        row.name,
        state(answer.report, answer.refused),
        moment(row.asked_at),
        wanted.trial,
        wanted.on,
        f"/v1/reports/{row.name}/page" if answer.page else None,
        answer.refused,
        answer.report,
    )
