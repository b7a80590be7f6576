"""`/v1/members/{id}/erasure`: a person goes, with everything of theirs."""

from typing import cast

from litestar import post

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, one, only, service_of
from engagement.api.terms import by_of
from engagement.workflows.acted import Deed, acted
from engagement.workflows.erase import Erased, Erasing, erase_members

TAGS = ("set-up",)


@post("/v1/members/{name:str}/erasure", status_code=200, guards=[Needs("admin")], tags=TAGS)
async def erase_member(request: Call, name: Name) -> Erased:
    """Erase a person: everything that is stored of them, for ever.

    Every id that they were merged with goes. It cannot be undone, is not tried with `dry_run`, and nothing is
    kept under an `Idempotency-Key`. Asked again it answers 404: nothing of them is here. Beliefs that had
    learned from them begin anew, and are folded again without them in the next round. What the group as a
    whole showed stays.
    """
    service = service_of(request)
    deed = Deed(by_of(request), erase_members, [Erasing(name, service.erasures)])
    made = await one(service, "record", Work(request.auth.program_id, acted), deed)
    service.wipe_soon()
    return cast("Erased", only(made))
