"""`/v1/decisions/{id}`: the story of a decision, and what became of it."""

from collections.abc import Sequence
from typing import NamedTuple

from litestar import get, post
from litestar.params import JSONBody
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import DecisionName
from engagement.api.service import Call, each, one, service_of
from engagement.errors import Mistake
from engagement.signals.signal import Audience
from engagement.store.kept import Kept
from engagement.workflows.answer import Reply, Standing, answer
from engagement.workflows.outcome import Earned, Posted, post_outcomes
from engagement.workflows.story import Story, story


@get("/v1/decisions/{decision_id:str}", guards=[Needs("read")], tags=["decisions"])
async def tell_decision(request: Call, decision_id: DecisionName) -> Story:
    """Tell a decision from beginning to end.

    What was known, believed and drawn, what became of it, and what it earned.
    """
    service = service_of(request)
    work = Work(request.auth.program_id, stories)
    wanted = Wanted(decision_id, request.auth.audience, service.simulated)
    found: Story = await one(service, "read", work, wanted)
    return found


class Wanted(NamedTuple):
    """A story, for a reader."""

    decision_id: str
    audience: Audience
    simulated: bool


def stories(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Wanted], now_ms: int
) -> list[Story | Mistake]:
    """The story of each decision, as far as its reader may see it."""
    return each(
        lambda one: story(
            conn, kept, program_id, one.decision_id, one.audience, now_ms, simulated=one.simulated
        ),
        wanted,
    )


@post(
    "/v1/decisions/{decision_id:str}/answers",
    status_code=200,
    guards=[Needs("recommend")],
    tags=["decisions"],
)
async def answer_decision(request: Call, decision_id: DecisionName, data: JSONBody[Reply]) -> Standing:
    """Say what became of a decision.

    Accepted, declined, replaced, done or not done. Repeating the last reply changes nothing.
    """
    service = service_of(request)
    work = Work(request.auth.program_id, answer)
    standing: Standing = await one(service, "record", work, (decision_id, data))
    return standing


@post(
    "/v1/decisions/{decision_id:str}/outcome", status_code=200, guards=[Needs("signals")], tags=["decisions"]
)
async def post_outcome(request: Call, decision_id: DecisionName, data: JSONBody[Posted]) -> Earned:
    """Say what a decision earned.

    Where the strategy's outcome is posted, or to correct one that was read from signals.
    """
    service = service_of(request)
    work = Work(request.auth.program_id, post_outcomes)
    earned: Earned = await one(service, "record", work, (decision_id, data))
    return earned
