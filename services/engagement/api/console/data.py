"""How far the data can be trusted: who reports, how late, and where somebody should look."""

import asyncio
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.service import Service
from engagement.errors import Unavailable
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.workflows.crew import all_names
from engagement.workflows.trust import ALL_RUN, SAME_RUN, Trust, trust


class Data(msgspec.Struct, frozen=True):
    """What stands behind attendance and meetings. groups : how many were looked at"""

    groups: int
    trust: Trust

    @property
    def to_look_at(self) -> int:
        """How many groups somebody should look at."""
        runs = {row.group for row in (*self.trust.same, *self.trust.everybody)}
        return len(runs | {row.group for row in self.trust.disagree})

    @property
    def same_run(self) -> int:
        """So many registers in a row that are alike look copied."""
        return SAME_RUN

    @property
    def all_run(self) -> int:
        """So many meetings in a row to which all came look too good."""
        return ALL_RUN


async def first(service: Service, visit: Visit) -> Data:
    """Reads every register of the program; that may take long, so no lane waits for it."""
    return await asyncio.to_thread(_data, service, visit)


def _data(service: Service, visit: Visit) -> Data:
    program_id, zone = visit.who.key.program_id, visit.who.program.time_zone
    today = local_date(service.clock.now_ms(), zone)
    with service.db.read() as conn:
        names = all_names(conn, program_id, "group")
        return Data(len(names), trust(conn, program_id, names, zone, today))


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[Data | Unavailable]:
    """What was found beforehand."""
    return [visit.found if isinstance(visit.found, Data) else Unavailable() for visit in visits]


PAGE = ConsolePage("data", "/data", read, audience="staff", under="program", first=first)
