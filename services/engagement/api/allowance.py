"""How many requests a key may send in a minute, and how it is told.

A window of a minute begins with a key's first request and is counted down by every one, whatever is in it.
Each process counts for itself: behind two replicas a key has twice as much. It is a brake for a program
that has run wild, not a measure of use. The fields are those of the HTTP working group's draft
(draft-ietf-httpapi-ratelimit-headers-10).
"""

import math
import time
from collections.abc import Callable
from typing import Any

from engagement.errors import TooManyRequests
from engagement.store.kept import Bounded
from engagement.store.keys import ApiKey

WINDOW_S = 60
POLICY = "RateLimit-Policy"
LEFT = "RateLimit"


class Allowances:
    """What each key may still send. a_minute : requests, 0 for no limit"""

    def __init__(self, a_minute: int, watch: Callable[[], float] = time.monotonic) -> None:
        self._most = a_minute
        self._watch = watch
        self._policy = b'"key";q=%d;w=%d' % (a_minute, WINDOW_S)
        self._windows: Bounded[tuple[str, str], list[float]] = Bounded(10_000)

    def take(self, key: ApiKey, scope: Any) -> None:
        """Counts a request and has what is left said in its answer; raises when nothing was left."""
        if not self._most:
            return
        now, name = self._watch(), key[:2]
        window = self._windows.get(name)
        if window is None or now - window[0] >= WINDOW_S:
            window = self._windows[name] = [now, self._most]
        window[1] -= 1
        left, after_s = max(window[1], 0), math.ceil(window[0] + WINDOW_S - now)
        says = scope.setdefault("says", {})
        says[b"ratelimit-policy"] = self._policy
        says[b"ratelimit"] = b'"key";r=%d;t=%d' % (left, after_s)
        if window[1] < 0:
            raise TooManyRequests(after_s)
