"""Links that each open one page, kept like keys: as digests, never as they were given out."""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, select

from engagement.signals.signal import Audience
from engagement.store import tables as t
from engagement.store.sql import insert


class PageLink(NamedTuple):
    """A link as stored. opens : the kind of page      subject : whose, or of what. Times in milliseconds."""

    program_id: str
    link_id: str
    opens: str
    subject: str
    audience: Audience
    created_at: int
    expires_at: int
    revoked_at: int | None

    def is_live(self, now_ms: int) -> bool:
        """Whether it opens anything now."""
        return self.revoked_at is None and now_ms < self.expires_at


_listed = [t.page_links.c[name] for name in PageLink._fields]


def digest(token: str) -> bytes:
    """SHA-256 of the whole token: 128 random bits need no slow hash."""
    return sha256(token.encode()).digest()


def insert_link(conn: Connection, link: PageLink, secret: bytes) -> None:
    """Stores a link under its digest."""
    insert(conn, t.page_links, [link._asdict() | {"digest": secret}])


def by_digest(conn: Connection, program_id: str, secret: bytes) -> PageLink | None:
    """The program's link with this digest."""
    k = t.page_links.c
    row = conn.execute(select(*_listed).where(k.program_id == program_id, k.digest == secret)).first()
    return None if row is None else PageLink(*row)


def by_id(conn: Connection, program_id: str, link_id: str) -> PageLink | None:
    """The program's link with this id."""
    k = t.page_links.c
    row = conn.execute(select(*_listed).where(k.program_id == program_id, k.link_id == link_id)).first()
    return None if row is None else PageLink(*row)


def live(
    conn: Connection, program_id: str, audiences: Sequence[Audience], after: str, limit: int, now_ms: int
) -> list[PageLink]:
    """Links for these audiences that open something now, in order of id, from the first beyond `after`."""
    k = t.page_links.c
    query = (
        select(*_listed)
        .where(
            k.program_id == program_id,
            k.audience.in_(audiences),
            k.link_id > after,
            k.revoked_at.is_(None),
            k.expires_at > now_ms,
        )
        .order_by(k.link_id)
        .limit(limit)
    )
    return [PageLink(*row) for row in conn.execute(query)]


def forget_ended(conn: Connection, program_id: str, before_ms: int) -> int:
    """Deletes the links that ended before a moment; how many."""
    k = t.page_links.c
    ended = (k.expires_at < before_ms) | (k.revoked_at < before_ms)
    return conn.execute(t.page_links.delete().where(k.program_id == program_id, ended)).rowcount


def revoke(conn: Connection, program_id: str, link_id: str, now_ms: int) -> None:
    """Ends a link, once and for all."""
    k = t.page_links.c
    conn.execute(
        t.page_links.update()
        .where(k.program_id == program_id, k.link_id == link_id, k.revoked_at.is_(None))
        .values(revoked_at=now_ms)
    )
