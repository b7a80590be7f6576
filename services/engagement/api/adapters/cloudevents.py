"""Signals as CloudEvents 1.0 over HTTP: structured, binary, or a batch.

An event's `source` and `id` name the report for ever, `type` is or ends in the signal's kind, `time` is when
it was observed, `data` holds the rest of the signal. Whatever else an event carries is for others.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, get_args
from urllib.parse import unquote

import msgspec
from litestar import Response, post
from litestar.handlers import HTTPRouteHandler

from engagement.actions.action import Id
from engagement.api.bodies import flaw_in
from engagement.api.guards import Needs
from engagement.api.service import Call, only
from engagement.api.signals import MOST, ReceivedMany, received, take
from engagement.errors import Invalid, Mistake, TooLarge
from engagement.signals.catalogue import BY_KIND
from engagement.signals.signal import Reporter
from engagement.workflows.ingest import EventId, Number, Receipt, Signal, Word
from engagement.workflows.mistakes import UNREAD, unread

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
JSON_TYPE = re.compile(r"^[\w.-]+/(?:[\w.-]+\+)?json$")
SUBJECT = re.compile(r"^(?P<kind>member|group)/(?P<id>.+)$")
IN_HEADERS = ("id", "source", "specversion", "type", "time", "subject")
SOURCE = re.compile(get_args(Id)[1].pattern)
EVENT = re.compile(get_args(EventId)[1].pattern)


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at of an event. Whatever else it carries is for others."""

    specversion: str
    id: Annotated[str, msgspec.Meta(min_length=1)]
    source: Annotated[str, msgspec.Meta(min_length=1)]
    type: Annotated[str, msgspec.Meta(min_length=1)]
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    subject: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: str | None = None


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rest of a signal, as `/v1/signals` has it; the event's subject may stand for `member` or `group`.

    corrects, corrects_source : `id` and `source` of the event this one replaces
    """

    member: Id | None = None
    group: Id | None = None
    value: Number | Word | None = 1
    reported_by: Reporter = "system"
    chain: Id | None = None
    corrects: str | None = None
    corrects_source: str | None = None


@post("/v1/events", status_code=200, guards=[Needs("signals")], include_in_schema=False, takes=None)
async def report_events(request: Call) -> Response[ReceivedMany | Receipt | Any]:
    """Report what was observed, as CloudEvents.

    One event is answered with its receipt or its problem, a batch with one of them for each.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type == MANY:
        rows = _decoded(body, list[msgspec.Raw], "the batch")
        if len(rows) > MOST:
            raise TooLarge(f"a batch holds at most {MOST:,} events")
        events = [_structured(row) for row in rows]
        return Response(await take(request, events, received) if events else received([]))
    event = _structured(body) if media_type == ONE else _binary(request.headers, media_type, body)
    return Response(await take(request, [event], only))


def _structured(body: bytes | msgspec.Raw) -> Signal | Mistake:
    """An event that is all in the body."""
    try:
        return _signal(_decoded(body, CloudEvent, "the event"))
    except Mistake as mistake:
        return mistake


def _binary(headers: Mapping[str, str], media_type: str, body: bytes) -> Signal | Mistake:
    """An event whose attributes are headers, and whose data is the body."""
    said = {name: unquote(headers[f"ce-{name}"]) for name in IN_HEADERS if f"ce-{name}" in headers}
    if not said:
        return Invalid(f"send `Content-Type: {ONE}`, `{MANY}`, or the event's attributes as headers `ce-…`")
    try:
        event = msgspec.convert(
            said | {"datacontenttype": media_type or None}, CloudEvent, strict=False, builtin_types=(bytes,)
        )
        return _signal(msgspec.structs.replace(event, data=msgspec.Raw(body or b"null")))
    except msgspec.ValidationError as flaw:
        place = flaw_in(str(flaw))
        return Invalid(f"ce-{place['key']}: {place['message']}")
    except Mistake as mistake:
        return mistake


def _signal(event: CloudEvent) -> Signal:
    """The signal that an event is. raises : Invalid"""
    if event.specversion != "1.0":
        raise Invalid(f"specversion: CloudEvents 1.0 are read, not `{event.specversion}`")
    if event.time is None:
        raise Invalid("time: a signal needs the time at which it was observed")
    json = JSON_TYPE.match(event.datacontenttype or "application/json")
    if event.data_base64 is not None or not json:
        raise Invalid("data: must be JSON")
    data = _decoded(event.data, Data | None, "data") or Data()
    member, group = _about(event, data)
    return Signal(
        source=named(event.source, SOURCE),
        id=named(event.id, EVENT),
        kind=event.type if event.type in BY_KIND else event.type.rpartition(".")[2],
        member=member,
        group=group,
        value=data.value,
        occurred_at=event.time,
        reported_by=data.reported_by,
        chain=data.chain,
        corrects=None if data.corrects is None else named(data.corrects, EVENT),
        corrects_source=None if data.corrects_source is None else named(data.corrects_source, SOURCE),
    )


def _about(event: CloudEvent, data: Data) -> tuple[str | None, str | None]:
    """The member or the group that an event is about."""
    if data.member is not None or data.group is not None or event.subject is None:
        return data.member, data.group
    found = SUBJECT.match(event.subject)
    if found is None or SOURCE.match(found["id"]) is None:
        raise Invalid("subject: reads `member/…` or `group/…` and the id, unless `data` names one of them")
    return (found["id"], None) if found["kind"] == "member" else (None, found["id"])


def named(text: str, form: re.Pattern[str]) -> str:
    """A name as it is where it has the form that signals have, else a digest of it, whatever its length."""
    if form.match(text):
        return text
    return "ce-" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _decoded(body: bytes | msgspec.Raw, kind: Any, noun: str) -> Any:
    """JSON as what it should be. raises : Invalid, with the field"""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as flaw:
        place = flaw_in(str(flaw), body, kind)
        where = ".".join(filter(None, ("data" if noun == "data" else "", place["key"]))) or noun
        raise Invalid(f"{where}: {place['message']}") from flaw
    except UNREAD as flaw:
        raise Invalid(f"{noun} is not JSON: {unread(flaw)}") from flaw


ROUTES: Sequence[HTTPRouteHandler] = (report_events,)
