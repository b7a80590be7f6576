"""As whom a reader reads of each member: the one place where consent to share is heeded in what is told.

A health worker with whom a member does not share counts as a neighbour where that member is concerned.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.signal import Audience
from engagement.store import merges, setup
from engagement.strategy.setup import Consent, Member

NEVER_ASKED = Consent()
"""What holds for whoever was not looked up, and for whoever is not there any more."""


class Sight(NamedTuple):
    """One reader. audience : the reader's own      of_member : as whom each member looked up is read"""

    audience: Audience
    of_member: Mapping[str, Audience]

    def of(self, member: str | None) -> Audience:
        """The audience as which the reader counts; None for what is about a group as a whole."""
        if member is None:
            return self.audience
        return self.of_member.get(member, NEVER_ASKED.reader(self.audience))


def sight_of(conn: Connection, program_id: str, audience: Audience, members: Iterable[str | None]) -> Sight:
    """A reader, for these members as they agree now. Nothing is read where no consent changes anything.

    Whoever was merged into another id agrees to what that one agrees to.
    """
    names = {name for name in members if name is not None}
    if not names or NEVER_ASKED.reader(audience) == audience:
        return Sight(audience, {})
    persons = merges.merged(conn, program_id, sorted(names))
    kept = {name: persons[name].into if name in persons else name for name in names}
    found = setup.newest(conn, program_id, "member", sorted(set(kept.values())))
    agreed = {name: row.thing.consent for name, row in found.items() if isinstance(row.thing, Member)}
    return Sight(
        audience, {name: agreed[into].reader(audience) for name, into in kept.items() if into in agreed}
    )
