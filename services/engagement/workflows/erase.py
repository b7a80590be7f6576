"""A person is erased: in one transaction all of theirs goes, and what had learned from them begins anew.

The order is: locks, a line in the list outside of the database, deletion, tombstones. Killed before the
commit everything is as it was, and whoever starts next carries the line out. Folding again is any fold's
work: the new version is empty, and the one after it learns all that is left.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import uuid4

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from engagement.errors import Mistake, NotFound
from engagement.randomness import erasure_mark
from engagement.store import decisions, erasures, forgetting, leaving, setup, units
from engagement.store.acts import note
from engagement.store.database import Database
from engagement.store.erasure_list import ErasureList
from engagement.store.erasures import Tombstone
from engagement.store.forgetting import Held, Person
from engagement.store.kept import Kept
from engagement.store.leaving import Part
from engagement.store.wall import LISTING, enter
from engagement.strategy.cadence import local_date
from engagement.strategy.life import RELEASED
from engagement.workflows.answer import settle
from engagement.workflows.plan_life import lock_weeks
from engagement.workflows.seal import seal_erasure
from engagement.workflows.tallies import retally

TRIES = 5
DEADLOCK = "40P01"


class Erasing(NamedTuple):
    """Somebody to be erased, and the list that remembers it."""

    member: str
    listed: ErasureList


class RowsErased(msgspec.Struct, frozen=True):
    """How many rows of a table were deleted."""

    table: str
    rows: int


class BegunAnew(msgspec.Struct, frozen=True):
    """A strategy whose belief had learned from them; version : the empty one with which it begins anew"""

    strategy: str
    version: int


class Erased(msgspec.Struct, frozen=True):
    """What was erased. erasure_id : of the tombstone, random; nothing here tells who it was

    beliefs : each is folded again without them in the next round of folding
    """

    erasure_id: str
    erased_on: date
    rows: tuple[RowsErased, ...]
    beliefs: tuple[BegunAnew, ...]


def erase_members(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Erasing], now_ms: int
) -> list[Erased | Mistake]:
    """Erases people, each with everything of every id they were ever enrolled under; or says why not."""
    out: list[Erased | Mistake] = []
    for member, listed in wanted:
        person = Person(program_id, forgetting.ids_of(conn, program_id, member))
        if not forgetting.counted(conn, person):
            out.append(NotFound(nothing_of(member)))
            continue
        held = forgetting.lock(conn, person)
        if not forgetting.counted(conn, person):  # somebody else was faster
            forgetting.let_be(conn, person)
            out.append(NotFound(nothing_of(member)))
            continue
        secret = setup.draw_secret(conn, kept, program_id)
        try:
            listed.add([erasure_mark(secret, program_id, name) for name in person.ids], now_ms)
        except Mistake as mistake:
            forgetting.let_be(conn, person)
            out.append(mistake)
            continue
        out.append(_forget(conn, kept, person, held, now_ms))
    return out


def nothing_of(member: str) -> str:
    """What is said of an id under which there is nothing."""
    return f"nothing of `{member}` is here: no such member was ever enrolled, or they were erased already"


def what_there_is(conn: Connection, program_id: str, member: str) -> tuple[tuple[str, ...], tuple[Part, ...]]:
    """The ids of the person, and how many rows of theirs each table has."""
    ids = forgetting.ids_of(conn, program_id, member)
    return ids, forgetting.counted(conn, Person(program_id, ids))


def erase(db: Database, kept: Kept, program_id: str, asked: Erasing, now_ms: int) -> Erased:
    """Erases one person in a transaction of its own. raises : the mistake where there is nothing of them"""
    for attempt in range(1, TRIES + 1):
        try:
            with db.write(program_id) as conn:
                leaving.patiently(conn)
                [made] = erase_members(conn, kept, program_id, [asked], now_ms)
        except DBAPIError as flaw:
            if attempt == TRIES or not _passes(flaw):
                raise
        else:
            if isinstance(made, Mistake):
                raise made
            return made
    raise AssertionError  # the last attempt returns or raises


def carry_out(db: Database, kept: Kept, listed: ErasureList) -> int:
    """Erases again whoever the list names and a restored backup still holds; how many erasures that took.

    Only what was recorded until the moment of the line goes: who joined again later stays.
    """
    with db.read(LISTING) as conn:
        programs = setup.program_ids(conn)
        marks = listed.read(expected=any(_ever(conn, program_id) for program_id in programs))
    done = 0
    for program_id in programs if marks else ():
        with db.read(program_id) as conn:
            found = _listed(conn, kept, program_id, marks)
        for at_ms, names in sorted(found.items()):
            with db.write(program_id) as conn:
                leaving.patiently(conn)
                done += _again(conn, kept, Person(program_id, tuple(sorted(names)), at_ms))
    return done


def _ever(conn: Connection, program_id: str) -> bool:
    """Whether anybody was ever erased from a program. From here on the transaction is its own."""
    enter(conn, program_id)
    return erasures.any_at_all(conn, program_id)


def _listed(conn: Connection, kept: Kept, program_id: str, marks: dict[str, int]) -> dict[int, list[str]]:
    """Ids that the list names, by their moment."""
    secret = setup.draw_secret(conn, kept, program_id)
    out: dict[int, list[str]] = {}
    for name in forgetting.everybody(conn, program_id):
        at_ms = marks.get(erasure_mark(secret, program_id, name))
        if at_ms is not None:
            out.setdefault(at_ms, []).append(name)
    return out


def _again(conn: Connection, kept: Kept, person: Person) -> bool:
    """Erases what was recorded until the moment, where anything was."""
    held = forgetting.lock(conn, person)
    if not forgetting.counted(conn, person):
        forgetting.let_be(conn, person)
        return False
    _forget(conn, kept, person, held, person.until_ms)
    return True


def _forget(conn: Connection, kept: Kept, person: Person, held: Held, now_ms: int) -> Erased:
    program_id, erasure_id = person.program_id, str(uuid4())
    day = _day(conn, kept, program_id, now_ms)
    lock_weeks(conn, program_id, held.decisions)
    lives = decisions.answers(conn, program_id, held.decisions)
    holding = {
        name: False for name in held.decisions if not lives[name] or lives[name][-1].status not in RELEASED
    }
    settle(conn, program_id, holding)
    tombstone = Tombstone(erasure_id, "", 0, forgetting.last_group(conn, person, day), day)
    leaving.overwriting(conn)
    with leaving.unguarded(conn, alone=False):
        parts = forgetting.forget(conn, person, held)
        tombstones = forgetting.begin_anew(conn, person, held, tombstone, now_ms)
        erasures.insert_tombstones(conn, program_id, tombstones)
    seal_erasure(conn, program_id, erasure_id, now_ms)
    note(conn, program_id, "erased")
    still = sorted(units.lock_tallies(conn, program_id, "member", person.ids))
    retally(conn, program_id, still, held.groups)
    return Erased(
        erasure_id,
        day,
        tuple(RowsErased(part.table, part.rows) for part in parts),
        tuple(BegunAnew(row.strategy_id, row.version) for row in tombstones if row.version),
    )


def _day(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> date:
    revision = setup.catalogue_revision(conn, program_id)
    if not revision:
        return datetime.fromtimestamp(now_ms / 1000, UTC).date()
    return local_date(now_ms, setup.catalogue(conn, kept, program_id, revision).program.time_zone)


def _passes(flaw: DBAPIError) -> bool:
    """Whether the same transaction may succeed: another held what it wanted, or added what it deleted."""
    return isinstance(flaw, IntegrityError) or getattr(flaw.orig, "sqlstate", None) == DEADLOCK
