"""What nobody needs any more goes by itself, once a day."""

from engagement.actions.availability import DAY_MS
from engagement.store import console_sessions, page_links
from engagement.store.database import Database

LINKS_MS = 30 * DAY_MS
"""How long a link that has ended is still told of: who asks why it opens nothing is told that it ended."""


def forget_ended(db: Database, program_id: str, now_ms: int) -> None:
    """Deletes sessions whose time is over, and links that ended a month ago."""
    with db.write(program_id) as conn:
        console_sessions.forget_expired(conn, program_id, now_ms)
        page_links.forget_ended(conn, program_id, now_ms - LINKS_MS)
