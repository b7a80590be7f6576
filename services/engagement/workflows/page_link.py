"""Links to pages for people who type no key: made, listed, ended, and recognised.

A token is 43 letters: the program's id, so that the look-up knows where to look, and 128 random bits.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Id
from engagement.errors import Forbidden, Mistake, NotFound
from engagement.signals.signal import AUDIENCES, Audience, may_see
from engagement.store import page_links
from engagement.store.kept import Kept
from engagement.store.page_links import PageLink
from engagement.workflows.tell import moment

HOUR_MS = 3_600_000
LONGEST_HOURS = 31 * 24
TOKEN_LETTERS = 43
Hours = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_HOURS)]
May = Callable[[Connection, Kept, str, str, int], None]
"""(connection, memory, program, subject, now_ms): raises a `Mistake` where there is nothing to open."""


class LinkAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a link is to open.

    opens : the kind of page      of : whose page, or of what: an id, or a kind of carrier
    hours : how long it works     audience : whose eyes the page is for, never more than the key's own
    """

    opens: str
    of: Id
    hours: Hours = 72
    audience: Audience = "adviser"


class LinkSeen(msgspec.Struct, frozen=True):
    """A link as it may be listed: all but what opens it."""

    link_id: str
    opens: str
    of: str
    audience: Audience
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class LinkMade(LinkSeen, frozen=True):
    """A new link. path : what opens it, below the service's address; it is never told again"""

    path: str = ""


class Minting(NamedTuple):
    """A link to be made. may : whether there is such a page      audience : the key's"""

    ask: LinkAsk
    may: May
    audience: Audience


class LinksWanted(NamedTuple):
    """A part of the list of live links, for a reader."""

    after: str
    limit: int
    audience: Audience


class Ending(NamedTuple):
    """A link to be ended, by a key with this audience that could have made links to such pages."""

    link_id: str
    audience: Audience
    pages: frozenset[str]


def mint(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Minting], now_ms: int
) -> list[LinkMade | Mistake]:
    """Makes links; only their digests are stored."""
    return [_minted(conn, kept, program_id, one, now_ms) for one in wanted]


def _minted(
    conn: Connection, kept: Kept, program_id: str, wanted: Minting, now_ms: int
) -> LinkMade | Mistake:
    ask = wanted.ask
    if not may_see(wanted.audience, ask.audience):
        return Forbidden(f"a key for the audience `{wanted.audience}` cannot open a page to `{ask.audience}`")
    try:
        wanted.may(conn, kept, program_id, ask.of, now_ms)
    except Mistake as mistake:
        return mistake
    token = urlsafe_b64encode(UUID(program_id).bytes + secrets.token_bytes(16)).decode().rstrip("=")
    ends = now_ms + ask.hours * HOUR_MS
    link = PageLink(program_id, secrets.token_hex(8), ask.opens, ask.of, ask.audience, now_ms, ends, None)
    page_links.insert_link(conn, link, page_links.digest(token))
    return LinkMade(**msgspec.structs.asdict(_seen(link)), path=f"/l/{token}")


def listed(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[LinksWanted], now_ms: int
) -> list[list[LinkSeen]]:
    """The live links that each reader could have made, in order of id."""
    return [
        [*map(_seen, page_links.live(conn, program_id, _within(one.audience), one.after, one.limit, now_ms))]
        for one in wanted
    ]


def _within(audience: Audience) -> tuple[Audience, ...]:
    """The audiences whose pages a reader may see."""
    return tuple(name for name in AUDIENCES if may_see(audience, name))


def end(
    conn: Connection, _kept: Kept, program_id: str, wanted: Sequence[Ending], now_ms: int
) -> list[LinkSeen | Mistake]:
    """Ends links; one that has ended already stays as it is."""
    return [_ended(conn, program_id, one, now_ms) for one in wanted]


def _ended(conn: Connection, program_id: str, wanted: Ending, now_ms: int) -> LinkSeen | Mistake:
    link = page_links.by_id(conn, program_id, wanted.link_id)
    if link is None or link.opens not in wanted.pages or not may_see(wanted.audience, link.audience):
        return NotFound(f"there is no link `{wanted.link_id}` in this program")
    if link.revoked_at is None:
        page_links.revoke(conn, program_id, link.link_id, now_ms)
        link = link._replace(revoked_at=now_ms)
    return _seen(link)


def program_of(token: str) -> str | None:
    """The program a token says it belongs to; None where it is no token at all."""
    if len(token) != TOKEN_LETTERS or not token.isascii():
        return None
    try:
        return str(UUID(bytes=urlsafe_b64decode(token + "=")[:16]))
    except ValueError:
        return None


Unopened = Literal["unknown", "ended"]
"""Why a token opens nothing: it was cut off or never given out, or its time is over."""


def recognise(
    conn: Connection, _kept: Kept, program_id: str, tokens: Sequence[str], now_ms: int
) -> list[PageLink | Unopened]:
    """The live link behind each token."""
    return [_recognised(conn, program_id, token, now_ms) for token in tokens]


def _recognised(conn: Connection, program_id: str, token: str, now_ms: int) -> PageLink | Unopened:
    link = page_links.by_digest(conn, program_id, page_links.digest(token))
    if link is None:
        return "unknown"
    return link if link.is_live(now_ms) else "ended"


def _seen(link: PageLink) -> LinkSeen:
    return LinkSeen(
        link.link_id,
        link.opens,
        link.subject,
        link.audience,
        moment(link.created_at),
        moment(link.expires_at),
        None if link.revoked_at is None else moment(link.revoked_at),
    )
