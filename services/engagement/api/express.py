"""The plain recommendation, answered without the framework.

An ordinary request for one recommendation (a key seen a moment ago, a body as documented) goes from the
socket to the desk and back here. It is the same decoder, key ring, `decide` and problems as those of the
route; what is left out is what the framework does around them, which costs as much again as the service's
own work. Anything out of the ordinary goes to the framework's own route, which stays the one definition of
the operation, its errors and its description; a test compares the two, answer by answer.
"""

from typing import Any

import msgspec

from engagement.api.allowance import Allowances
from engagement.api.guards import JSON, KeyRing
from engagement.api.problems import MEDIA_TYPE, Problem, headers_of, problem_of, unforeseen
from engagement.api.recommendations import decide
from engagement.api.service import Service
from engagement.errors import EngagementError, TooManyRequests
from engagement.store.keys import ApiKey
from engagement.workflows.mistakes import UNREAD
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation

PATH = "/v1/recommendations"
BEARER = b"bearer "
MOST_BYTES = 64 * 1024
"""A body as large as this is nothing ordinary."""

_decoder = msgspec.json.Decoder(Ask)
_encoder = msgspec.json.Encoder()


class Express:
    """An ASGI application in front of another, which gets all that is not answered here."""

    def __init__(self, app: Any, service: Service, keys: KeyRing, allowances: Allowances) -> None:
        self.app = app
        self._allowances = allowances
        self._service = service
        self._keys = keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serves one request."""
        key = self._key(scope)
        if key is None:
            await self.app(scope, receive, send)
            return
        message = await receive()
        ask = _ask(message)
        if ask is None:
            await self.app(scope, _again(message, receive), send)
            return
        scope["path_template"] = PATH
        try:
            self._allowances.take(key, scope)
        except TooManyRequests as error:
            problem = problem_of(error)
            await _send(send, problem.status, MEDIA_TYPE, problem, headers_of(problem, error.after_s))
            return
        answer = await self._answer(key, ask, scope)
        if isinstance(answer, Problem):
            await _send(send, answer.status, MEDIA_TYPE, answer, headers_of(answer))
        else:
            await _send(send, 200, JSON, answer, {})

    async def _answer(self, key: ApiKey, ask: Ask, scope: Any) -> Recommendation | Problem:
        try:
            answer = (await decide(self._service, key, (ask,), scope["began"]))[0]
        except Exception as error:
            return unforeseen(error, scope["method"])
        return problem_of(answer) if isinstance(answer, EngagementError) else answer

    def _key(self, scope: Any) -> ApiKey | None:
        """The caller's key, when the request is one to be answered here."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return None
        headers = dict(scope["headers"])
        if scope["query_string"] or b"idempotency-key" in headers:
            return None
        if len(headers) < len(scope["headers"]):  # which of two of the same name counts, the framework says
            return None
        said = headers.get(b"authorization", b"")
        if headers.get(b"content-type") != JSON.encode() or said[: len(BEARER)].lower() != BEARER:
            return None
        return self._keys.remembered(said[len(BEARER) :].decode("latin-1"), "recommend")


def _ask(message: Any) -> Ask | None:
    """What is asked, when the body has come whole and is as documented."""
    if message["type"] != "http.request" or message.get("more_body") or len(message["body"]) > MOST_BYTES:
        return None
    try:
        return _decoder.decode(message["body"])
    except UNREAD:
        return None


def _again(message: Any, receive: Any) -> Any:
    """A `receive` that gives a message once more, and then what follows it."""
    waiting = [message]

    async def received() -> Any:
        return waiting.pop() if waiting else await receive()

    return received


async def _send(send: Any, status: int, media_type: str, content: Any, extra: dict[str, str]) -> None:
    body = _encoder.encode(content)
    headers = [
        *((name.lower().encode(), value.encode()) for name, value in extra.items()),
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
