"""API keys: made, listed, revoked, and recognised.

A key reads `eng_<program>_<secret>`: the program's id without hyphens, so that the look-up knows
where to look, and 256 random bits.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.errors import Invalid, Unauthenticated
from engagement.signals.signal import Audience, may_see
from engagement.store import keys
from engagement.store.keys import ApiKey, Scope

PREFIX = "eng"
SCOPES: tuple[Scope, ...] = ("recommend", "signals", "read", "research", "admin")
UNKNOWN = "the key is not one of this service's"


class NewKey(NamedTuple):
    """A key at the only moment when it can be read."""

    text: str
    key: ApiKey


def create_key(
    conn: Connection,
    program_id: str,
    scopes: Sequence[Scope],
    audience: Audience,
    now_ms: int,
    expires_at: int | None,
) -> NewKey:
    """Makes a key; only its digest is stored.

    raises Invalid for a key that could change what its audience may not read: it would erase that
    """
    if "admin" in scopes and not may_see(audience, "staff"):
        raise Invalid("a key with the scope `admin` is for the audience `staff` or `research`")
    text = f"{PREFIX}_{program_id.replace('-', '')}_{secrets.token_urlsafe(32)}"
    key = ApiKey(program_id, secrets.token_hex(4), tuple(scopes), audience, now_ms, expires_at, None)
    keys.insert_key(conn, key, keys.digest(text))
    return NewKey(text, key)


def program_of(text: str) -> str:
    """The program a key says it belongs to; whether that is so, the look-up tells."""
    prefix, _, rest = text.partition("_")
    program, _, secret = rest.partition("_")
    if prefix != PREFIX or len(program) != 32 or not secret or not set(program) <= set("0123456789abcdef"):
        raise Unauthenticated(UNKNOWN)
    return f"{program[:8]}-{program[8:12]}-{program[12:16]}-{program[16:20]}-{program[20:]}"


def recognise(conn: Connection, text: str, now_ms: int) -> ApiKey:
    """The live key behind a text."""
    program_id = program_of(text)
    key = keys.by_digest(conn, program_id, keys.digest(text))
    if key is None:
        raise Unauthenticated(UNKNOWN)
    if not key.is_live(now_ms):
        raise Unauthenticated("the key has been revoked or has expired")
    return key
