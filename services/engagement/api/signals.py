"""`/v1/signals`: what was observed."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.api.guards import Needs
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, service_of
from engagement.api.terms import TRIED, changes
from engagement.errors import EngagementError, Fault, Invalid, Mistake
from engagement.signals.catalogue import BY_KIND
from engagement.signals.safety import REFERRAL_ANSWERED
from engagement.signals.signal import Audience, may_see
from engagement.workflows.ingest import Receipt, Signal, ingest

MOST = 1_000


class Signals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1,000 signals, in any order, late or repeated."""

    signals: Annotated[tuple[Signal, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class Received(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signal's receipt, or the problem with it."""

    receipt: Receipt | None = None
    problem: Problem | None = None


class ReceivedMany(msgspec.Struct, frozen=True):
    """What became of the signals, in their order."""

    results: list[Received]


def _allowed(report: Signal | Mistake, audience: Audience) -> Signal | Mistake:
    """A report, unless it changes or answers what the key's audience may not even see."""
    if isinstance(report, Mistake) or report.kind not in BY_KIND:
        return report
    changes = report.corrects is not None or report.kind == REFERRAL_ANSWERED.kind
    if changes and not may_see(audience, BY_KIND[report.kind].audience):
        return Invalid(f"this key may report {report.kind}, and neither correct nor answer it")
    return report


async def take(
    request: Call,
    reports: Sequence[Signal | Mistake],
    tell: Callable[[list[Receipt | EngagementError]], Any],
) -> Any:
    """Takes reports on the terms of their request; one that is a mistake already stays one.

    tell : makes the answer of what became of each, in order

    raises : the fault, where none could be taken
    """
    service = service_of(request)
    checked = [_allowed(report, request.auth.audience) for report in reports]
    sound = [report for report in checked if isinstance(report, Signal)]

    def whole(stored: Sequence[Receipt | EngagementError]) -> list[Receipt | EngagementError]:
        following = iter(stored)
        results = [next(following) if isinstance(report, Signal) else report for report in checked]
        if all(isinstance(result, Fault) for result in results):
            raise cast("Fault", results[0])
        return results

    def note(stored: Sequence[Receipt | EngagementError]) -> None:
        became = Counter(
            "refused" if isinstance(result, EngagementError) else result.status for result in whole(stored)
        )
        for status, number in became.items():
            service.metrics.signals.labels(status).inc(number)

    return await changes(request, ingest, sound, lambda stored: tell(whole(stored)), note=note)


def received(results: Sequence[Receipt | EngagementError]) -> ReceivedMany:
    """Each signal's receipt, or its problem."""
    return ReceivedMany(
        [
            Received(problem=problem_of(result))
            if isinstance(result, EngagementError)
            else Received(receipt=result)
            for result in results
        ]
    )


@post("/v1/signals", status_code=200, guards=[Needs("signals")], tags=["signals"], each="signals", **TRIED)
async def report_signals(request: Call, data: JSONBody[Signals]) -> ReceivedMany:
    """Report what was observed.

    In any order, late or repeated: sending a signal again changes nothing, and an error in one harms no
    other. Each gets its own receipt or its own problem, in the order sent.
    """
    return cast("ReceivedMany", await take(request, data.signals, received))
