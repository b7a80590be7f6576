"""Errors as RFC 9457 problem details. One table maps whose fault it is to a status."""

import logging
from http import HTTPStatus
from itertools import chain
from typing import Any, Literal, get_args, get_origin

import msgspec
from litestar import Request, Response
from litestar.enums import ParamType
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from sqlalchemy.exc import OperationalError

from engagement import errors

log = logging.getLogger("engagement.api")

STATUS: dict[type[errors.EngagementError], int] = {
    errors.Invalid: 400,
    errors.Identifying: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.TooManyRequests: 429,
    errors.NoLongerKept: 410,
    errors.Unusable: 500,
    errors.Fault: 500,
    errors.Overloaded: 503,
    errors.Unavailable: 503,
}
RETRY_AFTER_S = 1
PREFIX = "urn:engagement:problem:"
MEDIA_TYPE = "application/problem+json"


class Flaw(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request, and where."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457). `type` names the kind of problem for ever; `detail` is about this one."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: tuple[Flaw, ...] | None = None


def problem_of(error: errors.EngagementError) -> Problem:
    """An error of ours as a problem; a fault keeps its details in the log."""
    name = next((kind for kind in type(error).__mro__ if kind in STATUS), errors.Fault)
    detail = str(error) or None
    found = None
    if isinstance(error, errors.Identifying):
        found = (Flaw(error.field, f"looks like {error.what}"),)
    return Problem(PREFIX + _kebab(name.__name__), name.title(), STATUS[name], detail, found)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """A problem as a response."""
    extra = {**headers_of(problem), **(headers or {})}
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=extra)


def headers_of(problem: Problem, after_s: int = RETRY_AFTER_S) -> dict[str, str]:
    """What a problem says in headers beside its body. after_s : when to try again, if that may help"""
    if problem.status in (429, 503):
        return {"Retry-After": str(after_s)}
    return {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}


def on_ours(_: Request[Any, Any, Any], error: errors.EngagementError) -> Response[Problem]:
    """Handles the errors that the service raises itself."""
    problem = problem_of(error)
    if isinstance(error, errors.TooManyRequests):
        return answer(problem, headers_of(problem, error.after_s))
    return answer(problem)


def on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """Handles a request that is not of the documented form; says where."""
    found = tuple(_flaw(request, row) for row in (error.extra or ()) if isinstance(row, dict))
    detail = f"{found[0].field}: {found[0].message}".removeprefix(": ") if found else error.detail
    return answer(Problem(PREFIX + "invalid", errors.Invalid.title(), 400, detail, found or None))


def _flaw(request: Request[Any, Any, Any], row: dict[str, Any]) -> Flaw:
    """One flaw: a parameter as callers know it, and of a choice what may be chosen."""
    key, message = str(row.get("key", "")), str(row.get("message", ""))
    if (key, row.get("source")) == ("data", "body"):  # what handlers call their body
        return Flaw("", "the body is missing; it must be JSON")
    parameter = request.route_handler.parsed_fn_signature.parameters.get(key)
    if row.get("source") != ParamType.QUERY or parameter is None:
        return Flaw(key, message)
    name = getattr(parameter.kwarg_definition, "name", None) or key
    allowed = _choices(parameter.annotation)
    return Flaw(name, f"must be one of {', '.join(allowed)}" if allowed else message)


def _choices(kind: Any) -> tuple[str, ...]:
    """What a choice, or a union of choices, allows; empty for any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(chain.from_iterable(map(_choices, get_args(kind))))


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Handles what the framework refuses: unknown routes, methods, media types, sizes."""
    status = error.status_code
    name = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}.get(
        status
    )
    if status >= 500:
        return answer(Problem(PREFIX + "fault", errors.Fault.title(), status))
    headers = dict(error.headers or {})
    title = HTTPStatus(status).phrase
    if isinstance(error, NotFoundException):
        title = "There is no such address"
    elif isinstance(error, MethodNotAllowedException):
        title = "This address does not take that method"
    return answer(Problem(PREFIX + (name or "invalid"), title, status, error.detail or None), headers)


def on_database(request: Request[Any, Any, Any], error: OperationalError) -> Response[Problem]:
    """Handles a database that does not answer outside the desk, where nobody else has caught it."""
    log.error("the database does not answer: %s", type(error).__name__, extra={"method": request.method})
    return answer(problem_of(errors.Unavailable()))


def on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Handles what nobody foresaw: logged without the request's content, answered as our fault."""
    return answer(unforeseen(error, request.method))


def unforeseen(error: Exception, method: str) -> Problem:
    """What is said of an error that nobody foresaw; what is known of it goes to the log."""
    log.exception("unforeseen: %s", type(error).__name__, extra={"method": method}, exc_info=error)
    return Problem(PREFIX + "fault", errors.Fault.title(), 500)


HANDLERS: dict[Any, Any] = {
    errors.EngagementError: on_ours,
    ValidationException: on_validation,
    HTTPException: on_http,
    OperationalError: on_database,
    Exception: on_anything,
}


def response_to(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Any error as the problem it is, for those who then say it in the words of another protocol."""
    handler = next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)
    answered: Response[Problem] = handler(request, error)
    return answered
