"""A change that is carried out only as it was seen: tried first, told exactly, kept if it is still the same.

Looking carries the change out and takes it back. Whoever agrees sends the sign of what they saw; if the
change would by now be another one, because somebody else was there meanwhile or because it is done already,
nothing is stored and they see what it would be now. So a form that is sent twice does its work once.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from engagement.store.kept import Kept

T = TypeVar("T")


class Tried(NamedTuple, Generic[T]):
    """What a change did, or would do. sign : of exactly this      stored : it is done"""

    result: T
    sign: str
    stored: bool


def seen_first(conn: Connection, act: Callable[[Kept], T], seen: str | None) -> Tried[T]:
    """Carries out a change and keeps it if its result has the sign that was seen.

    act : the change, with a memory of its own; a `Mistake` that it raises passes, and nothing is stored
    """
    with conn.begin_nested() as undone:
        result = act(Kept())
        sign = sign_of(result)
        if seen != sign:
            undone.rollback()
    return Tried(result, sign, seen == sign)


def sign_of(result: Any) -> str:
    """The sign of a result: the same for the same result, whoever works it out."""
    return sha256(msgspec.json.encode(result)).hexdigest()
