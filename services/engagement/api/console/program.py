"""The program as a whole: whether it recommends, when it ends where, and the ways to set it up."""

from collections.abc import Sequence
from datetime import date

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Phase
from engagement.api.console.page import ConsolePage, Visit
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import days_to_end, phase
from engagement.workflows.switch import Switch, switched


class SiteSeen(msgspec.Struct, frozen=True):
    """A site, and how far its end is. days : until then, negative after it, None where no end is set"""

    site: str
    title: str
    ends_on: date | None
    phase: Phase
    days: int | None


class Hub(msgspec.Struct, frozen=True):
    """The program. switch : how it stands      sites : who ends next comes first

    admin, signals : what the key's holder may do
    """

    switch: Switch
    sites: tuple[SiteSeen, ...]
    admin: bool
    signals: bool
    staff: bool


def read(conn: Connection, kept: Kept, program_id: str, visits: Sequence[Visit], now_ms: int) -> list[Hub]:
    """The program as each visitor may see it."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    ((switch, *_),) = switched(conn, kept, program_id, [None], now_ms)
    sites = sorted(
        (
            SiteSeen(row.id, row.title, row.ends_on, phase(row, today), days_to_end(row, today))
            for row in catalogue.sites.values()
        ),
        key=lambda row: (row.ends_on or date.max, row.site),
    )
    return [
        Hub(
            switch,
            tuple(sites),
            admin=visit.who.key.opens("admin"),
            signals=visit.who.key.opens("signals"),
            staff=visit.audience in ("staff", "research"),
        )
        for visit in visits
    ]


PAGE = ConsolePage("program", "/program", read, menu=True)
