"""Questions about other strategies, and their answers; both as the bytes that the workflow makes of them."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from engagement.store import tables as t
from engagement.store.sql import among, insert


class Asked(NamedTuple):
    """One question. answer : None until it is computed"""

    evaluation_id: str
    question: bytes
    asked_at: int
    answer: bytes | None


_columns = [t.evaluations.c[name] for name in Asked._fields]


def insert_evaluations(conn: Connection, program_id: str, rows: Sequence[Asked]) -> None:
    """Stores questions."""
    insert(conn, t.evaluations, [row._asdict() | {"program_id": program_id} for row in rows])


def by_id(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, Asked]:
    """Questions by id; unknown ids are left out."""
    e = t.evaluations.c
    query = select(*_columns).where(e.program_id == program_id, among(conn, e.evaluation_id, ids))
    return {row.evaluation_id: Asked(*row) for row in conn.execute(query)}


def page(conn: Connection, program_id: str, after: str, limit: int) -> list[Asked]:
    """Questions in order of id. after : the id to begin behind"""
    e = t.evaluations.c
    query = (
        select(*_columns)
        .where(e.program_id == program_id, e.evaluation_id > after)
        .order_by(e.evaluation_id)
        .limit(limit)
    )
    return [Asked(*row) for row in conn.execute(query)]


def answer(conn: Connection, program_id: str, evaluation_id: str, body: bytes) -> None:
    """Stores the answer of a question that has none yet."""
    e = t.evaluations.c
    conn.execute(
        t.evaluations.update()
        .where(e.program_id == program_id, e.evaluation_id == evaluation_id, e.answer.is_(None))
        .values(answer=body)
    )
