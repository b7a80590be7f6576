"""Who is signed in to the console, kept like keys: as digests, never as they were given out."""

from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, and_, select

from engagement.store import keys
from engagement.store import tables as t
from engagement.store.keys import ApiKey
from engagement.store.sql import insert


class Session(NamedTuple):
    """A session as stored: of which key, since when and until when. Times in milliseconds."""

    program_id: str
    key_id: str
    created_at: int
    expires_at: int


_of_session = [t.console_sessions.c[name] for name in Session._fields]


def digest(token: str) -> bytes:
    """SHA-256 of the whole token: 256 random bits need no slow hash."""
    return sha256(token.encode()).digest()


def insert_session(conn: Connection, session: Session, secret: bytes) -> None:
    """Stores a session under its digest."""
    insert(conn, t.console_sessions, [session._asdict() | {"digest": secret}])


def by_digest(conn: Connection, program_id: str, secret: bytes) -> tuple[Session, ApiKey] | None:
    """The program's session with this digest, with the key that opened it as it is now."""
    s, k = t.console_sessions.c, t.api_keys.c
    with_key = t.console_sessions.join(t.api_keys, and_(k.program_id == s.program_id, k.key_id == s.key_id))
    row = conn.execute(
        select(*_of_session, *keys.LISTED)
        .select_from(with_key)
        .where(s.program_id == program_id, s.digest == secret)
    ).first()
    return None if row is None else (Session(*row[:4]), keys.of_row(row[4:]))


def end(conn: Connection, program_id: str, secret: bytes) -> None:
    """Ends a session."""
    s = t.console_sessions.c
    conn.execute(t.console_sessions.delete().where(s.program_id == program_id, s.digest == secret))


def forget_expired(conn: Connection, program_id: str, now_ms: int) -> None:
    """Deletes the sessions whose time is over."""
    s = t.console_sessions.c
    conn.execute(t.console_sessions.delete().where(s.program_id == program_id, s.expires_at <= now_ms))
