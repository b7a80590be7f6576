"""`/v1/decisions`: what waits to be done, the story of a decision, and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, cast

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter
from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import PAGE, After, DecisionName, InGroup, Limit, behind
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, each, one, service_of
from engagement.api.terms import TRIED, change, changes
from engagement.errors import EngagementError, Invalid, Mistake
from engagement.signals.signal import Audience
from engagement.store.kept import Kept
from engagement.workflows.answer import DecisionId, Reply, Standing, answer
from engagement.workflows.outcome import Earned, Posted, post_outcomes
from engagement.workflows.story import Story, story
from engagement.workflows.worklist import Wish, WorkList, WorkWanted, work_lists

MOST = 1_000


class Said(Reply, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a person says became of one of many decisions."""

    decision_id: DecisionId


class SaidMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of many decisions. Each gets its standing or its own problem, in the same order."""

    answers: Annotated[tuple[Said, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class Stood(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a decision stands now, or the problem with what was said of it."""

    standing: Standing | None = None
    problem: Problem | None = None


class StoodMany(msgspec.Struct, frozen=True):
    """Where the decisions stand, in the order in which they were named."""

    items: list[Stood]


@get("/v1/decisions", guards=[Needs("read")], tags=["decisions"])
async def list_work(
    request: Call,
    status: Annotated[Wish, QueryParameter(description="`open` is both others")] = "open",
    carrier: Annotated[Carrier | None, QueryParameter(description="Who carries it out")] = None,
    group: InGroup = "",
    due_before: Annotated[datetime | None, QueryParameter(description="What runs out before")] = None,
    after: After = "",
    limit: Limit = PAGE,
) -> WorkList:
    """List what waits to be done.

    Open suggestions, the oldest first: of one carrier (the adviser's list, the health worker's), of one
    group, or due before a moment. `accepted` are those to which somebody has said yes.
    """
    if due_before is not None and due_before.tzinfo is None:
        raise Invalid("`due_before` needs an offset, such as 2026-04-30T18:30:00Z")
    wanted = WorkWanted(
        status, carrier, group or None, due_before, behind(after), limit, request.auth.audience
    )
    found: WorkList = await one(
        service_of(request), "read", Work(request.auth.program_id, work_lists), wanted
    )
    return found


@post(
    "/v1/answers", status_code=200, guards=[Needs("recommend")], tags=["decisions"], each="answers", **TRIED
)
async def answer_many(request: Call, data: JSONBody[SaidMany]) -> StoodMany:
    """Say what became of up to 1,000 decisions.

    As one would of each; what is wrong with one harms no other.
    """
    replies = [
        (said.decision_id, Reply(said.status, said.reason, said.occurred_at))
        for said in data.answers
        if isinstance(said, Said)
    ]

    def tell(results: Sequence[Standing | EngagementError]) -> StoodMany:
        stood = iter(results)
        found = [next(stood) if isinstance(said, Said) else said for said in data.answers]
        return StoodMany(
            [
                Stood(problem=problem_of(row)) if isinstance(row, EngagementError) else Stood(standing=row)
                for row in found
            ]
        )

    return cast("StoodMany", await changes(request, answer, replies, tell))


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
    **TRIED,
)
async def answer_decision(request: Call, decision_id: DecisionName, data: JSONBody[Reply]) -> Standing:
    """Say what became of a decision.

    Accepted, declined, replaced, done or not done. Repeating the last reply changes nothing.
    """
    return cast("Standing", await change(request, answer, (decision_id, data)))


@post(
    "/v1/decisions/{decision_id:str}/outcome",
    status_code=200,
    guards=[Needs("signals")],
    tags=["decisions"],
    **TRIED,
)
async def post_outcome(request: Call, decision_id: DecisionName, data: JSONBody[Posted]) -> Earned:
    """Say what a decision earned.

    Where the strategy's outcome is posted, or to correct one that was read from signals.
    """
    return cast("Earned", await change(request, post_outcomes, (decision_id, data)))
