"""`/v1/signals`: what was observed."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, service_of
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


async def take(request: Call, reports: Sequence[Signal | Mistake]) -> list[Receipt | EngagementError]:
    """What became of each report, in order; one that is a mistake already stays one.

    raises : the fault, where none could be taken
    """
    service = service_of(request)
    checked = [_allowed(report, request.auth.audience) for report in reports]
    sound = [report for report in checked if isinstance(report, Signal)]
    stored = iter(await service.desk.ask("record", Work(request.auth.program_id, ingest), sound))
    results = [next(stored) if isinstance(report, Signal) else report for report in checked]
    if all(isinstance(result, Fault) for result in results):
        raise results[0]
    for result in results:
        status = "refused" if isinstance(result, EngagementError) else result.status
        service.metrics.signals.labels(status).inc()
    return results


@post("/v1/signals", status_code=200, guards=[Needs("signals")], tags=["signals"], each="signals")
async def report_signals(request: Call, data: JSONBody[Signals]) -> ReceivedMany:
    """Report what was observed.

    In any order, late or repeated: sending a signal again changes nothing, and an error in one harms no
    other. Each gets its own receipt or its own problem, in the order sent.
    """
    results = await take(request, data.signals)
    return ReceivedMany(
        [
            Received(problem=problem_of(result))
            if isinstance(result, EngagementError)
            else Received(receipt=result)
            for result in results
        ]
    )
