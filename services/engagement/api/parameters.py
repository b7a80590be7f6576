"""What stands in addresses: ids in the path, and how to go through a list.

Litestar checks what its own annotations say and nothing else, so the bounds are repeated in them.
"""

import re
from typing import Annotated, Literal, get_args

from litestar.params import PathParameter, QueryParameter

from engagement.actions.action import Id
from engagement.errors import Invalid
from engagement.signals.states import State
from engagement.workflows.answer import DecisionId

PAGE = 100
MOST = 1_000
DECISION = re.compile(get_args(DecisionId)[1].pattern)

Name = Annotated[str, PathParameter(pattern=get_args(Id)[1].pattern, description="The caller's id for it")]
InGroup = Annotated[
    str,
    QueryParameter(pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$", description="Only what concerns this group"),
]
DecisionName = Annotated[
    str,
    PathParameter(pattern=DECISION.pattern, description="As a recommendation's `decision_id`"),
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


def behind(after: str, what: str = "a decision") -> str:
    """`after` of a list in order of ids that the service draws; raises Invalid where it is none of these."""
    if after and DECISION.fullmatch(after) is None:
        raise Invalid(f"`after` is {what}'s id, as the page before gave it to go on")
    return after
