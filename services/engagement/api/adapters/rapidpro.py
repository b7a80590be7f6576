"""RapidPro and TextIt: a flow's *Call Webhook* asks, reports and answers, and reads one flat object back.

The flow writes the body (https://docs.textit.com, Flows: Call Webhook) and reads the answer as
`@webhook.json.…`. So an answer has no levels, is all texts of at most 640 characters, and says "" where
there is nothing. The sender sets any header, waits 15 seconds and calls again after a lost answer: whatever
is sent twice here changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import post
from litestar.params import JSONBody

from engagement.actions.action import Id
from engagement.api.desk import Work
from engagement.api.recommendations import decide
from engagement.api.senders import Sender
from engagement.api.service import Call, began, one, service_of
from engagement.errors import EngagementError, Invalid
from engagement.signals.catalogue import BY_KIND, admitted
from engagement.signals.signal import Reporter
from engagement.store.units import Unit
from engagement.strategy.life import Answer, ReasonCode
from engagement.strategy.stratum import Phone
from engagement.workflows.answer import DecisionId, Reply
from engagement.workflows.brief import Brief, Look, briefs
from engagement.workflows.brief_sms import by_sms
from engagement.workflows.brief_voice import by_voice
from engagement.workflows.foreign_record import Answered, Heard, Record, Said, hear
from engagement.workflows.foreign_values import value_of
from engagement.workflows.month import Asked, MonthKept, tell_months
from engagement.workflows.month_told import Month
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation

SOURCE = "rapidpro"
TAGS = ("adapters",)
MOST_CHARACTERS = 640
"""Of a result or a contact's field in RapidPro; what is longer is cut there, in the middle of a word."""
PIECES = 4
"""Values that hold one section of a spoken brief."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{0,64}(?!\n)$")] | None
Point = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,64}(?!\n)$")] | None
"""An id, or what a flow writes where a contact's field is not set: nothing, or the empty text."""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A flow asks what to try next: for the member or the group that its contact stands for.

    An empty text is like none. Name and number of the contact are not wanted, and refused.
    """

    member: Name = None
    group: Name = None
    strategy: Name = None
    decision_point: Point = None


class Flat(msgspec.Struct, frozen=True, kw_only=True):
    """A recommendation as a flow can read it: texts only, "" where there is nothing.

    decision_id : to be sent back with what became of it; "" when nothing was decided
    action : its id, `none` where there is nothing to do      text : what the carrier is told, in `language`
    due : when the suggestion runs out      needs_accept : yes or no
    withheld : why nothing is recommended; `referred` names in `turn_to` whom to turn to
    """

    decision_id: str
    member: str
    group: str
    strategy: str
    action: str
    kind: str
    level: str
    title: str
    text: str
    language: str
    carrier: str
    minutes: str
    cost_minor: str
    needs_accept: str
    probability: str
    due: str
    deliver_from: str
    withheld: str
    turn_to: str
    fallback: str
    why: str
    simulated: str


class Became(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What became of a decision, as the contact said. at : when; now when absent"""

    decision_id: DecisionId
    status: Answer
    reason: ReasonCode | Literal[""] | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class Stands(msgspec.Struct, frozen=True):
    """Where the decision stands now."""

    decision_id: str
    status: str


class Observed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that a flow observed. id : the run's; said again with another value, it is corrected

    value : a number, a choice's word, yes or no
    """

    id: Id
    kind: str
    member: Name = None
    group: Name = None
    value: str | int | float | bool = 1
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    reported_by: Reporter = "self"


class Noted(msgspec.Struct, frozen=True):
    """What became of an observation: `stored`, `corrected`, or `unchanged` when it was known."""

    id: str
    status: str


class MonthTyped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group's month as its adviser typed it, on a phone or a keypad: `1 | 1 3 4 6 8 | 3 6`."""

    group: Id
    text: Annotated[str, msgspec.Meta(max_length=2_000)]


class MonthNoted(msgspec.Struct, frozen=True):
    """What became of a month. status : stored, unchanged or refused; reply : one line to send back"""

    status: str
    meeting: str
    reply: str
    language: str


class BriefWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A flow asks for the brief of its contact's group. phone : whose; a phone not known counts as shared"""

    group: Id
    phone: Phone | Literal[""] | None = None


class FlatBrief(msgspec.Struct, frozen=True, kw_only=True):
    """A brief as a flow can read it, in the group's language: one SMS, and what a voice says piece by piece.

    decision_id, try_this : what to try, "" where there is nothing new
    whole : no where it holds nothing about members
    """

    group: str
    language: str
    whole: str
    sms: str
    decision_id: str
    try_this: str
    hello: str
    menu: str
    on: str
    held: str
    came: str
    met: str
    thanks: str
    goals_1: str
    goals_2: str
    goals_3: str
    goals_4: str
    missed_1: str
    missed_2: str
    missed_3: str
    missed_4: str
    hour_1: str
    hour_2: str
    hour_3: str
    hour_4: str


def pieces(text: str) -> tuple[str, ...]:
    """A text in four values that RapidPro keeps whole, parted between words; what is beyond is cut."""
    out: list[str] = []
    while text and len(out) < PIECES - 1:
        head = text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS + 1].rpartition(" ")[0]
        head = head or text[:MOST_CHARACTERS]
        out.append(head)
        text = text[len(head) :].lstrip()
    return (*out, cut(text), *("" for _ in range(PIECES - 1 - len(out))))


def flat_brief(brief: Brief) -> FlatBrief:
    """A brief without levels."""
    spoken: dict[str, str] = {}
    for section in by_voice(brief).sections:
        name = section.id.partition("-")[0]
        spoken[name] = f"{spoken[name]} {section.text}" if name in spoken else section.text
    short = ("hello", "menu", "on", "held", "came", "met", "thanks")
    long = ("goals", "missed", "hour")
    following = brief.to_try[0] if brief.to_try else None
    return FlatBrief(
        group=brief.group,
        language=brief.language,
        whole=_yes(brief.whole),
        sms=cut(by_sms(brief).text),
        decision_id="" if following is None else following.decision_id,
        try_this="" if following is None else cut(following.text),
        **{name: cut(spoken.get(name)) for name in short},
        **{
            f"{name}_{number}": piece
            for name in long
            for number, piece in enumerate(pieces(spoken.get(name, "")), start=1)
        },
    )


def cut(text: object) -> str:
    """A value as a text that RapidPro keeps whole: "" for none, and cut where a word ends."""
    said = "" if text is None else str(text)
    if len(said) <= MOST_CHARACTERS:
        return said
    return said[: MOST_CHARACTERS - 1].rpartition(" ")[0].rstrip() + "…"


def flat(told: Recommendation) -> Flat:
    """A recommendation without levels."""
    action = told.action
    given: dict[str, Any] = {
        "decision_id": told.decision_id,
        "member": told.member,
        "group": told.group,
        "strategy": told.strategy,
        "action": action.id,
        "kind": action.kind,
        "level": action.level,
        "title": action.title,
        "text": action.text,
        "language": action.language,
        "carrier": action.carrier,
        "minutes": action.minutes,
        "cost_minor": action.cost_minor,
        "needs_accept": _yes(action.needs_accept),
        "probability": None if told.probability is None else f"{told.probability:.6g}",
        "due": None if told.expires_at is None else told.expires_at.isoformat(),
        "deliver_from": None if told.deliver_from is None else told.deliver_from.isoformat(),
        "withheld": told.withheld,
        "turn_to": None if told.referral is None else told.referral.role,
        "fallback": told.fallback,
        "why": told.why,
        "simulated": _yes(told.simulated),
    }
    return Flat(**{name: cut(value) for name, value in given.items()})


def _yes(truth: bool) -> str:  # a truth is what is to be said
    return "yes" if truth else "no"


def _unit(member: str | None, group: str | None) -> Unit:
    """The one that is meant."""
    if bool(member) == bool(group):
        raise Invalid(
            "give `member` or `group`, one of the two: is the contact's field set, and does the body name it?"
        )
    return Unit("member", member) if member else Unit("group", group or "")


@post("/adapters/rapidpro/recommendation", status_code=200, guards=[Sender("recommend")], tags=TAGS)
async def rapidpro_recommendation(request: Call, data: JSONBody[Wanted]) -> Flat:
    """Ask from a flow what to try next.

    The answer is flat: every value a text of at most 640 characters.
    """
    unit = _unit(data.member, data.group)
    ask = Ask(
        member=unit.id if unit.kind == "member" else None,
        group=unit.id if unit.kind == "group" else None,
        strategy=data.strategy or None,
        decision_point=data.decision_point or None,
    )
    told = (await decide(service_of(request), request.auth, (ask,), began(request)))[0]
    if isinstance(told, EngagementError):
        raise told
    return flat(told)


@post("/adapters/rapidpro/answer", status_code=200, guards=[Sender("recommend")], tags=TAGS)
async def rapidpro_answer(request: Call, data: JSONBody[Became]) -> Stands:
    """Say from a flow what became of a decision.

    A reply that was given before, whatever came after it, changes nothing and is answered like the first.
    """
    answered = Answered(data.decision_id, Reply(data.status, data.reason or None, data.at))
    heard = await _hear(request, _record(request, data.decision_id, None, data.at, answered=answered))
    return Stands(data.decision_id, heard.decision_status or "")


@post("/adapters/rapidpro/signal", status_code=200, guards=[Sender("signals")], tags=TAGS)
async def rapidpro_signal(request: Call, data: JSONBody[Observed]) -> Noted:
    """Report from a flow what was observed.

    Said again by the same run with another value it is a correction.
    """
    unit = _unit(data.member, data.group)
    if data.kind not in BY_KIND:
        admitted(data.kind, unit.kind, 0)  # says which kinds are near
    value = value_of(data.kind, data.value, {})
    said = () if value is None else (Said(data.kind, value),)
    record = _record(request, data.id, unit, data.at, said, (data.kind,), data.reported_by)
    heard = await _hear(request, record)
    return Noted(data.id, "stored" if heard.stored else "corrected" if heard.corrected else "unchanged")


@post("/adapters/rapidpro/brief", status_code=200, guards=[Sender("read")], tags=TAGS)
async def rapidpro_brief(request: Call, data: JSONBody[BriefWanted]) -> FlatBrief:
    """Ask from a flow for the brief of a group.

    As one SMS of at most three parts, and as what a voice says. On a shared phone, or one of which nothing is
    known, it holds nothing about a member.
    """
    service = service_of(request)
    look = Look(
        data.group, request.auth.audience, phone=data.phone or None, careful=True, simulated=service.simulated
    )
    found: Brief = await one(service, "read", Work(request.auth.program_id, briefs), look)
    return flat_brief(found)


@post("/adapters/rapidpro/month", status_code=200, guards=[Sender("signals")], tags=TAGS)
async def rapidpro_month(request: Call, data: JSONBody[MonthTyped]) -> MonthNoted:
    """Tell from a flow how a group's month was.

    As typed in one SMS or on a keypad. Told twice or late it is one meeting; what cannot be read is named
    kindly in `reply`, and the rest is stored.
    """
    asked = Asked(data.group, Month(text=data.text))
    work = Work(request.auth.program_id, tell_months)
    kept: MonthKept = await one(service_of(request), "record", work, asked)
    meeting = "" if kept.meeting is None else kept.meeting.isoformat()
    return MonthNoted(kept.status, meeting, cut(kept.reply), kept.language)


def _record(
    request: Call,
    name: str,
    unit: Unit | None,
    at: datetime | None,
    said: Sequence[Said] = (),
    kinds: Sequence[str] = (),
    reported_by: Reporter = "system",
    answered: Answered | None = None,
) -> Record:
    when = at or datetime.fromisoformat("2000-01-01T00:00:00+00:00")  # of nothing, where only answers are
    audience = request.auth.audience
    return Record(SOURCE, name, None, unit, when, reported_by, tuple(kinds), tuple(said), answered, audience)


async def _hear(request: Call, record: Record) -> Heard:
    heard: Heard = await one(service_of(request), "record", Work(request.auth.program_id, hear), record)
    return heard


ROUTES = (rapidpro_recommendation, rapidpro_answer, rapidpro_brief, rapidpro_month, rapidpro_signal)
