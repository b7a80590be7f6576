"""What stands before a handler: a key with the right scope, and a body of the right media type."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException
from litestar.handlers import BaseRouteHandler
from sqlalchemy import Connection

from engagement.api.desk import Work
from engagement.api.service import Service
from engagement.errors import EngagementError, Fault, Forbidden, Invalid, Unauthenticated
from engagement.store.kept import Bounded, Kept
from engagement.store.keys import ApiKey, Scope, digest
from engagement.workflows.access import program_of, recognise

REMEMBERED_S = 5.0
"""How long a revoked key can live."""
JSON = "application/json"
WITH_BODY = ("POST", "PUT")
DRY_RUN = "dry_run"
LOOK_UP_S = 1.0
"""How long a look-up may take. Half a recommendation's deadline where the last one can stand in."""
MISSING = "send the key as `Authorization: Bearer eng_…`"


Connected = ASGIConnection[Any, Any, Any, Any]


class KeyRing:
    """The keys looked up lately, by digest: each with the time of its look-up, or why it was refused.

    A refusal is remembered only of a key that was good before, so strangers cannot crowd out anyone.
    """

    def __init__(self, watch: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._seen: Bounded[bytes, tuple[float, ApiKey | EngagementError]] = Bounded(10_000)

    async def recognise(self, service: Service, text: str, scope: Scope) -> ApiKey:
        """The live key behind a text.

        While the database is silent the last look-up still admits to recommendations, which then
        answer the safe default, and to nothing else.
        """
        secret = digest(text)
        seen = self._seen.get(secret)
        if seen is not None and self._watch() - seen[0] < REMEMBERED_S:
            return _admitted(seen[1])
        spare = seen is not None and scope == "recommend"
        within_s = service.settings.deadline_ms / 2000 if spare else LOOK_UP_S
        work = Work(program_of(text), look_up)
        found = (await service.desk.ask("read", work, [text], deadline_s=within_s))[0]
        if isinstance(found, Fault):
            if seen is not None and spare:
                return _admitted(seen[1])
            raise found
        if seen is not None or isinstance(found, ApiKey):
            self._seen[secret] = (self._watch(), found)
        return _admitted(found)

    def remembered(self, text: str, scope: Scope) -> ApiKey | None:
        """The key with this scope that was looked up just now; None when one has to ask."""
        seen = self._seen.get(digest(text))
        if seen is None or self._watch() - seen[0] >= REMEMBERED_S or not isinstance(seen[1], ApiKey):
            return None
        return seen[1] if seen[1].opens(scope) else None


def _admitted(found: ApiKey | EngagementError) -> ApiKey:
    if isinstance(found, EngagementError):
        raise found
    return found


def look_up(
    conn: Connection, _kept: Kept, _program: str, texts: Sequence[str], now_ms: int
) -> list[ApiKey | EngagementError]:
    """The key behind each text; a key that many callers hold is read once."""
    found: dict[str, ApiKey | EngagementError] = {}
    for text in set(texts):
        try:
            found[text] = recognise(conn, text, now_ms)
        except Unauthenticated as unknown:
            found[text] = unknown
    return [found[text] for text in texts]


class Needs:
    """A guard that lets in who holds a live key with this scope; `admin` opens everything.

    It also looks at the body's media type: the framework copies a handler for each of its guards.
    header : where callers of a foreign protocol send the key as it is; `Authorization: Bearer` does as well
    """

    also = ""
    """A further way of sending the key, as a sentence of the description."""

    def __init__(self, scope: Scope, header: str | None = None) -> None:
        self.scope = scope
        self.header = header

    async def __call__(self, connection: Connected, handler: BaseRouteHandler) -> None:
        """Recognises the key and leaves it in the request, as `auth`."""
        service: Service = connection.app.state["service"]
        keys: KeyRing = connection.app.state["keys"]
        key = await keys.recognise(service, self._text(connection), self.scope)
        if not key.opens(self.scope):
            raise Forbidden(f"this needs the scope `{self.scope}`; the key has: {', '.join(key.scopes)}")
        connection.app.state["allowances"].take(key, connection.scope)
        connection.scope["auth"] = key
        _readable(connection, handler)
        if DRY_RUN in connection.query_params and not handler.opt.get("tried"):
            raise Invalid(f"this cannot be tried with `{DRY_RUN}`; nothing was done")

    def _text(self, connection: Connected) -> str:
        """The key as it was sent."""
        own = connection.headers.get(self.header, "").strip() if self.header else ""
        if own:
            return own
        kind, _space, text = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            raise Unauthenticated(f"send the key as `{self.header}: eng_…`" if self.header else MISSING)
        return text.strip()


def _readable(connection: Connected, handler: BaseRouteHandler) -> None:
    """Refuses a body said to be of another media type than the operation takes."""
    if connection.scope["method"] not in WITH_BODY:  # type: ignore[typeddict-item]  # only HTTP comes here
        return
    said = connection.headers.get("content-type")
    if said is None:
        return
    takes: str | tuple[str, ...] | None = handler.opt.get("takes", JSON)
    if takes is None:  # the operation looks at it itself
        return
    kinds = (takes,) if isinstance(takes, str) else takes
    if said.partition(";")[0].strip().lower() not in kinds:
        raise ClientException(
            status_code=415, detail=f"send the body as `Content-Type: {' or '.join(kinds)}`"
        )
