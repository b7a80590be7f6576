"""`/v1/evaluations`: what another strategy would have earned, by the decisions in the ledger.

A question is stored and answered at once with where to look; the figures are computed beside the lanes.
"""

from litestar import Response, get, post
from litestar.params import JSONBody

from engagement.api.accepted import accepted
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import PAGE, After, Limit, Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, change
from engagement.errors import Forbidden
from engagement.signals.signal import may_see
from engagement.workflows.asked import Wish
from engagement.workflows.evaluations import (
    EvaluationAsk,
    EvaluationPage,
    EvaluationTold,
    ask_evaluations,
    list_evaluations,
    tell_evaluations,
)

TAGS = ("evaluations",)
LOOK_AGAIN_S = 2


@post("/v1/evaluations", status_code=202, guards=[Needs("research")], tags=TAGS, **TRIED)
async def ask_evaluation(request: Call, data: JSONBody[EvaluationAsk]) -> Response[EvaluationTold]:
    """Ask what another strategy would have earned.

    Of one strategy's decisions: always one action, an even choice, another strategy's belief as of a version,
    or what a belief in shadow would have done. Answered at once with where to look, as `Location`; the
    figures are there some seconds later.
    """
    _for_staff(request)
    told = await change(request, ask_evaluations, data)
    return accepted(request, told, service_of(request).evaluator, LOOK_AGAIN_S)


@get("/v1/evaluations", guards=[Needs("research")], tags=TAGS)
async def show_evaluations(request: Call, after: After = "", limit: Limit = PAGE) -> EvaluationPage:
    """List evaluations in order of id."""
    _for_staff(request)
    work = Work(request.auth.program_id, list_evaluations)
    found: EvaluationPage = await one(service_of(request), "read", work, Wish(after, limit))
    return found


@get("/v1/evaluations/{name:str}", guards=[Needs("research")], tags=TAGS)
async def tell_evaluation(request: Call, name: Name) -> EvaluationTold:
    """Tell an evaluation as far as it has come.

    While its state is `asked`, look again in some seconds.
    """
    _for_staff(request)
    work = Work(request.auth.program_id, tell_evaluations)
    found: EvaluationTold = await one(service_of(request), "read", work, name)
    if found.state == "asked":
        service_of(request).evaluator.want(request.auth.program_id, name)
    return found


def _for_staff(request: Call) -> None:
    if not may_see(request.auth.audience, "staff"):
        raise Forbidden(
            "how strategies compare is for staff: whoever carries them out should not lean to a side"
        )


HANDLERS = (ask_evaluation, show_evaluations, tell_evaluation)
