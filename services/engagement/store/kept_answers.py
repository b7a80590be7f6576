"""Answers that are kept for a day, to be given again to whoever sends the same request again."""

from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_

from engagement.store import tables as t
from engagement.store.sql import insert


class Asked(NamedTuple):
    """A request that its sender has named.

    key_id : of the API key it came with      name : what its sender calls it      digest : of all it says
    """

    key_id: str
    name: str
    digest: bytes


class KeptAnswer(NamedTuple):
    """What was answered, and to which request by its digest."""

    digest: bytes
    body: bytes


def read(conn: Connection, program_id: str, asked: Asked) -> KeptAnswer | None:
    """What was answered under this name before."""
    k = t.kept_answers.c
    query = select(k.request, k.body).where(
        k.program_id == program_id, k.key_id == asked.key_id, k.name == asked.name
    )
    row = conn.execute(query).first()
    return None if row is None else KeptAnswer(bytes(row.request), bytes(row.body))


def write(conn: Connection, program_id: str, asked: Asked, body: bytes, now_ms: int) -> None:
    """Keeps an answer; raises `IntegrityError` when another was kept under this name meanwhile."""
    row = {
        "program_id": program_id,
        "key_id": asked.key_id,
        "name": asked.name,
        "request": asked.digest,
        "body": body,
        "answered_at": now_ms,
    }
    insert(conn, t.kept_answers, [row])


def any_before(conn: Connection, program_id: str, before_ms: int) -> bool:
    """Whether an answer from before a moment is kept."""
    k = t.kept_answers.c
    query = select(k.name).where(k.program_id == program_id, k.answered_at < before_ms).limit(1)
    return conn.execute(query).first() is not None


def forget(conn: Connection, program_id: str, before_ms: int, most: int) -> None:
    """Forgets answers from before a moment, the oldest first."""
    k = t.kept_answers.c
    oldest = (
        select(k.key_id, k.name)
        .where(k.program_id == program_id, k.answered_at < before_ms)
        .order_by(k.answered_at, k.key_id, k.name)
        .limit(most)
    )
    conn.execute(
        delete(t.kept_answers).where(k.program_id == program_id, tuple_(k.key_id, k.name).in_(oldest))
    )
