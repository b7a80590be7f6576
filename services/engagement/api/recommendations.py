"""`/v1/recommendations`: what to try next, for one member or up to a thousand."""

import time
from typing import Annotated

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, Service, began, one, service_of
from engagement.errors import EngagementError, Fault
from engagement.store.keys import ApiKey
from engagement.workflows.everybody import AskAll, Everybody, everybody
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation, safe_default, seen_by

MOST = 1_000
FEW = 16
"""Up to so many units are answered within the deadline; a thousand within 2 seconds."""
MANY_S = 2.0


class AskMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many requests at once. Each gets its own answer or its own problem, in the same order."""

    requests: Annotated[tuple[Ask, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class Answered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer: a recommendation, or the problem with that request."""

    recommendation: Recommendation | None = None
    problem: Problem | None = None


class AnsweredMany(msgspec.Struct, frozen=True):
    """The answers, in the order of the requests."""

    answers: list[Answered]


class AnsweredAll(msgspec.Struct, frozen=True):
    """The answers, one a unit. next : go on behind it; null when nobody is left."""

    answers: list[Answered]
    next: str | None


async def decide(
    service: Service, key: ApiKey, asks: tuple[Ask, ...], began_s: float
) -> list[Recommendation | EngagementError]:
    """Asks the desk; what does not come in time, or finds the desk full, is the safe default.

    key : whose program is asked about, and who reads the answers
    began_s : when the request came in, on the clock of `time.perf_counter`
    """
    within_s = service.settings.deadline_ms / 1000 if len(asks) <= FEW else MANY_S
    spent_s = time.perf_counter() - began_s
    answers = await service.desk.ask(
        "decide", Work(key.program_id, service.recommend), asks, deadline_s=within_s - spent_s
    )
    answers = [
        safe_default(ask.member, ask.group, simulated=service.simulated)
        if isinstance(answer, Fault)
        else answer
        for ask, answer in zip(asks, answers, strict=True)
    ]
    _count(service, answers)
    return [seen_by(key.audience, told) if isinstance(told, Recommendation) else told for told in answers]


def _count(service: Service, answers: list[Recommendation | EngagementError]) -> None:
    for answer in answers:
        if not isinstance(answer, Recommendation):
            continue
        by = "belief"
        if answer.withheld is not None:
            by = "withheld"
        elif answer.fallback is not None:
            by = "deadline" if answer.decision_id is None else "fallback"
        elif answer.arm in ("control", "shadow"):
            by = "baseline"
        service.metrics.recommendations.labels(answer.action.kind, by).inc()


async def _decided(request: Call, asks: tuple[Ask, ...]) -> list[Recommendation | EngagementError]:
    return await decide(service_of(request), request.auth, asks, began(request))


@post("/v1/recommendations", status_code=200, guards=[Needs("recommend")], tags=["recommendations"])
async def recommend_one(request: Call, data: JSONBody[Ask]) -> Recommendation:
    """Ask what to try next for one member.

    Asking again for the same decision point, or while a decision is open, returns that decision.
    """
    answer = (await _decided(request, (data,)))[0]
    if isinstance(answer, EngagementError):
        raise answer
    return answer


@post("/v1/recommendations/all", status_code=200, guards=[Needs("recommend")], tags=["recommendations"])
async def recommend_all(request: Call, data: JSONBody[AskAll]) -> AnsweredAll:
    """Ask for everybody of a group or of the program.

    Members, advisers or groups, up to 1,000 at a time, in order of id; go on behind `next`. Each gets its
    own answer or its own problem.
    """
    service = service_of(request)
    found: Everybody = await one(service, "read", Work(request.auth.program_id, everybody), data)
    answers = await _decided(request, found.asks)
    return AnsweredAll([_answered(answer) for answer in answers], found.next)


@post(
    "/v1/recommendations/batch",
    status_code=200,
    guards=[Needs("recommend")],
    tags=["recommendations"],
    each="requests",
)
async def recommend_many(request: Call, data: JSONBody[AskMany]) -> AnsweredMany:
    """Ask what to try next for up to 1,000 members.

    Each gets its own answer or its own problem, in the order asked.
    """
    sound = tuple(ask for ask in data.requests if isinstance(ask, Ask))
    decided = iter(await _decided(request, sound))
    answers = [next(decided) if isinstance(ask, Ask) else ask for ask in data.requests]
    return AnsweredMany([_answered(answer) for answer in answers])


def _answered(answer: Recommendation | EngagementError) -> Answered:
    if isinstance(answer, EngagementError):
        return Answered(problem=problem_of(answer))
    return Answered(recommendation=answer)
