"""`/v1/trials/{id}/assignments`: who is in which arm. Trials are set up with the other nouns."""

from typing import cast

from litestar import get, post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import PAGE, After, Limit, Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import KEYED, act
from engagement.workflows.trial import AssignedTold, ToAssign, assign_asked
from engagement.workflows.trial_told import TrialTold, tell_trials

TAGS = ["trials"]


@post("/v1/trials/{name:str}/assignments", status_code=200, guards=[Needs("admin")], tags=TAGS, **KEYED)
async def assign_groups(request: Call, name: Name, data: JSONBody[ToAssign]) -> AssignedTold:
    """Assign groups to the arms of a trial.

    Those that are named, or all that take part. Whoever has an arm keeps it: asking again changes nothing. A
    group that nobody assigned is, with the first recommendation or plan that is about it.
    """
    return cast("AssignedTold", await act(request, assign_asked, (name, data)))


@get("/v1/trials/{name:str}/assignments", guards=[Needs("research")], tags=TAGS)
async def read_assignments(request: Call, name: Name, after: After = "", limit: Limit = PAGE) -> TrialTold:
    """Tell how a trial stands.

    Its arms and who is in them, the hash of the protocol, and health workers or places that serve two arms.
    Who comes next cannot be read: it is drawn when they come.
    """
    work = Work(request.auth.program_id, tell_trials)
    found: TrialTold = await one(service_of(request), "read", work, (name, after, limit))
    return found


HANDLERS = (assign_groups, read_assignments)
