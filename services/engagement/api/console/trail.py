"""The audit trail: what was changed, when, and where that is kept by whom."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.errors import Invalid, Mistake
from engagement.store.kept import Kept
from engagement.workflows.ingest import milliseconds
from engagement.workflows.trail import Entry, Trail, TrailWanted, trails

MOMENT = re.compile("[0-9]{1,15}")


class Day(msgspec.Struct, frozen=True):
    """What was done on one day, the newest first."""

    at: datetime
    entries: tuple[Entry, ...]


class TrailPage(msgspec.Struct, frozen=True):
    """A part of the trail by day. newest : whether nothing is later"""

    days: tuple[Day, ...]
    before: datetime | None
    newest: bool

    @property
    def before_ms(self) -> int | None:
        """The same in milliseconds, as an address says it."""
        return None if self.before is None else milliseconds(self.before)

    @property
    def count(self) -> int:
        """How many entries there are here."""
        return sum(len(day.entries) for day in self.days)


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[TrailPage | Mistake]:
    """The part that each visitor asks for, the newest where they ask for none."""
    out: list[TrailPage | Mistake] = []
    for visit in visits:
        said = visit.query.get("before", "")
        if said and not MOMENT.fullmatch(said):
            out.append(Invalid("`before` is the moment that the part before this one gave"))
            continue
        before_ms = int(said) if said else now_ms + 1
        (found,) = trails(conn, kept, program_id, [TrailWanted(visit.audience, before_ms)], now_ms)
        zone = ZoneInfo(visit.who.program.time_zone)
        out.append(found if isinstance(found, Mistake) else _by_day(found, zone, newest=not said))
    return out


def _by_day(found: Trail, zone: ZoneInfo, *, newest: bool) -> TrailPage:
    days: dict[date, list[Entry]] = {}
    for entry in found.entries:
        days.setdefault(entry.at.astimezone(zone).date(), []).append(entry)
    return TrailPage(tuple(Day(some[0].at, tuple(some)) for some in days.values()), found.before, newest)


PAGE = ConsolePage("trail", "/trail", read, audience="staff", under="program")
