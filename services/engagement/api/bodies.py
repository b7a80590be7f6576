"""Bodies, decoded once and strictly into the very Struct a handler names.

Litestar would decode to plain objects first and convert those leniently, taking `"1"` for 1. What is
described is what is checked, so the body goes to msgspec as it came.
"""

import asyncio
import re
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler

from engagement.errors import Invalid
from engagement.store.keys import ApiKey
from engagement.workflows.mistakes import UNREAD, remedied, unread
from engagement.workflows.sheet import Refused, Report, Sheet
from engagement.workflows.sheet_file import opened
from engagement.workflows.sheet_written import marked

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEETS = ("text/csv", WORKBOOK)
"""What a sheet may be sent as."""
R = TypeVar("R", bound=Report)
PLACE = re.compile(r"^(?P<said>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<path>.*)`)?$", re.DOTALL)
NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>.*)`$")


@cache
def decoder_of(handler: BaseRouteHandler) -> msgspec.json.Decoder[Any]:
    """The decoder of a handler's body. By handler: an annotated type takes 50 µs to hash."""
    return msgspec.json.Decoder(handler.parsed_fn_signature.parameters["data"].raw)


class Typed(Request[Any, ApiKey, State]):
    """A request whose JSON comes out as its handler's `data` is declared."""

    async def json(self) -> Any:
        """The body as a Struct; a problem that says where it is not one."""
        body = await self.body()
        try:
            return self._decoded(body)
        except msgspec.ValidationError as flaw:
            kind = decoder_of(self.route_handler).type
            raise ValidationException(extra=[flaw_in(str(flaw), body, kind)]) from flaw
        except UNREAD as flaw:
            raise ValidationException(detail=f"the body is not JSON: {unread(flaw)}") from flaw

    def _decoded(self, body: bytes) -> Any:
        """The whole body; where one of many items is malformed, a `Mistake` in the place of that one."""
        try:
            return decoder_of(self.route_handler).decode(body)
        except msgspec.ValidationError:
            field = self.route_handler.opt.get("each")
            if field is None:
                raise
            return one_by_one(self.route_handler.parsed_fn_signature.parameters["data"].raw, field, body)


async def sheet_of(request: Request[Any, ApiKey, State]) -> Sheet:
    """The body as a sheet. Away from the loop, since a workbook takes as long as it is large."""
    return await asyncio.to_thread(opened, await request.body())


class _Refusals(msgspec.Struct, frozen=True):
    refused: tuple[Refused, ...]


async def as_wanted(request: Request[Any, ApiKey, State], report: R, sheet: Sheet) -> R:
    """A report on a sheet as the caller accepts it: in words, or as the sheet with its wrong cells marked."""
    if WORKBOOK not in request.headers.get("accept", ""):
        return report
    before: Any = report
    if isinstance(before, msgspec.Raw):  # the answer that this request has got before
        before = msgspec.json.decode(before, type=_Refusals)
    refused = before.refused
    content = await asyncio.to_thread(marked, sheet, refused)
    headers = {"Content-Disposition": 'attachment; filename="to-fix.xlsx"'}
    # whatever a handler says that it returns, the framework sends a response as it is
    return cast("R", Response(content, media_type=WORKBOOK, headers=headers))


def one_by_one(body_type: Any, field: str, body: bytes) -> Any:
    """A body whose items are decoded each on its own: what is wrong with one harms no other.

    body_type : a Struct, maybe annotated, whose only field is a tuple of items
    raises msgspec.ValidationError when it is the body itself that is not as documented
    """
    struct = get_args(body_type)[0] if get_origin(body_type) is Annotated else body_type
    whole, bounds = get_args(get_type_hints(struct, include_extras=True)[field])[:2]
    item = msgspec.json.Decoder(get_args(whole)[0])
    loose = msgspec.defstruct(
        struct.__name__, [(field, Annotated[tuple[msgspec.Raw, ...], bounds])], forbid_unknown_fields=True
    )
    rows = getattr(msgspec.json.decode(body, type=loose), field)
    return struct(**{field: tuple(_item(item, row, f"{field}[{place}]") for place, row in enumerate(rows))})


def _item(decoder: msgspec.json.Decoder[Any], raw: msgspec.Raw, place: str) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as flaw:
        said = flaw_in(str(flaw), raw, decoder.type)
        return Invalid(f"{'.'.join(filter(None, (place, said['key'])))}: {said['message']}")
    except UNREAD as flaw:  # what is passed over unread need not be text
        return Invalid(f"{place}: {unread(flaw)}")


def flaw_in(words: str, content: bytes | msgspec.Raw = b"null", kind: Any = None) -> dict[str, str]:
    """What msgspec says, as the field that is wrong and what is wrong with it.

    content, kind : the JSON of which it is said, and as what it was to be decoded
    """
    found = PLACE.match(words)
    said, path = (found["said"], found["path"] or "") if found else (words, "")
    named = NAMED.match(said)
    field = ".".join(filter(None, (path, named["name"] if named else "")))
    return {"key": field, "message": remedied(said, content, kind, f"$.{path}")}
