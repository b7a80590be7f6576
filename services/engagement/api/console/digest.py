"""A week in at most eight lines, to read and to forward."""

from collections.abc import Sequence

from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.service import Service, one
from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.workflows.digest import (
    NO_GROUPS,
    Digest,
    DigestWanted,
    GroupsNow,
    digests,
    groups_now,
)


async def first(service: Service, visit: Visit) -> GroupsNow:
    """How all groups stand, part by part."""
    found = NO_GROUPS
    while found.after is not None:
        work = Work(visit.who.key.program_id, groups_now)
        part: GroupsNow = await one(service, "read", work, found.after)
        found = found.plus(part)
    return found


def read(
    conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int
) -> list[Digest | Mistake]:
    """The digest of each visitor, in the language of the page."""
    wanted = [
        DigestWanted(visit.audience, visit.language, visit.found or NO_GROUPS)  # type: ignore[arg-type]  # one of the console's
        for visit in visits
    ]
    return digests(conn, kept, program_id, wanted, now_ms)


PAGE = ConsolePage("digest", "/digest", read, under="program", first=first)
