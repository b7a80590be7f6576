"""Around every request: an id, headers, the metrics, and one line of log."""

import logging
import secrets
import time
from collections.abc import Iterable
from typing import Any

from engagement.telemetry import STATUS_CLASSES, Metrics

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


class Observed:
    """An ASGI application seen from outside; labels are route templates, never raw paths.

    routes : (method, template) of every operation; their series are there before the first request
    files : where files are served that a browser may keep

    What stands in the scope under `says` is sent as headers of the answer.
    """

    def __init__(
        self, app: Any, metrics: Metrics, routes: Iterable[tuple[str, str]], files: str, *, simulated: bool
    ) -> None:
        self.app = app
        self._files = files
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
        status = 500

        async def observed_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", request_id.encode()), *self._headers]
                own += scope.get("says", NOTHING).items()
                if not scope["path"].startswith(self._files):
                    own.append(NOT_KEPT)
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - start, request_id)

    def _note(self, scope: Any, status: int, seconds: float, request_id: str) -> None:
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
                    "request_id": request_id,
                },
            )
