"""`/console`: signing in and out, and every page of `PAGES` with its forms."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote, urlencode

from litestar import MediaType, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from engagement.api.console import PAGES
from engagement.api.console.drawn import drawn, spoken
from engagement.api.console.page import ROOT, ConsolePage, Sent, Taken, Visit
from engagement.api.console.session import (
    LANGUAGE,
    WHO,
    Anybody,
    Forged,
    SignedOut,
    closing,
    opening,
    refuse_forged,
    sign_of,
    signed_in,
    speaking,
    token_of,
)
from engagement.api.desk import Work
from engagement.api.pages.page import Form
from engagement.api.pages.serve import MOST_BYTES, Trouble, form_of
from engagement.api.pages.serve import from_here as sent_from_here
from engagement.api.problems import RETRY_AFTER_S, problem_of, unforeseen
from engagement.api.service import Service, one, only, service_of
from engagement.errors import (
    EngagementError,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from engagement.store.acts import By
from engagement.workflows import access
from engagement.workflows.acted import Deed, acted
from engagement.workflows.console_session import Beginning, Begun, SignedIn, begin, end, program_of

SIGN_IN, SIGN_OUT = f"{ROOT}/sign-in", f"{ROOT}/sign-out"
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What names a thing; anything else in an address is looked up nowhere."""
NOWHERE = "UTC"


@get(SIGN_IN, include_in_schema=False)
async def ask_for_key(request: Anybody) -> Response[str]:
    """The form in which a key is typed."""
    return _sign_in(request, request.query_params.get("why", ""), request.query_params.get("next", ""))


@post(SIGN_IN, include_in_schema=False, request_max_body_size=MOST_BYTES)
async def take_key(request: Anybody) -> Response[str]:
    """Signs somebody in, with a new session, and leads to the page that was wanted."""
    service = service_of(request)
    try:
        if not sent_from_here(request.headers):
            return _sign_in(request, "elsewhere", "", 403)
        form = await _fields(request)
        typed, wanted = (form.get(name, ("",))[0].strip() for name in ("key", "next"))
        work = Work(access.program_of(typed), begin)
        begun: Begun = await one(service, "record", work, Beginning(typed, token_of(request)))
    except (Unauthenticated, Trouble):
        return _sign_in(request, "unknown", "", 403)
    except Forbidden:
        return _sign_in(request, "no_read", "", 403)
    except EngagementError as error:
        return _trouble(request, error)
    cookie = opening(request, begun, service.clock.now_ms())
    return Response("", status_code=303, headers={"Location": _inside(wanted)}, cookies=[cookie])


@post(SIGN_OUT, include_in_schema=False, request_max_body_size=MOST_BYTES)
async def sign_out(request: Anybody) -> Response[str]:
    """Ends the session."""
    token = token_of(request)
    program_id = program_of(token)
    try:
        refuse_forged(request, await _fields(request))
        if program_id is not None:
            await one(service_of(request), "record", Work(program_id, end), token)
    except (Forged, Trouble):
        return _trouble(request, Invalid(), "forged")
    except EngagementError as error:
        return _trouble(request, error)
    return Response(
        "", status_code=303, headers={"Location": f"{SIGN_IN}?why=out"}, cookies=[closing(request)]
    )


def _open(page: ConsolePage) -> HTTPRouteHandler:
    """The handler that shows a page."""

    @get(ROOT + page.path, include_in_schema=False, name=f"console-{page.name}")
    async def open_page(request: Anybody) -> Response[str]:
        """Shows a page of the console."""
        try:
            who = await signed_in(request)
            return await _shown(request, page, who)
        except SignedOut as out:
            return _to_sign_in(request, out)
        except EngagementError as error:
            return _trouble(request, error)
        except Exception as error:
            unforeseen(error, request.method)
            return _trouble(request, Fault())

    return open_page


def _send(page: ConsolePage) -> HTTPRouteHandler:
    """The handler that takes a page's forms."""

    @post(
        ROOT + page.path,
        include_in_schema=False,
        name=f"console-{page.name}-form",
        request_max_body_size=page.most_bytes,
    )
    async def send_form(request: Anybody) -> Response[str]:
        """Takes a form of a page, and leads back to it or shows what came of it."""
        try:
            who = await signed_in(request)
            form, files = await _sent(request)
            refuse_forged(request, form)
            return await _taken(request, page, who, form, files)
        except SignedOut as out:
            return _to_sign_in(request, out)
        except (Forged, Trouble):
            return _trouble(request, Invalid(), "forged")
        except EngagementError as error:
            return _trouble(request, error)
        except Exception as error:
            unforeseen(error, request.method)
            return _trouble(request, Fault())

    return send_form


async def _sent(request: Anybody) -> tuple[Form, Mapping[str, bytes]]:
    """The fields of a form, and the files that came with it. Raises `Trouble`."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        return await _fields(request), {}
    with _readable():
        parts = list((await request.form()).multi_items())
        files = {name: await part.read() for name, part in parts if isinstance(part, UploadFile)}
    fields = [(name, part) for name, part in parts if isinstance(part, str)]
    return {name: tuple(value for key, value in fields if key == name) for name, _ in fields}, files


async def _fields(request: Anybody) -> Form:
    """The fields of a form without files. Raises `Trouble`."""
    with _readable():
        body = await request.body()
    return form_of(request.headers.get("content-type", ""), body)


@contextmanager
def _readable() -> Iterator[None]:
    """Says in our words why a form cannot be read."""
    try:
        yield
    except ClientException as flaw:
        if flaw.status_code == HTTP_413_REQUEST_ENTITY_TOO_LARGE:
            raise TooLarge from flaw
        raise Trouble("unreadable") from flaw
    except (ValueError, LookupError) as flaw:  # what is no text, or in an alphabet that nobody knows
        raise Trouble("unreadable") from flaw


async def _taken(
    request: Anybody, page: ConsolePage, who: SignedIn, form: Form, files: Mapping[str, bytes]
) -> Response[str]:
    visit = _visit(request, page, who)
    sent = Sent(visit, form, files)
    if page.prepare is not None:
        sent = await asyncio.to_thread(page.prepare, sent)
    taken = await _done(service_of(request), page, who, sent)
    if taken.trouble or taken.told is not None:
        return await _shown(request, page, who, taken)
    where = ROOT + taken.to if taken.to else request.url.path
    return Response("", status_code=303, headers={"Location": where})


async def _done(service: Service, page: ConsolePage, who: SignedIn, sent: Sent) -> Taken:
    """What became of a form; what it stores is an act of whoever is signed in."""
    assert page.take is not None  # noqa: S101  only such pages have forms
    if page.lane != "record":
        return cast("Taken", await one(service, page.lane, Work(who.key.program_id, page.take), sent))
    deed = Deed(By("console", who.key.key_id, page.name), page.take, [sent])
    return cast("Taken", only(await one(service, "record", Work(who.key.program_id, acted), deed)))


async def _shown(
    request: Anybody, page: ConsolePage, who: SignedIn, taken: Taken | None = None
) -> Response[str]:
    service, visit = service_of(request), _visit(request, page, who)
    if page.first is not None:
        visit = visit._replace(found=await page.first(service, visit))
    content = await one(service, "read", Work(who.key.program_id, page.read), visit)
    text = drawn(
        f"{page.name}.html",
        page.name,
        visit.language,
        who.program.time_zone,
        **_frame(request, page),
        page=content,
        visit=visit,
        taken=taken,
    )
    return _html(request, text, 409 if taken is not None and taken.trouble else 200)


def _visit(request: Anybody, page: ConsolePage, who: SignedIn) -> Visit:
    """A visit of a page that its key opens. Raises `Forbidden` for any other."""
    if not who.key.opens(page.scope):
        raise Forbidden(f"this page needs the scope `{page.scope}`; the key has: {', '.join(who.key.scopes)}")
    if not page.opens_to(who.key):
        raise Forbidden(f"this page is for the audience `{page.audience}`; the key's is `{who.key.audience}`")
    of = str(request.path_params.get("of", ""))
    if of and ID.fullmatch(of) is None:
        raise NotFound("there is nothing of that name in this program")
    query = {
        str(name): str(value) for name, value in request.query_params.items() if ID.fullmatch(str(value))
    }
    return Visit(who, of, query, _language(request), service_of(request).simulated)


def _frame(request: Anybody, page: ConsolePage | None = None) -> dict[str, Any]:
    """What the frame of a page knows: who is signed in, what they may open, and where they are."""
    who: SignedIn | None = request.scope.get(WHO)  # type: ignore[assignment]  # an entry of ours
    return {
        "root": ROOT,
        "path": request.url.path,
        "simulated": service_of(request).simulated,
        "who": who,
        "menu": [] if who is None else [one for one in PAGES if one.menu and one.opens_to(who.key)],
        "under": "" if page is None else page.under or page.name,
        "sign": "" if who is None else sign_of(token_of(request)),
        "htmx": page is not None and page.htmx,
    }


def _sign_in(request: Anybody, why: str, wanted: str, status: int = 200) -> Response[str]:
    values = {**_frame(request), "why": why, "next": wanted}
    text = drawn("sign_in.html", "sign_in", _language(request), NOWHERE, **values)
    return _html(request, text, status)


def _to_sign_in(request: Anybody, out: SignedOut) -> Response[str]:
    wanted = {"next": request.url.path} if request.method == "GET" else {}
    asked = urlencode(wanted | ({"why": "ended"} if out.ended else {}), quote_via=quote)
    cookies = [closing(request)] if out.ended else []
    return Response("", status_code=303, headers={"Location": f"{SIGN_IN}?{asked}"}, cookies=cookies)


def _inside(wanted: str) -> str:
    """Where to go after signing in: a page of the console and nowhere else."""
    inside = wanted == ROOT or wanted.startswith(f"{ROOT}/")
    plain = not set(wanted) & set("\\?#") and wanted.isascii() and wanted.isprintable()
    return wanted if inside and plain and ".." not in wanted else ROOT


def _trouble(request: Anybody, error: EngagementError, name: str = "") -> Response[str]:
    """A page that says what is wrong, whose fault it is, what was lost and what comes next."""
    problem = problem_of(error)
    kind = name or problem.type.rpartition(":")[2]
    values = {
        **_frame(request),
        "kind": kind,
        "detail": problem.detail or "",
        "reference": request.scope.get("request_id", ""),
    }
    text = drawn("trouble.html", "trouble", _language(request), NOWHERE, **values)
    after_s = error.after_s if isinstance(error, TooManyRequests) else RETRY_AFTER_S
    headers = {"Retry-After": str(after_s)} if problem.status in (429, 503) else {}
    return _html(request, text, problem.status, headers)


def _language(request: Anybody) -> str:
    """The language that was asked for, remembered, or is the browser's own."""
    own = request.headers.get("accept-language", "").partition(",")[0].partition("-")[0].strip().lower()
    return spoken(request.query_params.get("lang"), request.cookies.get(LANGUAGE), own)


def _html(
    request: Anybody, text: str, status: int = 200, headers: dict[str, str] | None = None
) -> Response[str]:
    wish = request.query_params.get("lang")
    remembered = [speaking(request, wish)] if wish is not None and spoken(wish) == wish else []
    return Response(
        text,
        status_code=status,
        media_type=MediaType.HTML,
        headers={"X-Robots-Tag": "noindex", **(headers or {})},
        cookies=remembered,
    )


HANDLERS = (
    ask_for_key,
    take_key,
    sign_out,
    *map(_open, PAGES),
    *(_send(page) for page in PAGES if page.take is not None),
)
