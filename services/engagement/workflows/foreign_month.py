"""A group's month in a record of another system: told like any other, and never by an outdated version."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Invalid, Mistake
from engagement.signals.meetings import MEETING_EXPECTED
from engagement.signals.signal import Reporter
from engagement.store.kept import Kept
from engagement.workflows.foreign_record import Heard, Outcome, Record, hear
from engagement.workflows.month import Asked, MonthKept, tell_months
from engagement.workflows.month_told import Month

MARK = MEETING_EXPECTED.kind
"""A kind that months do not report: under it a record's version is kept, so that an older one is known."""


class MonthSaid(NamedTuple):
    """A month as a record tells it. came, met, missed : seats as they are written; None says nothing"""

    group: str
    day: date
    held: bool
    came: str | None
    met: str | None
    missed: str | None
    reported_by: Reporter

    @property
    def text(self) -> str:
        """The same as it is typed on a phone."""
        parts = [self.day.isoformat(), "1" if self.held else "0"]
        if self.held:
            parts += [part or "?" for part in (self.came, self.met, self.missed)]
        return " | ".join(parts)


class Telling(NamedTuple):
    """A record, and the month that it tells."""

    record: Record
    month: MonthSaid | None = None


def hear_with_months(
    conn: Connection, kept: Kept, program_id: str, tellings: Sequence[Telling], now_ms: int
) -> list[Outcome]:
    """Brings what is stored in line with records and with the months in them."""
    out = hear(conn, kept, program_id, [row.record for row in tellings], now_ms)
    wanted = {
        place: row.month
        for place, row in enumerate(tellings)
        if row.month is not None and isinstance(heard := out[place], Heard) and not heard.outdated
    }
    asked = [Asked(row.group, Month(text=row.text, reported_by=row.reported_by)) for row in wanted.values()]
    for place, told in zip(wanted, tell_months(conn, kept, program_id, asked, now_ms), strict=True):
        heard = out[place]
        out[place] = _with_month(heard, told) if isinstance(heard, Heard) else heard
    return out


def _with_month(heard: Heard, told: MonthKept | Mistake) -> Outcome:
    if isinstance(told, Mistake):
        return told
    if told.flaw is not None:
        return Invalid(f"the meeting: {told.reply}")
    return msgspec.structs.replace(
        heard,
        stored=heard.stored + told.signals - told.corrected,
        corrected=heard.corrected + told.corrected,
        wrong=tuple(f"{row.where}: {row.said}" for row in told.wrong),
    )
