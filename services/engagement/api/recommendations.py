"""`/v1/recommendations`: what to try next, for one member or up to a thousand."""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, Service, began, one, only, service_of
from engagement.api.terms import TRIED, Unfinished, changes, in_parts, is_dry_run
from engagement.errors import EngagementError, Fault, Mistake
from engagement.store.keys import ApiKey
from engagement.telemetry import DECIDERS, NO_PHASE
from engagement.workflows.everybody import AskAll, Everybody, everybody
from engagement.workflows.recommend import Ask
from engagement.workflows.recommend_to import AnswerFor, AskedBy
from engagement.workflows.rehearse import rehearse_decisions
from engagement.workflows.tell import Recommendation, moment, safe_default, seen_by

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
    answers = await service.desk.ask(
        "decide",
        Work(key.program_id, service.recommend),
        _by(key, asks),
        deadline_s=_left_s(service, len(asks), began_s),
    )
    return _told(service, asks, answers, began_s)


def _by(key: ApiKey, asks: Sequence[Ask]) -> tuple[AskedBy, ...]:
    """The requests, with whoever reads the answers."""
    return tuple(AskedBy(ask, key.audience) for ask in asks)


def _left_s(service: Service, how_many: int, began_s: float) -> float:
    """How long a request that has begun may still take."""
    within_s = service.settings.deadline_ms / 1000 if how_many <= FEW else MANY_S
    return within_s - (time.perf_counter() - began_s)


def _told(
    service: Service,
    asks: Sequence[Ask],
    answers: Sequence[AnswerFor | Mistake | Fault],
    began_s: float,
    *,
    count: bool = True,
) -> list[Recommendation | EngagementError]:
    """The desk's answers as their reader may see them. count : in the metrics"""
    if count:
        _count(service, [_whole(service, *pair) for pair in zip(asks, answers, strict=True)], began_s)
    return [
        seen_by(answer.sight, answer.whole) if isinstance(answer, AnswerFor) else _whole(service, ask, answer)
        for ask, answer in zip(asks, answers, strict=True)
    ]


def _whole(service: Service, ask: Ask, answer: AnswerFor | Mistake | Fault) -> Recommendation | Mistake:
    """An answer before anything is taken from it; for a fault the safe default, which hides nothing."""
    if isinstance(answer, Fault):
        return safe_default(ask.member, ask.group, simulated=service.simulated)
    return answer.whole if isinstance(answer, AnswerFor) else answer


def _count(service: Service, answers: Sequence[Recommendation | EngagementError], began_s: float) -> None:
    metrics = service.metrics
    came = moment(service.clock.now_ms() - int(1000 * (time.perf_counter() - began_s)))
    refused = metrics.refusals.number
    for answer in answers:
        if not isinstance(answer, Recommendation):
            continue
        by = "belief"
        if answer.withheld is not None:
            by = "withheld"
            metrics.withheld[answer.withheld].inc()
        elif answer.fallback is not None:
            by = "deadline" if answer.decision_id is None else "fallback"
            metrics.fallbacks[answer.fallback].inc()
        elif answer.arm in ("control", "shadow"):
            by = "baseline"
        decided = by in DECIDERS[:3]
        phase = answer.phase if decided and answer.phase is not None else NO_PHASE
        metrics.answered[answer.action.kind, by, phase].inc()
        if answer.decided_at is not None and answer.decided_at < came:
            metrics.repeated.inc()
        for row in answer.unavailable:
            refused[row.reason] += 1


async def _decided(
    request: Call,
    asks: tuple[Ask, ...],
    tell: Callable[[Sequence[Recommendation | EngagementError]], Any],
) -> Any:
    """Asks the desk on the terms of the request. tell : makes the answer of all of them"""
    service, key = service_of(request), request.auth
    tried = is_dry_run(request)
    return await changes(
        request,
        service.recommend,
        _by(key, asks),
        lambda answers: tell(_told(service, asks, answers, began(request), count=not tried)),
        rehearsed=rehearse_decisions,
        lane="decide",
        deadline_s=_left_s(service, len(asks), began(request)),
    )


@post("/v1/recommendations", status_code=200, guards=[Needs("recommend")], tags=["recommendations"], **TRIED)
async def recommend_one(request: Call, data: JSONBody[Ask]) -> Recommendation:
    """Ask what to try next for one member.

    Asking again for the same decision point, or while a decision is open, returns that decision.
    """
    return cast("Recommendation", await _decided(request, (data,), only))


@post(
    "/v1/recommendations/all",
    status_code=200,
    guards=[Needs("recommend")],
    tags=["recommendations"],
    **TRIED,
)
async def recommend_all(request: Call, data: JSONBody[AskAll]) -> AnsweredAll:
    """Ask for everybody of a group or of the program.

    Members, advisers or groups, up to 1,000 at a time, in order of id; go on behind `next`. Each gets its
    own answer or its own problem.
    """
    service, key = service_of(request), request.auth

    async def decided() -> AnsweredAll | Unfinished:
        found: Everybody = await one(service, "read", Work(key.program_id, everybody), data)
        if is_dry_run(request):
            answers = await _decided(request, found.asks, list)
        else:
            answers = await decide(service, key, found.asks, began(request))
        whole = AnsweredAll([_answered(answer) for answer in answers], found.next)
        late = any(isinstance(told, Recommendation) and told.fallback == "deadline" for told in answers)
        return Unfinished(whole) if late else whole

    return cast("AnsweredAll", await in_parts(request, decided))


@post(
    "/v1/recommendations/batch",
    status_code=200,
    guards=[Needs("recommend")],
    tags=["recommendations"],
    each="requests",
    **TRIED,
)
async def recommend_many(request: Call, data: JSONBody[AskMany]) -> AnsweredMany:
    """Ask what to try next for up to 1,000 members.

    Each gets its own answer or its own problem, in the order asked.
    """
    sound = tuple(ask for ask in data.requests if isinstance(ask, Ask))

    def tell(decided: Sequence[Recommendation | EngagementError]) -> AnsweredMany:
        following = iter(decided)
        answers = [next(following) if isinstance(ask, Ask) else ask for ask in data.requests]
        return AnsweredMany([_answered(answer) for answer in answers])

    return cast("AnsweredMany", await _decided(request, sound, tell))


def _answered(answer: Recommendation | EngagementError) -> Answered:
    if isinstance(answer, EngagementError):
        return Answered(problem=problem_of(answer))
    return Answered(recommendation=answer)
