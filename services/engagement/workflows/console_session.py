"""Sessions of the console: begun with a key, recognised at every page, and ended.

A token is 64 letters: the program's id, so that the look-up knows where to look, and 256 random bits.
It is made anew at every sign-in, and only its digest is stored. A session lasts no longer than its key.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from engagement.errors import Forbidden, Mistake, Unauthenticated
from engagement.store import console_sessions, setup
from engagement.store.console_sessions import Session
from engagement.store.kept import Kept
from engagement.store.keys import ApiKey
from engagement.strategy.setup import Program
from engagement.workflows import access

LASTS_MS = 12 * 3_600_000
TOKEN_LETTERS = 64


class Begun(NamedTuple):
    """A session at the only moment when its token can be read."""

    token: str
    expires_at: int


class Beginning(NamedTuple):
    """Somebody who signs in. key : as it was typed      instead_of : the token so far, "" for none"""

    key: str
    instead_of: str


class SignedIn(NamedTuple):
    """Who looks at a page, and at which program. expires_at : when the session ends at the latest"""

    key: ApiKey
    program: Program
    expires_at: int


def begin(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[Beginning], now_ms: int
) -> list[Begun | Mistake]:
    """Signs people in; the session that a browser had before is ended."""
    console_sessions.forget_expired(conn, program_id, now_ms)
    return [_begun(conn, program_id, one, now_ms) for one in wanted]


def _begun(conn: Connection, program_id: str, one: Beginning, now_ms: int) -> Begun | Mistake:
    try:
        key = access.recognise(conn, one.key, now_ms)
    except Unauthenticated as unknown:
        return unknown
    if not key.opens("read"):
        return Forbidden(f"this needs the scope `read`; the key has: {', '.join(key.scopes)}")
    if program_of(one.instead_of) == program_id:
        console_sessions.end(conn, program_id, console_sessions.digest(one.instead_of))
    token = urlsafe_b64encode(UUID(program_id).bytes + secrets.token_bytes(32)).decode()
    ends = now_ms + LASTS_MS if key.expires_at is None else min(now_ms + LASTS_MS, key.expires_at)
    session = Session(program_id, key.key_id, now_ms, ends)
    console_sessions.insert_session(conn, session, console_sessions.digest(token))
    return Begun(token, ends)


def recognise(
    conn: Connection, kept: Kept, program_id: str, tokens: Sequence[str], now_ms: int
) -> list[SignedIn | None]:
    """Who holds each token; None where the session, or the key that opened it, has ended."""
    return [_recognised(conn, kept, program_id, token, now_ms) for token in tokens]


def _recognised(conn: Connection, kept: Kept, program_id: str, token: str, now_ms: int) -> SignedIn | None:
    found = console_sessions.by_digest(conn, program_id, console_sessions.digest(token))
    if found is None:
        return None
    session, key = found
    if session.expires_at <= now_ms or not key.is_live(now_ms):
        return None
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    return SignedIn(key, catalogue.program, session.expires_at)


def end(conn: Connection, _kept: Kept, program_id: str, tokens: Sequence[str], _now_ms: int) -> list[None]:
    """Signs people out."""
    for token in tokens:
        console_sessions.end(conn, program_id, console_sessions.digest(token))
    return [None] * len(tokens)


def program_of(token: str) -> str | None:
    """The program a token says it belongs to; None where it is no token at all."""
    if len(token) != TOKEN_LETTERS or not token.isascii():
        return None
    try:
        return str(UUID(bytes=urlsafe_b64decode(token)[:16]))
    except ValueError:
        return None
