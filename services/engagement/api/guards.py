"""Who may call what: a key in the request, its scopes, and one look-up in five seconds."""

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.service import Service
from engagement.errors import EngagementError, Forbidden, Unauthenticated, Unavailable
from engagement.store.kept import Bounded
from engagement.store.keys import ApiKey, Scope, digest
from engagement.workflows.access import program_of, recognise

REMEMBERED_S = 5.0
"""How long a revoked key can live."""
MISSING = "send the key as `Authorization: Bearer eng_…`"


class KeyRing:
    """The keys seen lately, by digest, with the time of their look-up."""

    def __init__(self) -> None:
        self._seen: Bounded[bytes, tuple[float, ApiKey]] = Bounded(10_000)

    async def recognise(self, service: Service, text: str, scope: Scope) -> ApiKey:
        """The live key behind a text.

        While the database is silent the last look-up still admits to recommendations, which then
        answer the safe default, and to nothing else.
        """
        secret = digest(text)
        seen = self._seen.get(secret)
        if seen is not None and time.monotonic() - seen[0] < REMEMBERED_S:
            return seen[1]
        work = Work(program_of(text), _look_up)
        try:
            found = (await service.desk.ask("read", work, [text], deadline_s=1.0))[0]
        except Unavailable:
            if seen is not None and scope == "recommend":
                return seen[1]
            raise
        if isinstance(found, EngagementError):
            raise found
        key: ApiKey = found
        self._seen[secret] = (time.monotonic(), key)
        return key


def _look_up(conn: Connection, _kept: Any, _program: str, texts: Sequence[str], now_ms: int) -> list[Any]:
    out: list[Any] = []
    for text in texts:
        try:
            out.append(recognise(conn, text, now_ms))
        except Unauthenticated as unknown:
            out.append(unknown)
    return out


Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Coroutine[Any, Any, None]]


def needs(scope: Scope) -> Guard:
    """A guard that lets in who holds a live key with this scope; `admin` opens everything."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        service: Service = connection.app.state["service"]
        keys: KeyRing = connection.app.state["keys"]
        kind, _space, text = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            raise Unauthenticated(MISSING)
        key = await keys.recognise(service, text.strip(), scope)
        if scope not in key.scopes and "admin" not in key.scopes:
            raise Forbidden(f"this needs the scope `{scope}`; the key has: {', '.join(key.scopes)}")
        connection.scope["auth"] = key

    return guard
