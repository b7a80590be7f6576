"""What the service refuses, as the error it names."""

import httpx
import msgspec

from engagement.errors import (
    Conflict,
    EngagementError,
    Fault,
    Forbidden,
    Identifying,
    Invalid,
    NoLongerKept,
    NotFound,
    Overloaded,
    PreconditionFailed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unusable,
)

PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed: the service's own 503, and what proxies say."""
PROBLEMS: dict[str, type[EngagementError]] = {
    "invalid": Invalid,
    "identifying": Identifying,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "conflict": Conflict,
    "precondition-failed": PreconditionFailed,
    "too-large": TooLarge,
    "too-many-requests": TooManyRequests,
    "no-longer-kept": NoLongerKept,
    "overloaded": Overloaded,
    "unavailable": Unavailable,
    "unusable": Unusable,
    "fault": Fault,
}
"""The named error behind the last part of a problem's `type`."""


class Problem(msgspec.Struct, frozen=True):
    """A refusal as it comes over the wire; a newer service may say more."""

    type: str = ""
    title: str = ""
    detail: str | None = None


def refusal(response: httpx.Response) -> EngagementError:
    """An answer that is no success as the error it names; a proxy's page says nothing but its status."""
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.MsgspecError:
        problem = Problem()
    if problem.type:
        return named(problem)
    words = f"the service answered {response.status_code} {response.reason_phrase}".rstrip()
    return (Unavailable if response.status_code in PASSING else Fault)(words)


def named(problem: Problem | None) -> EngagementError:
    """The error that a problem names; one that this client does not know yet is a mistake."""
    if problem is None:
        return Fault("the service answered neither a result nor a problem")
    return PROBLEMS.get(problem.type.rpartition(":")[2], Invalid)(problem.detail or problem.title)
