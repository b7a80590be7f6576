"""Every night each program's ledger is sealed: all rows that no seal holds yet, under the seal before.

What is new is found by what no seal holds, never by time: a row minted first may commit last. When rows say
they were recorded helps to look at few of them; their number tells when that was not enough. The claim's
primary key decides who seals, and one transaction stores the seal, or nothing of it.
"""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from engagement.actions.availability import DAY_MS
from engagement.store import beliefs, seals, setup
from engagement.store import tables as t
from engagement.store.copies import one_moment
from engagement.store.database import Database
from engagement.store.leaves import LEAF, columns
from engagement.store.migrate import is_current
from engagement.store.seals import HOUR_MS, LONGEST_MS, RECORDED, SEALER, Body, Look, Seal, SealedPart
from engagement.strategy.ranking import RANKER
from engagement.strategy.replay import IMPORTED
from engagement.workflows.retention import forget_ended

CLAIM_MS = 600_000
"""How long whoever seals has before another may take over: a first seal of ten million rows takes minutes."""
LOOK_BACK_MS = 2 * DAY_MS
"""Rows that say they were recorded so long before the seal before are not looked at first."""
END_OF_DAY_MS = 36 * HOUR_MS
"""From a day's midnight UTC to its end in the last time zone."""
Said = Callable[[Any], int | None]


class _Found(NamedTuple):
    """What is to be sealed: as the seal says it, and the rows to be stored."""

    body: Body
    rows: list[dict[str, Any]]


def seal_if_due(db: Database, program_id: str, owner: str, now_ms: int) -> Seal | None:
    """Seals a program's ledger if no seal was made since midnight UTC, and the program is older than that.

    And deletes what has ended.

    owner : who is sealing, unique among all that may do so at once
    """
    with db.read(program_id) as conn:
        last = seals.newest(conn, program_id, "night")
        since = setup.created_at(conn, program_id) if last is None else last.made_at
    if since // DAY_MS >= now_ms // DAY_MS:
        return None
    forget_ended(db, program_id, now_ms)
    return seal(db, program_id, owner, now_ms)


def seal(db: Database, program_id: str, owner: str, now_ms: int) -> Seal | None:
    """Seals a program's ledger as it stands. None when another is at it, or somebody was erased meanwhile.

    None, too, where the schema is a later release's: a column that is not known here would be left out.
    """
    if not is_current(db):
        return None
    with db.write(program_id) as conn:
        number = _next(conn, program_id)
        if not beliefs.claim(conn, program_id, SEALER, number, owner, now_ms, now_ms + CLAIM_MS):
            return None
        if _next(conn, program_id) != number:
            beliefs.release(conn, program_id, SEALER, number)  # somebody sealed just now
            return None
    with one_moment(db, program_id) as conn:
        found = _what_is_new(conn, program_id)
    with db.write(program_id) as conn:
        mine = beliefs.holds(conn, program_id, SEALER, number, owner, now_ms + CLAIM_MS)
        if not mine or _next(conn, program_id) != number:
            return None
        made = seals.add(conn, program_id, "night", found.body, now_ms)
        seals.add_parts(conn, program_id, number, found.rows)
        beliefs.release(conn, program_id, SEALER, number)
    return made


def seal_erasure(conn: Connection, program_id: str, erasure_id: str, now_ms: int) -> None:
    """Adds the seal behind an erasure, whose rows are out of the seals before; who calls holds the claim.

    Nothing where nothing was sealed yet.
    """
    if seals.newest(conn, program_id) is not None:
        standing = seals.standing(seals.held(conn, program_id))
        seals.add(conn, program_id, "erasure", Body(erasure=erasure_id, standing=standing), now_ms)


def _next(conn: Connection, program_id: str) -> int:
    last = seals.newest(conn, program_id)
    return 1 if last is None else last.number + 1


def _what_is_new(conn: Connection, program_id: str) -> _Found:
    before = seals.newest(conn, program_id, "night")
    named: list[SealedPart] = []
    rows: list[dict[str, Any]] = []
    late: dict[str, int] = {}
    for table in seals.SEALED:
        found, so_late = _new_of(conn, program_id, table, before)
        late |= {str(table.name): so_late} if so_late else {}
        for part, stored in seals.parts_of(table, found):
            named.append(part)
            rows.append(stored)
    return _Found(Body(tuple(named), late), rows)


def _new_of(conn: Connection, program_id: str, table: Table, before: Seal | None) -> tuple[bytes, int]:
    """The leaves of a table's new rows, and how many of these say an earlier moment than they may."""
    look = Look(conn, program_id, table)
    total = seals.count(conn, program_id, table)
    if total == look.rows:
        return b"", 0
    is_late = lateness(conn, program_id, table, before)
    found, late = bytearray(), 0
    for since_ms in (None if before is None else before.made_at - LOOK_BACK_MS, None):
        found, late = bytearray(), 0
        for leaf, row in look.unknown(since_ms):
            found += leaf
            late += is_late(row)
        if look.rows + len(found) // LEAF == total:
            break
    return bytes(found), late


def lateness(conn: Connection, program_id: str, table: Table, before: Seal | None) -> Callable[[Any], bool]:
    """Whether a row that no seal holds should have been in a seal that was made before, by what it says.

    before : the newest seal of a night
    """
    if before is None:
        return lambda _: False
    said, limit = _said(conn, program_id, table), before.made_at - LONGEST_MS

    def is_late(row: Any) -> bool:
        at = said(row)
        return at is not None and at < limit

    return is_late


def _said(conn: Connection, program_id: str, table: Table) -> Said:
    """By when a row was recorded at the latest, as it says itself; None where that cannot be known."""
    place = {column.name: number for number, column in enumerate(columns(table))}
    if table in RECORDED:
        at = place[RECORDED[table]]
        if table is t.decisions:  # imported ones say when another system decided
            fallback = place["fallback"]
            return lambda row: None if row[fallback] == IMPORTED else row[at]
        return lambda row: row[at]
    if table is t.reservations:
        ends = place["expires_at"]
        return lambda row: row[ends]
    if table is t.erasures:
        day = place["erased_on"]
        return lambda row: (row[day] - date(1970, 1, 1)).days * DAY_MS + END_OF_DAY_MS
    published, version = seals.published(conn, program_id), place["version"]
    strategy = place.get("strategy_id")
    return lambda row: published.get((RANKER if strategy is None else row[strategy], row[version]))
