"""Who is signed in: the cookie, the sign against forged forms, and what a request's session opens.

The cookie is `HttpOnly` and `SameSite=Strict`, over https also `Secure` and bound to this host. A form is
taken only with a sign that is derived from the session's token, and only when the browser does not say that
it comes from somewhere else.
"""

import hmac
from hashlib import sha256
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from engagement.api.console.page import ROOT
from engagement.api.desk import Work
from engagement.api.pages.page import Form
from engagement.api.pages.serve import from_here
from engagement.api.service import one, service_of
from engagement.workflows.console_session import Begun, SignedIn, program_of, recognise

Anybody = Request[Any, Any, Any]
SIGN = "sign"
"""The field of a form that shows that the form is ours."""
LANGUAGE = "console_language"
WHO = "signed_in"
"""The entry of a request's scope that says who is signed in."""
YEAR_S = 365 * 24 * 3600


class SignedOut(Exception):
    """Nobody is signed in, or no longer. `ended` : there was a session"""

    def __init__(self, *, ended: bool) -> None:
        self.ended = ended


class Forged(Exception):
    """A form that did not come from a page of this session."""


def is_safe(request: Anybody) -> bool:
    """Whether the browser speaks https, to us or to whatever stands before us."""
    said = request.headers.get("x-forwarded-proto", "")
    return request.url.scheme == "https" or said.partition(",")[0].strip().lower() == "https"


def cookie_name(*, safe: bool) -> str:
    """The cookie's name; with `__Host-` no neighbouring host can set it."""
    return "__Host-console" if safe else "console"


def token_of(request: Anybody) -> str:
    """The token a browser sent, "" for none."""
    return request.cookies.get(cookie_name(safe=is_safe(request)), "")


def opening(request: Anybody, begun: Begun, now_ms: int) -> Cookie:
    """The cookie of a session that begins."""
    return _cookie(request, begun.token, (begun.expires_at - now_ms) // 1000)


def closing(request: Anybody) -> Cookie:
    """The cookie that takes the place of one whose session has ended."""
    return _cookie(request, "", 0)


def speaking(request: Anybody, language: str) -> Cookie:
    """The cookie that remembers a language."""
    safe = is_safe(request)
    return Cookie(
        LANGUAGE, value=language, path=ROOT, max_age=YEAR_S, httponly=True, secure=safe, samesite="strict"
    )


def _cookie(request: Anybody, token: str, seconds: int) -> Cookie:
    safe = is_safe(request)
    return Cookie(
        cookie_name(safe=safe),
        value=token,
        path="/" if safe else ROOT,
        max_age=seconds,
        httponly=True,
        secure=safe,
        samesite="strict",
    )


async def signed_in(request: Anybody) -> SignedIn:
    """Who holds the session of a request. Raises `SignedOut`."""
    token = token_of(request)
    program_id = program_of(token)
    if program_id is None:
        raise SignedOut(ended=False)
    service = service_of(request)
    found: SignedIn | None = await one(service, "read", Work(program_id, recognise), token)
    if found is None:
        raise SignedOut(ended=True)
    scope: Any = request.scope
    scope[WHO] = found
    request.app.state["allowances"].take(found.key, scope)
    return found


def sign_of(token: str) -> str:
    """The sign that every form of a session carries; whoever knows it does not know the token."""
    return hmac.new(token.encode(), b"a form of the console", sha256).hexdigest()


def refuse_forged(request: Anybody, form: Form) -> None:
    """Raises `Forged` for a form of another site, of another session, or of none."""
    sent = form.get(SIGN, ("",))[0]
    if not from_here(request.headers) or not hmac.compare_digest(
        sent.encode(), sign_of(token_of(request)).encode()
    ):
        raise Forged
