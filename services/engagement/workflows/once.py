"""A request that its sender has named is carried out once; sent again, it gets the answer it got.

The answer is stored in the transaction of the change itself, so that there is never the one without the
other. What takes several transactions is answered first and the answer stored behind it: broken off
between the two it is done again, and its own natural keys see to it that nothing happens twice.
A request that was refused changed nothing, so no answer of it is kept.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict, Mistake
from engagement.store import kept_answers
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.kept_answers import Asked

KEPT_MS = 86_400_000
FORGOTTEN = 200
"""Answers forgotten in one transaction."""
Workflow = Callable[[Connection, Kept, str, Sequence[Any], int], Sequence[Any]]


class Once(NamedTuple):
    """A named request. tell : makes the answer of the workflow's results, or raises a `Mistake`"""

    asked: Asked
    workflow: Workflow
    items: Sequence[Any]
    tell: Callable[[Sequence[Any]], Any]


class Before(NamedTuple):
    """An answer that was given before."""

    body: bytes


def once(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Once], now_ms: int
) -> list[Any | Before | Mistake]:
    """The answer to each, made or given before."""
    return [_once(conn, kept, program_id, one, now_ms) for one in wanted]


def _once(conn: Connection, kept: Kept, program_id: str, wanted: Once, now_ms: int) -> Any | Before | Mistake:
    try:
        before = _before(conn, program_id, wanted.asked)
        if before is not None:
            return before
        answer = wanted.tell(wanted.workflow(conn, kept, program_id, wanted.items, now_ms))
    except Mistake as mistake:
        return mistake
    kept_answers.write(conn, program_id, wanted.asked, msgspec.json.encode(answer), now_ms)
    return answer


def recall(
    conn: Connection, _kept: Kept, program_id: str, asked: Sequence[Asked], _now_ms: int
) -> list[Before | Mistake | None]:
    """What each was answered before, None where it is new."""
    return [_recalled(conn, program_id, one) for one in asked]


def _recalled(conn: Connection, program_id: str, asked: Asked) -> Before | Mistake | None:
    try:
        return _before(conn, program_id, asked)
    except Mistake as mistake:
        return mistake


def remember(
    conn: Connection, _kept: Kept, program_id: str, answered: Sequence[tuple[Asked, bytes]], now_ms: int
) -> list[Before | Mistake | None]:
    """Keeps answers that were made in several transactions; of two for one request the first holds."""
    stands = [_recalled(conn, program_id, asked) for asked, _ in answered]
    for (asked, body), before in zip(answered, stands, strict=True):
        if before is None:
            kept_answers.write(conn, program_id, asked, body, now_ms)
    return stands


def _before(conn: Connection, program_id: str, asked: Asked) -> Before | None:
    found = kept_answers.read(conn, program_id, asked)
    if found is None:
        return None
    if found.digest != asked.digest:
        raise Conflict(f"the Idempotency-Key `{asked.name}` came with another request before")
    return Before(found.body)


def forget(db: Database, program_id: str, now_ms: int) -> None:
    """Forgets a program's answers that are older than a day; writes nothing where there are none."""
    before_ms = now_ms - KEPT_MS
    while True:
        with db.read(program_id) as conn:
            if not kept_answers.any_before(conn, program_id, before_ms):
                return
        with db.write(program_id) as conn:
            kept_answers.forget(conn, program_id, before_ms, FORGOTTEN)
