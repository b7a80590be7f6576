"""Around every request: an id, the metrics, one line of log, and whether time is simulated."""

import logging
import secrets
import time
from typing import Any

from engagement.telemetry import Metrics

log = logging.getLogger("engagement.access")
UNMATCHED = "unmatched"


class Observed:
    """An ASGI application seen from outside; labels are route templates, never raw paths."""

    def __init__(self, app: Any, metrics: Metrics, *, simulated: bool) -> None:
        self.app = app
        self._metrics = metrics
        self._extra = ((b"engagement-simulated", b"true"),) if simulated else ()
        self._bound: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of the application."""
        return getattr(self.app, name)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        request_id = secrets.token_hex(8)
        status = 500

        async def observed_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                message["headers"] = [*headers, (b"x-request-id", request_id.encode()), *self._extra]
            await send(message)

        try:
            await self.app(scope, receive, observed_send)
        finally:
            self._note(scope, status, time.perf_counter() - start, request_id)

    def _note(self, scope: Any, status: int, seconds: float, request_id: str) -> None:
        route = scope.get("path_template") or UNMATCHED
        method = scope["method"] if route != UNMATCHED else "ANY"
        bound = self._bound.get((method, route, status))
        if bound is None:
            bound = self._bound[method, route, status] = (
                self._metrics.requests.labels(method, route, f"{status // 100}xx"),
                self._metrics.request_seconds.labels(method, route),
            )
        bound[0].inc()
        bound[1].observe(seconds)
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
