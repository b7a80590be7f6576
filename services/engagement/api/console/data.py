"""How far the data can be trusted: who reports, how late, and where somebody should look."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.service import Service
from engagement.errors import Unavailable
from engagement.store import setup
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
    """Reads every register of the program, beside the lanes: that may take long."""
    found: Data = await service.beside.ask(Work(visit.who.key.program_id, looked), None)
    return found


def looked(conn: Connection, kept: Kept, program_id: str, wanted: Sequence[None], now_ms: int) -> list[Data]:
    """What stands behind all registers, for everybody who asks."""
    program = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id)).program
    names = all_names(conn, program_id, "group")
    today = local_date(now_ms, program.time_zone)
    return [Data(len(names), trust(conn, program_id, names, program.time_zone, today))] * len(wanted)


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[Data | Unavailable]:
    """What was found beforehand."""
    return [visit.found if isinstance(visit.found, Data) else Unavailable() for visit in visits]


PAGE = ConsolePage("data", "/data", read, audience="staff", under="program", first=first)
