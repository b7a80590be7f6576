"""Recommendations for OpenFeature's clients, by its remote evaluation protocol (OFREP 0.3).

A flag is a strategy, the targeting key a member's or a group's id, the variant the action's id. Evaluating a
flag asks what `/v1/recommendations` asks: while the decision is open it is the same decision.
"""

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import ValidationException
from litestar.params import JSONBody
from sqlalchemy import Connection

from engagement.actions.action import NONE, Id, Level
from engagement.api.desk import Work
from engagement.api.guards import Needs
from engagement.api.problems import HANDLERS, headers_of, problem_of, response_to
from engagement.api.recommendations import decide
from engagement.api.service import Call, began, one, service_of
from engagement.errors import EngagementError, Fault, Invalid, Mistake, NotFound
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.strategy.cadence import local_date
from engagement.strategy.setup import LEADING
from engagement.workflows.recommend import Ask, ContextName
from engagement.workflows.tell import Recommendation
from engagement.workflows.trial import newcomers, under_so_far

KEY = "X-API-Key"
Json = dict[str, Any]
ValueType = Literal["text", "object", "boolean"]
Reason = Literal["SPLIT", "STATIC", "DEFAULT", "DISABLED"]
Code = Literal["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "FLAG_NOT_FOUND", "GENERAL"]
SWITCHED_OFF = ("program_stopped", "strategy_paused")
MOST_FLAGS = 100
TARGET = re.compile(get_args(Id)[1].pattern)
NUMBER = re.compile(get_args(ContextName)[1].pattern)
BEYOND = 1e9
"""More than any number of a context may be."""


class Evaluation(msgspec.Struct, frozen=True):
    """A request of that protocol: whatever an app knows, of which little is looked at. See `Context`."""

    context: dict[str, Any] | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is looked at of a context. Besides, numbers go along for strategies with `context.…` features.

    value_type : what the flag's value is to be      flags : of a bulk evaluation, besides the defaults
    """

    targeting_key: str | None = None
    decision_point: str | None = None
    value_type: ValueType = "text"
    flags: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """A flag, or None for all that a bulk evaluation evaluates, for a targeting key."""

    flag: str | None
    target: str
    more: tuple[str, ...] = ()


class Flag(NamedTuple):
    """A flag and whom it is evaluated for; None for the level where there is no such flag.

    default_of : a level, instead of the key, where a trial says only in the answer which strategy decides
    """

    key: str
    level: Literal["member", "group"] | None
    default_of: Level | None = None


class WrongContext(Invalid):
    """The context cannot be evaluated."""

    code: Code = "INVALID_CONTEXT"


class NoTarget(WrongContext):
    """The context names nobody."""

    code: Code = "TARGETING_KEY_MISSING"


class NoFlag(NotFound):
    """There is no such flag."""

    code: Code = "FLAG_NOT_FOUND"


def in_its_words(request: Request[Any, Any, Any], error: Exception) -> Response[Json]:
    """Any error in that protocol's shape."""
    answered = response_to(request, error)
    problem = answered.content
    code: Code = getattr(error, "code", "GENERAL")
    if isinstance(error, ValidationException):
        code = "INVALID_CONTEXT" if error.extra else "PARSE_ERROR"
    said = {"errorCode": code, "errorDetails": problem.detail or problem.title}
    key = request.path_params.get("key")
    said |= {} if key is None else {"key": key}
    return Response(said, status_code=problem.status, headers=headers_of(problem))


HOW: Json = {
    "status_code": 200,
    "guards": [Needs("recommend", KEY)],
    "exception_handlers": dict.fromkeys(HANDLERS, in_its_words),
    "include_in_schema": False,
}


@post("/ofrep/v1/evaluate/flags/{key:str}", **HOW)
async def evaluate(request: Call, data: JSONBody[Evaluation]) -> Json:
    """Evaluate one flag: ask its strategy."""
    key = request.path_params["key"]
    context, target = _read(data)
    [flag] = await _flags(request, Wanted(key, target))
    if flag.level is None:
        raise NoFlag(f"there is no strategy `{key}` in this program")
    [told] = await _asked(request, data, context, [flag])
    if isinstance(told, EngagementError):
        raise told if isinstance(told, Fault) else WrongContext(str(told))
    return _evaluated(key, context.value_type, told)


@post("/ofrep/v1/evaluate/flags", **HOW)
async def evaluate_all(request: Call, data: JSONBody[Evaluation]) -> Response[Any]:
    """Evaluate several flags at once: the program's defaults, and those that the context names."""
    context, target = _read(data)
    flags = await _flags(request, Wanted(None, target, context.flags))
    asked = [flag for flag in flags if flag.level is not None]
    told = dict(zip(asked, await _asked(request, data, context, asked), strict=True))
    rows: dict[str, Json] = {}
    for flag in flags:
        row = _row(flag, context.value_type, told.get(flag))
        if row["key"]:  # of an arm in which nothing decides there is no flag
            rows.setdefault(row["key"], row)
    content = msgspec.json.encode({"flags": [*rows.values()]})
    tag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(None, status_code=304, headers={"ETag": tag})
    return Response(content, media_type="application/json", headers={"ETag": tag})


def _row(flag: Flag, value_type: ValueType, told: Recommendation | EngagementError | None) -> Json:
    """One flag of several: its evaluation, or its error."""
    if told is None:
        details = f"there is no strategy `{flag.key}` in this program"
        return {"key": flag.key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details}
    if isinstance(told, EngagementError):
        code = "GENERAL" if isinstance(told, Fault) else "INVALID_CONTEXT"
        problem = problem_of(told)
        if flag.default_of is not None:
            raise WrongContext(problem.detail or problem.title)
        return {"key": flag.key, "errorCode": code, "errorDetails": problem.detail or problem.title}
    return _evaluated(flag.key if flag.default_of is None else told.strategy or "", value_type, told)


def _read(body: Evaluation) -> tuple[Context, str]:
    """What a context says to us, and of whom it speaks."""
    try:
        context = msgspec.convert(body.context or {}, Context)
    except msgspec.ValidationError as flaw:
        raise WrongContext(f"context: {flaw}") from flaw
    if not context.targeting_key:
        raise NoTarget("`targetingKey` is the id of a member, or of a group")
    if TARGET.match(context.targeting_key) is None:
        raise WrongContext("`targetingKey` has not the form of a member's or a group's id")
    if len(context.flags) > MOST_FLAGS:
        raise WrongContext(f"`flags` name at most {MOST_FLAGS}")
    return context, context.targeting_key


async def _flags(request: Call, wanted: Wanted) -> list[Flag]:
    work = Work(request.auth.program_id, flags)
    found: list[Flag] = await one(service_of(request), "read", work, wanted)
    return found


def flags(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Wanted], now_ms: int
) -> list[list[Flag] | Mistake]:
    """Which strategies are to be asked, and for which kind of unit each."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    targets = sorted({row.target for row in wanted})
    today = local_date(now_ms, catalogue.program.time_zone)
    members = units.members(conn, program_id, targets, today)
    met_in = {row.group for row in members.values() if row.group}
    groups = units.groups(conn, program_id, sorted(met_in | set(targets)))
    conditions = under_so_far(conn, program_id, catalogue, sorted(groups), today)
    known = {name: row.group for name, row in groups.items()}
    coming = newcomers(conn, program_id, catalogue, known, conditions, today)

    def flag(name: str) -> Flag:
        strategy = catalogue.strategies.get(name)
        if strategy is None or strategy.plan is not None:
            return Flag(name, None)
        return Flag(name, "group" if strategy.level == "group" else "member")

    def answer(row: Wanted) -> list[Flag] | Mistake:
        if row.flag is not None:
            return [flag(row.flag)]
        levels: list[tuple[Level, str]] = []
        if row.target in members:
            seated = members[row.target]
            levels.append(("member", seated.group or ""))
            levels += [("adviser", seated.group or "")] if seated.role in LEADING else []
        levels += [("group", row.target)] if row.target in groups else []
        if not levels:
            return WrongContext(f"there is no member and no group `{row.target}` in this program")
        found: list[Flag] = []
        for level, group in levels:
            name = catalogue.default_for(level, conditions.get(group))
            if group in coming:
                found.append(Flag("", "group" if level == "group" else "member", level))
            elif name is not None:
                found.append(flag(name))
        return [*dict.fromkeys([*found, *map(flag, row.more)])]

    return [answer(row) for row in wanted]


async def _asked(
    request: Call, body: Evaluation, context: Context, asked: Sequence[Flag]
) -> list[Recommendation | EngagementError]:
    """The recommendations behind flags; what a context holds that is no number stays unread."""
    numbers = {
        name: float(min(max(value, -BEYOND), BEYOND))  # an integer may be larger than any float
        for name, value in (body.context or {}).items()
        if isinstance(value, int | float) and NUMBER.match(name)
    }
    rows = [
        {
            flag.level: context.targeting_key,
            "strategy": None if flag.default_of else flag.key,
            "level": flag.default_of,
            "decision_point": context.decision_point,
            "context": numbers,
        }
        for flag in asked
    ]
    try:
        asks = msgspec.convert(rows, tuple[Ask, ...])
    except msgspec.ValidationError as flaw:
        raise WrongContext(f"context: {flaw}") from flaw
    return await decide(service_of(request), request.auth, asks, began(request)) if asks else []


def _evaluated(key: str, value_type: ValueType, told: Recommendation) -> Json:
    """A recommendation as an evaluation. It always has a value: a default might turn to somebody."""
    action = told.action
    metadata = {
        "decision_id": told.decision_id,
        "probability": told.probability,
        "randomised": told.randomised,
        "strategy_revision": told.strategy_revision,
        "version": told.version,
        "decision_point": told.decision_point,
        "decided_at": told.decided_at,
        "expires_at": told.expires_at,
        "deliver_from": told.deliver_from,
        "reward_until": None if told.reward_window is None else told.reward_window.closes_at,
        "fallback": told.fallback,
        "withheld": told.withheld,
        "why": told.why,
        "simulated": told.simulated,
    }
    return {
        "key": key,
        "value": _value(value_type, told),
        "variant": action.id,
        "reason": _reason(told),
        "metadata": {name: value for name, value in metadata.items() if value is not None},
    }


def _value(value_type: ValueType, told: Recommendation) -> Any:
    """The text to say, nothing for `none`; or the action as a flat object; or whether there is one."""
    action = told.action
    if value_type == "boolean":
        return action.id != NONE
    if value_type == "text":
        return "" if action.id == NONE else action.text or action.title
    flat = {
        "action": action.id,
        "kind": action.kind,
        "title": action.title,
        "text": action.text,
        "language": action.language,
        "audience": action.audience,
        "carrier": action.carrier,
        "minutes": action.minutes,
        "cost_minor": action.cost_minor,
        "needs_accept": action.needs_accept,
        "draft": action.draft,
    }
    return {name: value for name, value in flat.items() if value is not None}


def _reason(told: Recommendation) -> Reason:
    if told.withheld in SWITCHED_OFF:
        return "DISABLED"
    if told.decision_id is None:
        return "DEFAULT"
    return "SPLIT" if told.randomised else "STATIC"


ROUTES = (evaluate, evaluate_all)
