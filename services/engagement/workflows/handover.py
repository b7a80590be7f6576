"""Everything that is handed over at a site: a page for each of its groups, and one for the new keeper."""

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake
from engagement.store.kept import Kept
from engagement.workflows.group_handed import GroupHanded, HandedWanted, groups_handed
from engagement.workflows.keeper import Keeper, KeeperWanted, keepers, site_groups


class Handover(msgspec.Struct, frozen=True):
    """A site's handover. groups : those that have not ended, in order of their ids"""

    groups: tuple[GroupHanded, ...]
    keeper: Keeper
    simulated: bool = False


def handover(conn: Connection, kept: Kept, program_id: str, wanted: KeeperWanted, now_ms: int) -> Handover:
    """A site's handover as of a moment, from what is known by now.

    wanted : with a language every page is in it, without one each is in its own
    """
    (names,) = site_groups(conn, kept, program_id, [wanted.site], now_ms)
    (keeper,) = keepers(conn, kept, program_id, [wanted], now_ms)
    if isinstance(names, Mistake):
        raise names
    if isinstance(keeper, Mistake):
        raise keeper
    asked = [HandedWanted(name, wanted.language) for name in names]
    pages = groups_handed(conn, kept, program_id, asked, now_ms)
    return Handover(tuple(page for page in pages if isinstance(page, GroupHanded)), keeper)
