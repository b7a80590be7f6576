"""Who may call: keys as digests, never as they were given out."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, NamedTuple

from sqlalchemy import Connection, select

from engagement.signals.signal import Audience
from engagement.store import acts
from engagement.store import tables as t
from engagement.store.sql import insert

Scope = Literal["recommend", "signals", "read", "research", "admin"]


class ApiKey(NamedTuple):
    """A key as stored. Times in milliseconds, None where open."""

    program_id: str
    key_id: str
    scopes: tuple[Scope, ...]
    audience: Audience
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def opens(self, scope: Scope) -> bool:
        """Whether it has a scope; `admin` has them all."""
        return scope in self.scopes or "admin" in self.scopes

    def is_live(self, now_ms: int) -> bool:
        """Whether it opens anything now."""
        ended = self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now_ms)
        return not ended


def digest(key: str) -> bytes:
    """SHA-256 of the whole key: 256 random bits need no slow hash."""
    return sha256(key.encode()).digest()


def of_row(row: Sequence[object]) -> ApiKey:
    """A key from the columns `LISTED`."""
    program, key, scopes, *rest = row
    return ApiKey(program, key, tuple(str(scopes).split()), *rest)  # type: ignore[arg-type]  # as stored


LISTED = [t.api_keys.c[name] for name in ApiKey._fields]
"""Columns of a key, all but its digest."""


def insert_key(conn: Connection, key: ApiKey, secret: bytes) -> None:
    """Stores a key under its digest."""
    insert(conn, t.api_keys, [key._asdict() | {"scopes": " ".join(key.scopes), "digest": secret}])


def by_digest(conn: Connection, program_id: str, secret: bytes) -> ApiKey | None:
    """The program's key with this digest."""
    k = t.api_keys.c
    row = conn.execute(select(*LISTED).where(k.program_id == program_id, k.digest == secret)).first()
    return None if row is None else of_row(row)


def all_keys(conn: Connection, program_id: str) -> list[ApiKey]:
    """A program's keys, oldest first."""
    k = t.api_keys.c
    query = select(*LISTED).where(k.program_id == program_id).order_by(k.created_at, k.key_id)
    return [of_row(row) for row in conn.execute(query)]


def revoke(conn: Connection, program_id: str, key_id: str, now_ms: int) -> bool:
    """Ends a key; False when there is no such live key."""
    k = t.api_keys.c
    ended = (
        t.api_keys.update()
        .where(k.program_id == program_id, k.key_id == key_id, k.revoked_at.is_(None))
        .values(revoked_at=now_ms, revoked_act_id=acts.current(conn, program_id))
    )
    return conn.execute(ended).rowcount == 1
