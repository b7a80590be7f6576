"""`/v1/decisions/{id}`: the story of a decision, and what became of it."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.guards import needs
from engagement.api.service import Call, one, service_of
from engagement.store.kept import Kept
from engagement.workflows.answer import DecisionId, Reply, Standing, answer
from engagement.workflows.outcome import Earned, Posted, post_outcomes
from engagement.workflows.story import Story, story

Decision = FromPath[DecisionId]


@get("/v1/decisions/{decision_id:str}", guards=[needs("read")], tags=["decisions"])
async def tell_decision(request: Call, decision_id: Decision) -> Story:
    """Everything stored about a decision: what was known, believed, drawn, and what became of it."""
    service, audience = service_of(request), request.auth.audience

    def told(conn: Connection, kept: Kept, program_id: str, ids: Any, now_ms: int) -> list[Story]:
        return [
            story(conn, kept, program_id, name, audience, now_ms, simulated=service.simulated) for name in ids
        ]

    found: Story = await one(service, "read", Work(request.auth.program_id, told), decision_id)
    return found


@post(
    "/v1/decisions/{decision_id:str}/answers",
    status_code=200,
    guards=[needs("recommend")],
    tags=["decisions"],
)
async def answer_decision(request: Call, decision_id: Decision, data: JSONBody[Reply]) -> Standing:
    """Says what became of a decision: accepted, declined, replaced, done or not done."""
    service = service_of(request)
    work = Work(request.auth.program_id, answer)
    standing: Standing = await one(service, "record", work, (decision_id, data))
    return standing


@post(
    "/v1/decisions/{decision_id:str}/outcome", status_code=200, guards=[needs("signals")], tags=["decisions"]
)
async def post_outcome(request: Call, decision_id: Decision, data: JSONBody[Posted]) -> Earned:
    """Says what a decision earned: where the outcome is posted, or to correct one read from signals."""
    service = service_of(request)
    work = Work(request.auth.program_id, post_outcomes)
    earned: Earned = await one(service, "record", work, (decision_id, data))
    return earned
