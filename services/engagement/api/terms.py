"""What a caller may ask of any change besides the change itself: to be carried out once, or only to be tried.

`Idempotency-Key` names a request; sent again under its name it gets the answer it got. `?dry_run=true`
answers what would be and stores nothing. Without either a change costs nothing more, and shares its commit
with others as ever; with one it has a transaction of its own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from engagement.api.desk import CUT, RECORD_DEADLINE_S, LaneName, Work, Workflow
from engagement.api.guards import DRY_RUN
from engagement.api.service import Call, only, service_of
from engagement.errors import EngagementError, Fault, Invalid
from engagement.store.acts import By
from engagement.store.kept_answers import Asked
from engagement.workflows.acted import Deed, acted
from engagement.workflows.once import Before, Once, once, recall, remember
from engagement.workflows.personal import refusal
from engagement.workflows.rehearse import rehearse

KEY = "Idempotency-Key"
NAME_PATTERN = "^[!-~]{1,128}$"
KEYED: Mapping[str, Any] = MappingProxyType({"keyed": True})
"""Options of a handler that heeds the header: `@post(…, **KEYED)`."""
TRIED: Mapping[str, Any] = MappingProxyType({"keyed": True, "tried": True})
"""Options of a handler that heeds both."""
REPLAYED = b"idempotent-replayed"
ONLY_TRIED = b"engagement-dry-run"


def is_dry_run(request: Any) -> bool:
    """Whether a request only wants to know what would be."""
    said = request.query_params.get(DRY_RUN, "false")
    if said not in ("true", "false"):
        raise Invalid(f"`{DRY_RUN}` is true or false")
    return bool(said == "true")


async def asked(request: Call) -> Asked | None:
    """The request as its sender has named it, None where it has no name."""
    name = request.headers.get(KEY)
    if name is None:
        return None
    if not 1 <= len(name) <= 128 or any(not "!" <= letter <= "~" for letter in name):
        raise Invalid(f"`{KEY}` is 1 to 128 letters, digits and signs of ASCII, without a space")
    identifying = refusal(KEY, name)
    if identifying is not None:
        raise identifying
    scope: Any = request.scope
    digest = sha256(b"\0".join((request.method.encode(), scope["raw_path"], scope["query_string"])))
    digest.update(b"\0" + await request.body())
    return Asked(request.auth.key_id, name, digest.digest())


def _itself(result: Any) -> Any:
    return result


async def change(request: Call, workflow: Workflow, item: Any, tell: Callable[[Any], Any] = _itself) -> Any:
    """Carries out one change on the terms of its request.

    tell : makes the answer of the workflow's result where that is not the answer itself
    """
    return await changes(request, workflow, [item], lambda results: tell(only(results)))


def by_of(request: Call) -> By:
    """Who sends a request, and the operation's name."""
    handler: Any = request.route_handler
    return By("key", request.auth.key_id, str(handler.operation_id or handler.fn.__name__))


async def act(request: Call, workflow: Workflow, item: Any, tell: Callable[[Any], Any] = _itself) -> Any:
    """The same of a change of the set-up or of anybody's rights: the ledger keeps whose key it was."""
    deed = Deed(by_of(request), workflow, [item])
    return await changes(request, acted, [deed], lambda results: tell(only(only(results))))


async def changes(
    request: Call,
    workflow: Workflow,
    items: Sequence[Any],
    tell: Callable[[Sequence[Any]], Any],
    *,
    note: Callable[[Sequence[Any]], None] | None = None,
    rehearsed: Callable[..., Sequence[Any]] = rehearse,
    lane: LaneName = "record",
    deadline_s: float = RECORD_DEADLINE_S,
) -> Any:
    """Carries out changes on the terms of their request.

    tell : makes the answer of all results, in order; or raises what is wrong
    note : counts results, unless they were only tried      rehearsed : how they are tried
    """
    desk, program_id = service_of(request).desk, request.auth.program_id

    def told(results: Sequence[Any]) -> Any:
        if note is not None:
            note(results)
        return tell(results)

    async def done(work: Work) -> list[Any]:
        return await desk.ask(lane, work, items, deadline_s=deadline_s)

    if is_dry_run(request):
        _say(request, ONLY_TRIED)
        return tell(await done(Work(program_id, partial(rehearsed, workflow))))
    name = await asked(request)
    if name is None:
        return told(await done(Work(program_id, workflow)))
    if len(items) > CUT:

        async def in_cuts() -> Any:
            results = await done(Work(program_id, workflow))
            faulty = any(isinstance(result, Fault) for result in results)
            return Unfinished(told(results)) if faulty else told(results)

        return await in_parts(request, in_cuts)
    # made for this call, so that nobody else shares the transaction
    work = Work(program_id, partial(once))
    [answer] = await desk.ask(lane, work, [Once(name, workflow, items, told)], deadline_s=deadline_s)
    if isinstance(answer, Fault):
        return told([answer] * len(items))
    if isinstance(answer, EngagementError):
        raise answer
    return _given(request, answer)


class Unfinished(NamedTuple):
    """An answer that is not kept, because something in it could not be done for now."""

    answer: Any


async def in_parts(request: Call, do: Callable[[], Awaitable[Any]]) -> Any:
    """Carries out what takes several transactions; the answer is stored behind them.

    do : carries it out and gives its answer, which may be `Unfinished`
    """
    tried = is_dry_run(request)
    if tried:
        _say(request, ONLY_TRIED)
    name = None if tried else await asked(request)
    if name is None:
        answer = await do()
        return answer.answer if isinstance(answer, Unfinished) else answer
    desk, program_id = service_of(request).desk, request.auth.program_id
    before = only(await desk.ask("record", Work(program_id, recall), [name]))
    if before is not None:
        return _given(request, before)
    answer = await do()
    if isinstance(answer, Unfinished):
        return answer.answer
    kept = (name, msgspec.json.encode(answer))
    other = only(await desk.ask("record", Work(program_id, remember), [kept]))
    return answer if other is None else _given(request, other)


def _given(request: Call, answer: Any) -> Any:
    """An answer, or one given before: as the bytes it was."""
    if not isinstance(answer, Before):
        return answer
    _say(request, REPLAYED)
    return msgspec.Raw(answer.body)


def _say(request: Call, header: bytes, value: bytes = b"true") -> None:
    """Has a header sent with the answer."""
    scope: Any = request.scope
    scope.setdefault("says", {})[header] = value
