"""`/v1/strategies/{id}/promotion`: how a strategy that only watches stands by its rule, and its end."""

from typing import cast

from litestar import get, post
from litestar.params import JSONBody

from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.parameters import Name
from engagement.api.service import Call, one, service_of
from engagement.api.terms import TRIED, act
from engagement.errors import Forbidden
from engagement.signals.signal import may_see
from engagement.workflows.promotion import Promote, PromotionTold, Wish, promote, tell_promotions


@get("/v1/strategies/{name:str}/promotion", guards=[Needs("read")], tags=["set-up"])
async def read_promotion(request: Call, name: Name) -> PromotionTold:
    """Tell how a strategy in shadow stands by its rule.

    Each condition with its figure, judged on what is stored now; and the last promotion, if there was one.
    """
    if not may_see(request.auth.audience, "staff"):
        raise Forbidden(
            "how a strategy compares is for staff: whoever carries it out should not lean to a side"
        )
    work = Work(request.auth.program_id, tell_promotions)
    told: PromotionTold = await one(service_of(request), "read", work, name)
    return told


@post(
    "/v1/strategies/{name:str}/promotion", status_code=200, guards=[Needs("admin")], tags=["set-up"], **TRIED
)
async def promote_strategy(request: Call, name: Name, data: JSONBody[Promote]) -> PromotionTold:
    """End a strategy's shadow by its rule.

    Refused while a condition is not met. Asking again changes nothing.
    """
    return cast("PromotionTold", await act(request, promote, Wish(name, data.revision)))
