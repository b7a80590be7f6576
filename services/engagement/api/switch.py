"""`/v1/program/stop` and `/resume`: the program's switch, who threw it, why and when."""

from typing import cast

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, act
from engagement.strategy.setup import Switched
from engagement.workflows.switch import Switch, Throw, switched, throw

TAGS = ("set-up",)


class Switches(msgspec.Struct, frozen=True):
    """How the switch stands, and how it stood before, the newest first."""

    items: tuple[Switch, ...]


@post("/v1/program/stop", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def stop_program(request: Call, data: JSONBody[Switched]) -> Switch:
    """Recommend nothing more, to anybody, from the next request on.

    Signals, answers and outcomes are taken as ever, work lists are empty. Stopping twice changes nothing.
    """
    return await _throw(request, Throw(True, data))


@post("/v1/program/resume", status_code=200, guards=[Needs("admin")], tags=TAGS, **TRIED)
async def resume_program(request: Call, data: JSONBody[Switched]) -> Switch:
    """Recommend again, from the next request on.

    Only this switches a stopped program on; a change of the program does not.
    """
    return await _throw(request, Throw(False, data))


@get("/v1/program/switch", guards=[Needs("read")], tags=TAGS)
async def list_switches(request: Call) -> Switches:
    """Tell how the program's switch stands, and who threw it when and why.

    The first is how it stands, the last how the program began.
    """
    work = Work(request.auth.program_id, switched)
    return Switches(await one(service_of(request), "read", work, None))


async def _throw(request: Call, wanted: Throw) -> Switch:
    return cast("Switch", await act(request, throw, wanted))
