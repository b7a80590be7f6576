"""`/v1/groups/{id}/adviser-candidates`: who leads a group, and who could."""

from typing import cast

from litestar import get

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, one, service_of
from engagement.workflows.adviser_candidates import AdviserCandidates, Wanted, adviser_candidates


@get("/v1/groups/{group_id:str}/adviser-candidates", guards=[Needs("read")], tags=["engagement"])
async def group_adviser_candidates(request: Call, group_id: Name) -> AdviserCandidates:
    """Tell who leads a group, and who could.

    Positive deviants in the order in which to ask them: a score with its parts and what it rests on, reasons
    in plain words, what is missing, and where each stands on an adviser's path. A key that may see less than
    the program's staff sees only who leads the group. Nothing is decided by it: somebody becomes an adviser
    or a deputy by a membership with that role.
    """
    service = service_of(request)
    wanted = Wanted(group_id, request.auth.audience, service.simulated)
    work = Work(request.auth.program_id, adviser_candidates)
    return cast("AdviserCandidates", await one(service, "read", work, wanted))
