"""Files that set a program up: its own, a roster, a register; each told line by line before it is stored."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from engagement.errors import Invalid, Mistake, TooLarge
from engagement.store import setup, trail
from engagement.store.kept import Kept
from engagement.store.trail import Span
from engagement.strategy.cadence import local_date
from engagement.workflows.check_program import check
from engagement.workflows.import_register import (
    RegisterReport,
    cuts,
    part,
    plan_register,
    record,
    report,
)
from engagement.workflows.load_program import Change, Gone, Loaded, load_program
from engagement.workflows.program_file import Finding, ProgramFile
from engagement.workflows.roster import RosterReport, import_roster
from engagement.workflows.seen_first import Tried, seen_first
from engagement.workflows.sheet import Sheet

MOST_REPORTS = 4_000
"""Of a register that is stored in one go: what is more takes so long that others would wait."""
T = TypeVar("T")


class Upload(NamedTuple):
    """A file that was read. seen : the sign of what its sender saw it would do, None to look first"""

    content: ProgramFile | Sheet
    seen: str | None = None


class Made(NamedTuple):
    """So many things that an upload makes or changes. what, how : as the trail tells them"""

    what: str
    how: str
    many: int


class RosterDone(NamedTuple):
    """What a roster does: its report, and what stands behind the counted lines."""

    report: RosterReport
    made: tuple[Made, ...]


class ProgramDone(NamedTuple):
    """What a program file does."""

    changes: tuple[Change, ...]
    gone: tuple[Gone, ...]
    unchanged: int


class ProgramTried(NamedTuple):
    """What is to be said about a program file, and what it does, None where mistakes keep it out.

    refused : why a sound file does not fit the program, "" where it does
    """

    findings: tuple[Finding, ...]
    tried: Tried[ProgramDone] | None
    refused: str = ""


def upload_rosters(
    conn: Connection, _kept: Kept, program_id: str, uploads: Sequence[Upload], now_ms: int
) -> list[Tried[RosterDone] | Mistake]:
    """What each roster does; those whose sender has seen exactly that are stored."""
    return [_kept_or_told(conn, one, partial(_roster, conn, program_id, one, now_ms)) for one in uploads]


def _kept_or_told(conn: Connection, one: Upload, act: Callable[[Kept], T]) -> Tried[T] | Mistake:
    try:
        return seen_first(conn, act, one.seen)
    except Mistake as mistake:
        return mistake


def _roster(conn: Connection, program_id: str, one: Upload, now_ms: int, kept: Kept) -> RosterDone:
    before = _counted(conn, program_id, now_ms)
    found = import_roster(conn, kept, program_id, _sheet(one), now_ms)
    after = _counted(conn, program_id, now_ms)
    made = (Made(*key, many - before.get(key, 0)) for key, many in after.items())
    return RosterDone(found, tuple(row for row in made if row.many))


def _sheet(one: Upload) -> Sheet:
    if not isinstance(one.content, Sheet):
        raise Invalid("this takes a sheet: a CSV text or a workbook")
    return one.content


def _counted(conn: Connection, program_id: str, now_ms: int) -> dict[tuple[str, str], int]:
    rows = trail.counts(conn, program_id, Span(now_ms, now_ms + 1))
    return {(row.what, row.how): row.many for row in rows}


def upload_registers(
    conn: Connection, _kept: Kept, program_id: str, uploads: Sequence[Upload], now_ms: int
) -> list[Tried[RegisterReport] | Mistake]:
    """What each register does; those whose sender has seen exactly that are stored, all of it at once."""
    return [_kept_or_told(conn, one, partial(_register, conn, program_id, one, now_ms)) for one in uploads]


def _register(conn: Connection, program_id: str, one: Upload, now_ms: int, kept: Kept) -> RegisterReport:
    plan = plan_register(conn, kept, program_id, _sheet(one), now_ms)
    some = list(cuts(plan))
    if sum(map(len, some)) > MOST_REPORTS:
        raise TooLarge(f"here a register may tell {MOST_REPORTS:,} things at most; upload it in parts")
    parts = [part(cut, record(conn, kept, program_id, cut, now_ms)) for cut in some]
    return report(plan, parts)


def upload_programs(
    conn: Connection, kept: Kept, program_id: str, uploads: Sequence[Upload], now_ms: int
) -> list[ProgramTried]:
    """What each program file does; those whose sender has seen exactly that are loaded."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    today = local_date(now_ms, program.time_zone)
    out = []
    for one in uploads:
        if not isinstance(one.content, ProgramFile):
            raise Invalid("this takes a program file")
        findings = tuple(check(one.content, today))
        if one.content.plan is None:
            out.append(ProgramTried(findings, None))
            continue
        tried = _kept_or_told(conn, one, partial(_program, conn, program_id, one.content, now_ms))
        if isinstance(tried, Mistake):
            out.append(ProgramTried(findings, None, str(tried)))
        else:
            out.append(ProgramTried(findings, tried))
    return out


def _program(conn: Connection, program_id: str, file: ProgramFile, now_ms: int, kept: Kept) -> ProgramDone:
    loaded: Loaded = load_program(conn, kept, file, now_ms, program_id=program_id)
    return ProgramDone(loaded.changes, loaded.gone, loaded.unchanged)
