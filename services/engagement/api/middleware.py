"""Around every request: an id, its caller's trace, headers, the metrics, and one line of log."""

import logging
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from engagement.api.fading import Header
from engagement.telemetry import SERVING, STATUS_CLASSES, Metrics, Serving

log = logging.getLogger("engagement.access")
UNMATCHED = ("ANY", "unmatched")
"""The label of whatever no route takes: neither its path nor its method is ours to bound."""
# The page of the API runs no inline script, so no exception is needed; its style sheet holds its icons.
POLICY = (
    b"default-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
NOT_KEPT = (b"cache-control", b"no-store")
NOTHING: dict[bytes, bytes] = {}
SIMULATED = (b"engagement-simulated", b"true")
TRACEPARENT = b"traceparent"
TRACE = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?")
"""Version, trace, parent, flags; versions to come may say more (W3C Trace Context, section 3.2)."""


class Observed:
    """An ASGI application seen from outside; labels are route templates, never raw paths.

    routes : (method, template) of every operation; their series are there before the first request
    files : where files are served that a browser may keep
    fading : headers of the routes that are on their way out

    What stands in the scope under `says` is sent as headers of the answer.
    """

    def __init__(
        self,
        app: Any,
        metrics: Metrics,
        routes: Iterable[tuple[str, str]],
        files: str,
        fading: Mapping[tuple[str, str], tuple[Header, ...]],
        *,
        simulated: bool,
    ) -> None:
        self.app = app
        self._files = files
        self._fading = fading
        self._headers = (*ALWAYS, SIMULATED) if simulated else ALWAYS
        self._bound = {
            (method, route): (
                metrics.request_seconds.labels(method, route),
                {kind: metrics.requests.labels(method, route, kind) for kind in STATUS_CLASSES},
            )
            for method, route in (*routes, UNMATCHED)
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = scope["began"] = time.perf_counter()
        request_id = scope["request_id"] = secrets.token_hex(8)
        trace = trace_of(scope["headers"])
        serving = SERVING.set(Serving(request_id, None if trace is None else trace[0]))
        status = 500

        async def observed_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", request_id.encode()), *self._headers]
                own += scope.get("says", NOTHING).items()
                if trace is not None:  # what we did is the span of this id in the caller's trace
                    own.append((TRACEPARENT, f"00-{trace[0]}-{request_id}-{trace[1]:02x}".encode()))
                if self._fading:
                    own += self._fading.get((scope["method"], scope.get("path_template", "")), ())
                if not scope["path"].startswith(self._files):
                    own.append(NOT_KEPT)
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - start)
            SERVING.reset(serving)

    def _note(self, scope: Any, status: int, seconds: float) -> None:
        method, route = key = (scope["method"], scope.get("path_template", ""))
        if key not in self._bound:
            method, route = key = UNMATCHED
        duration, requests = self._bound[key]
        duration.observe(seconds)
        requests[f"{status // 100}xx"].inc()
        if log.isEnabledFor(logging.INFO):
            log.info(
                "answered",
                extra={
                    "method": method,
                    "route": route,
                    "status": status,
                    "duration_ms": round(1000 * seconds, 2),
                },
            )


def trace_of(headers: Iterable[Header]) -> tuple[str, int] | None:
    """The trace that the caller's `traceparent` names, and whether it is recorded (1) or not (0).

    None without the header, with two of them, or with one that the standard does not know: then a new trace
    would begin, and we begin none.
    """
    said = [value for name, value in headers if name == TRACEPARENT]
    found = TRACE.fullmatch(said[0]) if len(said) == 1 else None
    if found is None or (found[1] == b"00" and found[4]):
        return None
    return found[2].decode(), int(found[3], 16) & 1
