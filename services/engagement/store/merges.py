"""Members who were enrolled twice: which ids are the same person as the one kept."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, CompoundSelect, Connection, bindparam, select, union

from engagement.store import tables as t
from engagement.store.sql import among, insert, once


class Merged(NamedTuple):
    """Under which id a person is kept, and from which day on."""

    into: str
    starts_on: date


@once
def _merged(conn: Connection) -> CompoundSelect[Any]:
    m, own = t.merges.c, t.merges.alias("own").c
    program: BindParameter[str] = bindparam("program")
    members: BindParameter[str] = bindparam("members")
    kept = select(own.into_id).where(own.program_id == program, among(conn, own.member_id, members))
    every = select(m.member_id, m.into_id, m.starts_on).where(m.program_id == program)
    # a union, because `OR` keeps SQLite from using the index
    return union(every.where(among(conn, m.into_id, members)), every.where(m.into_id.in_(kept)))


def merged(conn: Connection, program_id: str, members: Sequence[str]) -> dict[str, Merged]:
    """Every id that was merged into another, of the people of whom these are ids; for nearly all, none."""
    rows = conn.execute(_merged(conn), {"program": program_id, "members": members})
    return {name: Merged(into, starts_on) for name, into, starts_on in rows}


def add_merge(conn: Connection, program_id: str, member: str, merge: Merged, now_ms: int) -> None:
    """Stores that a member is kept under another id, which is itself merged into none."""
    row = {
        "program_id": program_id,
        "member_id": member,
        "into_id": merge.into,
        "starts_on": merge.starts_on,
        "recorded_at": now_ms,
    }
    insert(conn, t.merges, [row])
