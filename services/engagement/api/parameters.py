"""What stands in addresses: ids in the path, and how to go through a list.

Litestar checks what its own annotations say and nothing else, so the bounds are repeated in them.
"""

from typing import Annotated, Literal, get_args

from litestar.params import PathParameter, QueryParameter

from engagement.actions.action import Id
from engagement.signals.states import State
from engagement.workflows.answer import DecisionId

PAGE = 100
MOST = 1_000

Name = Annotated[str, PathParameter(pattern=get_args(Id)[1].pattern, description="The caller's id for it")]
InGroup = Annotated[
    str,
    QueryParameter(pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Only what concerns this group"),
]
DecisionName = Annotated[
    str,
    PathParameter(pattern=get_args(DecisionId)[1].pattern, description="As a recommendation's `decision_id`"),
]
After = Annotated[
    str,
    QueryParameter(
        pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$",
        description="The id to go on behind: `next` of the page before",
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST, description="How many at most")]
MOST_SEATS = 9_999
BehindSeat = Annotated[int, QueryParameter(ge=0, le=MOST_SEATS, description="The seat to go on behind")]
Seats = Annotated[int, QueryParameter(ge=1, le=MOST_SEATS, description="How many at most")]
Wanted = Annotated[
    State | Literal["any"] | None,
    QueryParameter(name="state", description="Only groups that stand so today; any: all, with their state"),
]
"""A handler names it otherwise: Litestar keeps the word `state` for itself."""
