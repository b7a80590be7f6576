"""What takes seconds is stored when it is asked for, computed beside the lanes, and kept as it was told.

Broken off, nothing is lost but the work: whoever asks or looks again has it computed again.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Conflict, Mistake, NotFound
from engagement.store.asked import Asked, Shelf
from engagement.store.identifiers import uuid7

State = Literal["asked", "answered", "refused"]


class Ask(NamedTuple):
    """What somebody wants. id : of the caller's, or None for a new one"""

    id: str | None
    wanted: msgspec.Struct


class Wish(NamedTuple):
    """Which part of a list. after : the id to begin behind"""

    after: str
    limit: int


def keep(
    conn: Connection,
    shelf: Shelf,
    program_id: str,
    asks: Sequence[Ask | Mistake],
    now_ms: int,
    noun: str,
) -> list[Asked | Mistake]:
    """Stores what is asked for; the same under the same id is the one that is there.

    asks : a mistake stays where it is
    """
    named = {ask.id for ask in asks if isinstance(ask, Ask) and ask.id is not None}
    known = shelf.by_id(conn, program_id, sorted(named))
    out: list[Asked | Mistake] = []
    fresh: list[Asked] = []
    for ask in asks:
        if isinstance(ask, Mistake):
            out.append(ask)
            continue
        before = known.get(ask.id or "")
        if before is None:
            before = Asked(ask.id or uuid7(now_ms), msgspec.json.encode(ask.wanted), now_ms, None)
            known[before.name] = before
            fresh.append(before)
        elif msgspec.json.decode(before.wanted, type=type(ask.wanted)) != ask.wanted:
            out.append(Conflict(f"another {noun} is stored under `{before.name}`"))
            continue
        out.append(before)
    shelf.insert(conn, program_id, fresh)
    return out


def found(
    conn: Connection, shelf: Shelf, program_id: str, names: Sequence[str], noun: str
) -> list[Asked | Mistake]:
    """Each by its id."""
    known = shelf.by_id(conn, program_id, list(dict.fromkeys(names)))
    unknown = "there is no {} `{}` in this program"
    return [known[name] if name in known else NotFound(unknown.format(noun, name)) for name in names]


def part(conn: Connection, shelf: Shelf, program_id: str, wish: Wish) -> tuple[list[Asked], str | None]:
    """A part of the list, and the id behind which it goes on; None when this is all."""
    rows = shelf.after(conn, program_id, wish.after, wish.limit + 1)
    return rows[: wish.limit], rows[wish.limit - 1].name if len(rows) > wish.limit else None


def state(answer: object | None, refused: str | None) -> State:
    """How far something has come."""
    return "refused" if refused is not None else "asked" if answer is None else "answered"
