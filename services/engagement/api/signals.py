"""`/v1/signals`: what was observed."""

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import needs
from engagement.api.problems import Problem, problem_of
from engagement.api.service import Call, service_of
from engagement.errors import EngagementError
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


@post("/v1/signals", status_code=200, guards=[needs("signals")], tags=["signals"])
async def report_signals(request: Call, data: JSONBody[Signals]) -> ReceivedMany:
    """Stores signals. Sending one again changes nothing; an error in one harms no other."""
    service = service_of(request)
    results = await service.desk.ask("record", Work(request.auth.program_id, ingest), data.signals)
    for result in results:
        status = "refused" if isinstance(result, EngagementError) else result.status
        service.metrics.signals.labels(status).inc()
    return ReceivedMany(
        [
            Received(problem=problem_of(result))
            if isinstance(result, EngagementError)
            else Received(receipt=result)
            for result in results
        ]
    )
