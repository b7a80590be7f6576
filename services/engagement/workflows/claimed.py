"""Who makes the next version: claimed by a row's key, held under its lock, taken over when its time is up."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from engagement.store import beliefs
from engagement.store.database import Database

CLAIM_MS = 60_000
"""How long a folder has for a version before another may take over."""

T = TypeVar("T")


def claimed(
    db: Database,
    program_id: str,
    name: str,
    owner: str,
    now_ms: int,
    anything_new: Callable[[Connection, int], bool],
) -> int | None:
    """The version that is now this folder's to make; None when there is nothing new or another is at it.

    anything_new : whether there is something to learn for a version, found by reading
    """
    with db.read(program_id) as conn:
        version = beliefs.pointers(conn, program_id, [name])[name] + 1
        if not anything_new(conn, version):
            return None
    with db.write(program_id) as conn:
        if not beliefs.claim(conn, program_id, name, version, owner, now_ms, now_ms + CLAIM_MS):
            return None
        if not still_mine(conn, program_id, name, version, owner, now_ms):
            beliefs.release(conn, program_id, name, version)  # somebody published it just now
            return None
        beliefs.drop_nodes(conn, program_id, name, version - 1)
    return version


def still_mine(conn: Connection, program_id: str, name: str, version: int, owner: str, now_ms: int) -> bool:
    """Whether the claim holds, under its lock: not taken over, and the version not published already."""
    mine = beliefs.holds(conn, program_id, name, version, owner, now_ms + CLAIM_MS)
    return mine and beliefs.pointers(conn, program_id, [name])[name] < version


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items in order, at most so many at once."""
    return (items[start : start + size] for start in range(0, len(items), size))
