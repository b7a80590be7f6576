"""How often and after which pauses a request is sent, and when it is given up."""

import math
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import count
from random import SystemRandom

import httpx

from engagement.client.problems import PASSING
from engagement.client.steps import Pause, Request, Steps, T, Within
from engagement.clock import SystemClock
from engagement.errors import EngagementError, Fault, Unavailable

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
"""A service that asks for a longer pause than this is reported as unavailable."""
BROKEN = (
    httpx.NetworkError,
    httpx.TimeoutException,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
    httpx.DecodingError,
)
"""What a line does that breaks; an address that is none is raised as it is."""
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Those after which the service has not had the request."""
NOTHING_DONE = frozenset({429, 503})
"""Those passing refusals that only the service itself gives; a proxy's may hide that it was done."""
_by_chance = SystemRandom()  # not keyed: two clients that were refused together must not return together


def patiently(request: Request, tries: int, until_s: float = math.inf) -> Steps[httpx.Response]:
    """The first answer that is not a passing refusal, or the last refusal when tries or time run out.

    until_s : on the clock of `time.monotonic`
    Raises Unavailable when there is no answer, or when it is not known whether something that must not
    be done twice has been done.
    """
    passing = PASSING if request.repeatable else NOTHING_DONE
    for attempt in count(1):
        left_s = max(0.001, until_s - time.monotonic())
        answer = yield request._replace(timeout_s=min(request.timeout_s, left_s))
        broken = isinstance(answer, BROKEN)
        asked_for_s = 0.0 if broken else seconds(answer.headers.get("retry-after"))
        wait_s = pause(attempt, asked_for_s, _by_chance.random())
        last = attempt >= tries or time.monotonic() + wait_s >= until_s
        if broken and (last or not (request.repeatable or isinstance(answer, NEVER_LEFT))):
            raise Unavailable(f"the service does not answer: {answer}") from answer
        if not broken and (answer.status_code not in passing or last or asked_for_s > PATIENCE_S):
            response: httpx.Response = answer
            return response
        yield Pause(wait_s)
    raise AssertionError("counting has no end")


def in_time(deadline_s: float, steps: Callable[[float], Steps[T]], instead: T) -> Steps[T]:
    """What steps end with by a deadline; `instead` where the service could not do its part by then.

    steps : given when to be done, on the clock of `time.monotonic`
    """
    came = yield Within(deadline_s, steps(time.monotonic() + deadline_s))
    if isinstance(came, Fault):
        return instead
    if isinstance(came, EngagementError):
        raise came
    result: T = came
    return result


def pause(attempt: int, asked_for_s: float, chance: float) -> float:
    """Seconds to wait after a try that failed, never less than the service asked for.

    attempt : from 1    chance : in [0, 1), spreads the pause over the upper half of its length
    """
    grown = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (attempt - 1))
    return asked_for_s + grown * (0.5 + 0.5 * chance)


def seconds(retry_after: str | None) -> float:
    """The pause that a header asks for, in seconds or until a date; 0 where it says neither."""
    if retry_after is None:
        return 0.0
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    moment = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - SystemClock().now_ms() / 1000)
