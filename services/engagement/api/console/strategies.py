"""Strategies compared: which keeps groups alive, by how much, and what its actions did."""

from collections.abc import Sequence

from sqlalchemy import Connection

from engagement.api.console.page import ConsolePage, Visit
from engagement.api.desk import Work
from engagement.api.service import Service
from engagement.store.kept import Kept
from engagement.workflows.compared import Compared, ComparedWanted, compared


async def gather(service: Service, visit: Visit) -> Compared:
    """Everything, beside the lanes: it may take some seconds."""
    wanted = ComparedWanted(visit.query.get("trial", ""), visit.query.get("strategy", ""))
    found: Compared = await service.beside.ask(Work(visit.who.key.program_id, compared), wanted)
    return found


def read(
    _conn: Connection, _kept: Kept, _program_id: str, visits: Sequence[Visit], _now_ms: int
) -> list[Compared]:
    """What was gathered."""
    return [visit.found for visit in visits]


PAGE = ConsolePage(
    "strategies", "/strategies", read, scope="research", audience="staff", menu=True, first=gather
)
