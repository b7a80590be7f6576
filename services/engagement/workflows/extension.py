"""A site's end is moved: first what that would change, then the change, if nothing has changed meanwhile.

Phases follow the new day from then on; no stored decision changes.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Phase
from engagement.errors import Mistake, NotFound
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.strategy.cadence import local_date
from engagement.strategy.ending import last_day, offered
from engagement.strategy.setup import Catalogue, Site, phase
from engagement.workflows.crew import all_names
from engagement.workflows.edit import Condition, Edit, edit


class NewEnd(msgspec.Struct, frozen=True):
    """A wish to have the program end at a site on a day, None for no end. revision : of the site as seen"""

    site: str
    ends_on: date | None
    revision: int | None = None


class Ends(msgspec.Struct, frozen=True):
    """When things are over at a site. handover_from : the first day of the handover"""

    ends_on: date | None
    handover_from: date | None
    phase: Phase


class ActionMoved(msgspec.Struct, frozen=True):
    """An action whose last day moves; null: none is set."""

    action: str
    title: str
    was: date | None
    will_be: date | None


class EndMoved(msgspec.Struct, frozen=True):
    """What moving the end changes. revision : of the site, for the change itself

    groups : that have not ended      actions : those offered whose last day there moves
    """

    site: str
    title: str
    revision: int
    today: date
    was: Ends
    will_be: Ends
    groups: int
    actions: tuple[ActionMoved, ...]

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return self.was.ends_on != self.will_be.ends_on


class _Stands(NamedTuple):
    site: Site
    revision: int


def preview_ends(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[NewEnd], now_ms: int
) -> list[EndMoved | Mistake]:
    """What each wish would change; nothing is stored."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    found = setup.newest(conn, program_id, "site", sorted({one.site for one in wanted}))
    groups = units.groups(conn, program_id, all_names(conn, program_id, "group"))
    there = Counter(row.group.site for row in groups.values() if not row.group.ended)
    return [_moved(catalogue, one, found.get(one.site), there[one.site], today) for one in wanted]


def _moved(
    catalogue: Catalogue, wanted: NewEnd, found: Revised | None, groups: int, today: date
) -> EndMoved | Mistake:
    if found is None or not isinstance(found.thing, Site):
        return NotFound(f"there is no site `{wanted.site}` in this program")
    before = found.thing
    after = msgspec.structs.replace(before, ends_on=wanted.ends_on)
    days = [(row, last_day(row, before), last_day(row, after)) for row in offered(catalogue)]
    return EndMoved(
        before.id,
        before.title,
        found.revision,
        today,
        _ends(before, today),
        _ends(after, today),
        groups,
        tuple(ActionMoved(row.id, row.title, was, will_be) for row, was, will_be in days if was != will_be),
    )


def _ends(site: Site, today: date) -> Ends:
    begins = None if site.ends_on is None else site.ends_on - timedelta(days=site.handover_days - 1)
    return Ends(site.ends_on, begins if site.handover_days else None, phase(site, today))


def move_ends(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[NewEnd], now_ms: int
) -> list[Revised | Mistake]:
    """Moves ends in the order given, each only while its site stands as it was seen."""
    return [_move(conn, kept, program_id, one, now_ms) for one in wanted]


def _move(conn: Connection, kept: Kept, program_id: str, one: NewEnd, now_ms: int) -> Revised | Mistake:
    found = setup.newest(conn, program_id, "site", [one.site]).get(one.site)
    if found is None or not isinstance(found.thing, Site):
        return NotFound(f"there is no site `{one.site}` in this program")
    if found.thing.ends_on == one.ends_on:
        return found
    site = msgspec.structs.replace(found.thing, ends_on=one.ends_on)
    seen = None if one.revision is None else frozenset((one.revision,))
    return edit(conn, kept, program_id, [Edit(site, Condition(among=seen))], now_ms)[0]
