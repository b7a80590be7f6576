"""Tombstones: that somebody was erased, and which beliefs began anew for it. Nothing in them tells who."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from engagement.store import tables as t
from engagement.store.sql import insert


class Tombstone(NamedTuple):
    """One erasure, as far as one strategy's belief goes; strategy "" where no belief had learned from them.

    version : empty, the one with which the belief begins anew; whatever older one was is gone
    group : where they sat last, None in none
    """

    erasure_id: str
    strategy_id: str
    version: int
    group_id: str | None
    erased_on: date


def insert_tombstones(conn: Connection, program_id: str, rows: list[Tombstone]) -> None:
    """Stores that somebody was erased."""
    insert(conn, t.erasures, [row._asdict() | {"program_id": program_id} for row in rows])


def tombstones(conn: Connection, program_id: str) -> list[Tombstone]:
    """Every tombstone of a program, the oldest first."""
    e = t.erasures.c
    query = (
        select(*(e[name] for name in Tombstone._fields))
        .where(e.program_id == program_id)
        .order_by(e.erased_on, e.erasure_id, e.strategy_id)
    )
    return [Tombstone(*row) for row in conn.execute(query)]


def any_at_all(conn: Connection, program_id: str) -> bool:
    """Whether anybody was ever erased from this program."""
    e = t.erasures.c
    return conn.execute(select(e.erasure_id).where(e.program_id == program_id).limit(1)).first() is not None


def begun_anew(conn: Connection, program_id: str, strategy_id: str) -> int:
    """The version with which a strategy's belief last began anew, 0 where it never had to."""
    e = t.erasures.c
    query = select(func.max(e.version)).where(e.program_id == program_id, e.strategy_id == strategy_id)
    return conn.execute(query).scalar() or 0


def gone(conn: Connection, program_id: str, strategy_id: str, version: int) -> str | None:
    """Why a version's belief is no longer there, in words; None where it is. Version 0 is the prior's."""
    begins = begun_anew(conn, program_id, strategy_id)
    if not 0 < version < begins:
        return None
    return (
        f"version {version} of `{strategy_id}` had learned from somebody who was erased since at their wish, "
        f"so it is gone; the belief began anew with version {begins}"
    )
