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
from engagement.workflows.answer import DecisionId, Reply
from engagement.workflows.foreign_record import Answered, Heard, Record, Said, hear
from engagement.workflows.foreign_values import value_of
from engagement.workflows.recommend import Ask
from engagement.workflows.tell import Recommendation

SOURCE = "rapidpro"
TAGS = ("adapters",)
MOST_CHARACTERS = 640
"""Of a result or a contact's field in RapidPro; what is longer is cut there, in the middle of a word."""
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


ROUTES = (rapidpro_recommendation, rapidpro_answer, rapidpro_signal)
