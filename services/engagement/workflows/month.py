"""A group's month is told: by form, by one short message, on a keypad; whatever the way, the same reports.

The id of a report follows from group, day, seat and kind and nothing else, and they are those of the paper
register. So a month that is told again, late, in another way or in another order gives the same state; one
that says something else corrects what was told before. What is not said stays as it is, and of seats that
cannot be read nothing is made up: the rest is stored, and one line says kindly what was not.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.signals import minimal_month
from engagement.signals.meetings import MEETING_HELD
from engagement.signals.minimal_month import Flaw, MinimalMonth
from engagement.store import setup, signals, units
from engagement.store.kept import Kept
from engagement.store.units import Unit
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import Catalogue, Group
from engagement.workflows.import_register import SOURCE, record, roll_of
from engagement.workflows.ingest import EARLIEST
from engagement.workflows.month_told import Month, Said, WrongSeat, said_by, told, wrong_seats
from engagement.workflows.states import heard_of
from engagement.workflows.tell import moment
from engagement.workflows.which_meeting import meeting_meant
from engagement.workflows.wording import words_in


class MonthKept(msgspec.Struct, frozen=True):
    """What became of a month that was told.

    meeting : the day it was noted for, null when nothing could be used
    status : `stored` something new, `unchanged` nothing new, `refused` nothing could be used
    signals : new reports, of which `corrected` replace or take back an earlier one
    wrong : what was left out; the rest is stored      flaw : why nothing could be used
    reply : one line to send back, in the group's language
    """

    group: str
    meeting: date | None
    status: Literal["stored", "unchanged", "refused"]
    signals: int
    corrected: int
    wrong: tuple[WrongSeat, ...]
    flaw: Flaw | None
    reply: str
    language: str
    simulated: bool = False


class Asked(NamedTuple):
    """A month of a group. whole : all of it or nothing, as where one can look at the seats again"""

    group: str
    month: Month
    whole: bool = False


def tell_months(
    conn: Connection, kept: Kept, program_id: str, asked: Sequence[Asked], now_ms: int
) -> list[MonthKept | Mistake]:
    """Stores each month; what is wrong with one harms no other."""
    groups = sorted({one.group for one in asked})
    seated = setup.memberships_of_groups(conn, program_id, groups)
    wanted = [Unit("member", row.member) for row in seated] + [Unit("group", name) for name in groups]
    units.lock(conn, program_id, wanted)  # all at once, or two replicas could wait for each other
    answers: list[MonthKept | Mistake] = []
    for one in asked:
        try:
            answers.append(_tell(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            answers.append(mistake)
    return answers


def _tell(conn: Connection, kept: Kept, program_id: str, asked: Asked, now_ms: int) -> MonthKept:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    group = group_that_meets(conn, program_id, asked.group)
    language = group.language or catalogue.program.language
    today = local_date(now_ms, catalogue.program.time_zone)
    month = asked.month
    typed = None if month.text is None else minimal_month.read(month.text)
    if typed is not None and typed.flaw is not None:
        return _unusable(asked.group, typed.flaw, language)
    day = _day(conn, program_id, catalogue, asked, typed, today)
    if day is None or day > today or day < EARLIEST.date():
        return _unusable(asked.group, "date", language)
    roll = roll_of(conn, program_id, [asked.group], catalogue.program.time_zone)
    if not any(roll.sits(asked.group, seat, day) for seat in roll.holders[asked.group]):
        raise Conflict(f"nobody had a seat in `{asked.group}` on {day}; import its roster first")
    said = said_by(month, typed)
    at = min(roll.noon(day), moment(now_ms))
    wrong = tuple(wrong_seats(asked.group, day, said, month, roll))
    if wrong and asked.whole:
        return msgspec.structs.replace(_unusable(asked.group, "parts", language), wrong=wrong)
    found = list(told(asked.group, day, at, said, month, roll))
    answers = record(conn, kept, program_id, found, now_ms)
    flaw = next((answer for answer in answers if isinstance(answer, Mistake)), None)
    if flaw is not None:
        raise flaw
    new = sum(answer in ("stored", "corrected") for answer in answers)
    return MonthKept(
        group=asked.group,
        meeting=day,
        status="stored" if new else "unchanged",
        signals=new,
        corrected=list(answers).count("corrected"),
        wrong=wrong,
        flaw=None,
        reply=_reply(language, day, said, wrong, new=bool(new)),
        language=words_in(language).language,
    )


def group_that_meets(conn: Connection, program_id: str, name: str) -> Group:
    """The group, if it is one that meets."""
    found = setup.newest(conn, program_id, "group", [name]).get(name)
    if found is None or not isinstance(found.thing, Group):
        raise NotFound(f"there is no group `{name}` in this program")
    if found.thing.type == "virtual":
        raise Invalid(f"`{name}` is a virtual group, which has no meetings to be briefed for or to report")
    return found.thing


def _day(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    asked: Asked,
    typed: MinimalMonth | None,
    today: date,
) -> date | None:
    """The day of the meeting: named in the text, or beside it, or the one that is meant."""
    if typed is not None and typed.day is not None:
        return typed.day.before(today)
    if asked.month.date is not None:
        return asked.month.date
    zone = catalogue.program.time_zone
    heard = heard_of(conn, program_id, [asked.group], zone)[asked.group]
    rows = signals.of_kinds(conn, program_id, [MEETING_HELD.kind], [asked.group])
    here = {local_date(row.occurred_at, zone) for row in rows if row.source == SOURCE}
    return meeting_meant(heard, today, here)


def _reply(language: str, day: date, said: Said, wrong: Sequence[WrongSeat], *, new: bool) -> str:
    """One line for whoever told the month."""
    words = words_in(language)
    when = words.short_day(day)
    if wrong:
        seats = ", ".join(dict.fromkeys(one.said for one in wrong))
        return words.say("reply_wrong_seat", seats=seats[:40], date=when)
    if not new:
        return words.say("reply_known", date=when)
    if not said.held:
        return words.say("reply_not_held", date=when)
    if said.came is None:
        return words.say("reply_half", date=when)
    return words.say("reply_held", date=when, count=str(len(said.came.seats)))


def _unusable(group: str, flaw: Flaw, language: str) -> MonthKept:
    words = words_in(language)
    known = "reply_date" if flaw == "date" else "reply_how"
    return MonthKept(group, None, "refused", 0, 0, (), flaw, words.say(known), words.language)
