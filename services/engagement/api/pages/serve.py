"""`/l/{token}`: a link opens its page, and the page's forms are sent to the same link.

The link is the key, so nothing else is asked of who holds it: no cookie is ever set, and a page of another
site that does not know the link cannot send a form to it. One that does is refused by what the browser says
of where the form came from. The token stands in no log, metric or `Referer`.
"""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from litestar import MediaType, Request, Response, get, post
from litestar.params import PathParameter

from engagement.api.desk import Work
from engagement.api.pages import PAGES
from engagement.api.pages.page import LANGUAGES, Form, Opened, Sent, Shown, Taken, drawn
from engagement.api.problems import RETRY_AFTER_S
from engagement.api.service import Service, one, service_of
from engagement.errors import EngagementError, Fault
from engagement.store.page_links import PageLink
from engagement.workflows.page_link import Unopened, program_of, recognise
from engagement.workflows.tell import moment

Token = Annotated[str, PathParameter(description="The link's token")]
Anybody = Request[Any, Any, Any]
MOST_BYTES = 64 * 1024
MOST_FIELDS = 500
FORM = "application/x-www-form-urlencoded"
STATUS = {"unknown": 404, "ended": 410, "elsewhere": 403, "unreadable": 400, "busy": 503}
"""What a page that cannot be shown answers with; the words are keys of `common`."""


class Trouble(Exception):
    """No page can be shown. The name is a key of `STATUS`."""


@get("/l/{token:str}", include_in_schema=False)
async def open_page(request: Anybody, token: Token) -> Response[str]:
    """The page that a link opens."""
    try:
        link = await _link(request, token)
        return await _shown(request, link, "")
    except Trouble as trouble:
        return _no_page(str(trouble))


@post("/l/{token:str}", include_in_schema=False, request_max_body_size=MOST_BYTES)
async def send_form(request: Anybody, token: Token) -> Response[str]:
    """Takes a form of the page, and leads back to it."""
    try:
        _refuse_others(request)
        link = await _link(request, token)
        form = form_of(request.headers.get("content-type", ""), await request.body())
        work = Work(link.program_id, PAGES[link.opens].take)
        taken: Taken = await _asked(service_of(request), "record", work, Sent(link, form))
        if taken.trouble:
            return await _shown(request, link, taken.trouble)
    except Trouble as trouble:
        return _no_page(str(trouble))
    language = _wish(request)
    where = f"{token}{'?lang=' + language if language else ''}{'#' + taken.place if taken.place else ''}"
    return Response("", status_code=303, headers={"Location": where})


async def _link(request: Anybody, token: str) -> PageLink:
    program_id = program_of(token)
    if program_id is None:
        raise Trouble("unknown")
    found: PageLink | Unopened = await _asked(service_of(request), "read", Work(program_id, recognise), token)
    if not isinstance(found, PageLink):
        raise Trouble(found)
    if found.opens not in PAGES:  # a newer version of the service gave it out
        raise Trouble("unknown")
    return found


async def _shown(request: Anybody, link: PageLink, trouble: str) -> Response[str]:
    service, page = service_of(request), PAGES[link.opens]
    try:
        found = None if page.first is None else await page.first(service, link)
    except EngagementError as error:
        raise _trouble(error) from error
    work = Work(link.program_id, page.show)
    shown: Shown = await _asked(service, "read", work, Opened(link, _wish(request), found))
    text = drawn(
        shown.template,
        shown.language,
        shown.program.time_zone,
        page=shown.content,
        program=shown.program,
        ends=moment(link.expires_at),
        trouble=trouble,
        simulated=service.simulated,
    )
    return _html(text, 409 if trouble else 200)


async def _asked(service: Service, lane: Any, work: Work, item: Any) -> Any:
    """The result of a workflow; what it refuses is trouble, in words for people."""
    try:
        return await one(service, lane, work, item)
    except EngagementError as error:
        raise _trouble(error) from error


def _trouble(error: EngagementError) -> Trouble:
    """A fault of ours passes; what the link opened was there when the link was made, and is gone."""
    return Trouble("busy" if isinstance(error, Fault) else "ended")


def from_here(headers: Mapping[str, str]) -> bool:
    """Whether a form came from this service's own page, as far as the browser says.

    `Sec-Fetch-Site` where the browser sends it. Else `Origin`, which is `null` under our own
    `Referrer-Policy`; an old browser that says nothing is let in, since it holds the link.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin", "null")
    return origin == "null" or urlsplit(origin).netloc == headers.get("host", "")


def _refuse_others(request: Anybody) -> None:
    if not from_here(request.headers):
        raise Trouble("elsewhere")


def form_of(media_type: str, body: bytes) -> Form:
    """The fields of a form. Raises `Trouble`."""
    if media_type.partition(";")[0].strip().lower() != FORM:
        raise Trouble("unreadable")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as flaw:
        raise Trouble("unreadable") from flaw
    return {name: tuple(value for key, value in pairs if key == name) for name, _ in pairs}


def _wish(request: Anybody) -> str:
    """The language that was asked for, "" where none was that pages are written in."""
    wish = request.query_params.get("lang", "")
    return wish if wish in LANGUAGES else ""


def _no_page(trouble: str) -> Response[str]:
    """Kind words in every language, since nobody knows which one is wanted."""
    status = STATUS[trouble]
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
    return _html(drawn("no_page.html", "en", "UTC", trouble=trouble), status, headers)


def _html(text: str, status: int, headers: dict[str, str] | None = None) -> Response[str]:
    return Response(
        text,
        status_code=status,
        media_type=MediaType.HTML,
        headers={"X-Robots-Tag": "noindex", **(headers or {})},
    )


HANDLERS = (open_page, send_form)
