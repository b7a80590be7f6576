"""`/v1/referrals`: safety cases that wait for an answer."""

import msgspec
from litestar import get

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.service import Call, one, service_of
from engagement.workflows.safety import OpenReferral, open_referrals


class OpenReferrals(msgspec.Struct, frozen=True):
    """The open referrals of a program, who has waited longest first."""

    items: tuple[OpenReferral, ...]


@get("/v1/referrals", guards=[Needs("read")], tags=["referrals"])
async def list_referrals(request: Call) -> OpenReferrals:
    """List the safety cases that wait for an answer.

    The oldest first, with the role to turn to and the time to answer by. A key sees the kinds of case
    that its audience may: only staff and researchers see all.
    """
    work = Work(request.auth.program_id, open_referrals)
    return OpenReferrals(await one(service_of(request), "read", work, request.auth.audience))
