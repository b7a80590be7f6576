"""The program's end at a site: an extension, a new day or none, after a look at what it would change."""

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Sent, Taken, Visit
from engagement.errors import Mistake, PreconditionFailed
from engagement.signals.rhythm import within_reason
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.strategy.setup import Site
from engagement.workflows.extension import EndMoved, NewEnd, move_ends, preview_ends


class Looked(msgspec.Struct, frozen=True):
    """What a new day would change; or, `done`, what it has changed. again : it stood otherwise meanwhile"""

    moved: EndMoved
    done: bool = False
    again: bool = False


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[EndMoved | Mistake]:
    """Each site as it stands: what leaving its end where it is would change, which is nothing."""
    found = setup.newest(conn, program_id, "site", sorted({visit.of for visit in visits}))
    ends = {name: row.thing.ends_on for name, row in found.items() if isinstance(row.thing, Site)}
    wanted = [NewEnd(visit.of, ends.get(visit.of)) for visit in visits]
    return preview_ends(conn, kept, program_id, wanted, now_ms)


def take(
    conn: Connection, kept: Kept, program_id: str, sent: Sequence[Sent], now_ms: int
) -> list[Taken | Mistake]:
    """Shows what a new day would change, or moves the end if that is still what it changes."""
    return [_taken(conn, kept, program_id, one, now_ms) for one in sent]


def _taken(conn: Connection, kept: Kept, program_id: str, sent: Sent, now_ms: int) -> Taken | Mistake:
    said = sent.said("ends_on")
    try:
        day = date.fromisoformat(said) if said else None
    except ValueError:
        return Taken(trouble="day")
    if (day is None and sent.said("none") != "1") or (day is not None and not within_reason(day)):
        return Taken(trouble="day")
    revision = sent.said("revision")
    seen = int(revision) if revision.isascii() and revision.isdecimal() and len(revision) < 10 else None
    wanted = NewEnd(sent.visit.of, day, seen)
    (before,) = preview_ends(conn, kept, program_id, [wanted], now_ms)
    if isinstance(before, Mistake):
        return before
    if sent.said("step") != "move" or seen is None:
        return Taken(told=Looked(before))
    (moved,) = move_ends(conn, kept, program_id, [wanted], now_ms)
    if isinstance(moved, PreconditionFailed):
        return Taken(told=Looked(before, again=True))
    return Taken(told=Looked(before, done=True)) if isinstance(moved, Revised) else moved


PAGE = ConsolePage(
    "ends", "/program/ends/{of:str}", read, scope="admin", audience="staff", under="program", take=take
)
