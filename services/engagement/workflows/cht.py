"""CHT: what its outbound push sends becomes a record, and what is due becomes documents for its database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import Carrier, Id
from engagement.errors import Invalid, Mistake
from engagement.signals.catalogue import BY_KIND, CATALOGUE, admitted
from engagement.signals.meetings import MEETING_HELD
from engagement.signals.signal import Audience, Reporter
from engagement.store import setup
from engagement.store.kept import Kept
from engagement.store.units import Unit
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Answer, ReasonCode
from engagement.workflows.answer import DecisionId, Reply
from engagement.workflows.foreign_month import MonthSaid, Telling, hear_with_months
from engagement.workflows.foreign_record import Answered, Heard, Record, Said
from engagement.workflows.foreign_values import moment_of, value_of, words_of
from engagement.workflows.ingest import milliseconds
from engagement.workflows.worklist import WorkItem, WorkList, WorkWanted, work_lists

SOURCE = "cht"
FORM = "engagement_suggestion"
Value = str | int | float | bool | None
KINDS = tuple(signal.kind for signal in CATALOGUE)
Revision = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}-[0-9a-f]{1,64}(?!\n)$")]


class PushedMonth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group's meeting: whether it was held, and seats as a question with several answers gives them."""

    held: Value
    came: Value = None
    met: Value = None
    missed: Value = None


class Pushed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document as CHT's outbound push sends it, by the mapping in CHT's own settings.

    id, rev : the document's `_id` and `_rev`      reported_at : its `reported_date`, or a field of the form
    member, group : whom it is about, none where it only answers      signals : kind → value
    chains : kind → the one goal or case that it is about      month : a group's meeting, by seat
    decision_id, status, reason : what became of a suggestion
    """

    id: Id
    rev: Revision | None = None
    reported_at: int | str
    member: Id | None = None
    group: Id | None = None
    reported_by: Reporter = "health_worker"
    signals: dict[str, Value] = msgspec.field(default_factory=dict)
    chains: dict[str, Id] = msgspec.field(default_factory=dict)
    month: PushedMonth | None = None
    decision_id: DecisionId | None = None
    status: Answer | None = None
    reason: ReasonCode | None = None

    def __post_init__(self) -> None:
        """Refuses what is about two, what is about nobody, and half an answer."""
        if self.member is not None and self.group is not None:
            raise ValueError("a document is about one member or one group: give `member` or `group`")
        if self.signals and self.member is None and self.group is None:
            raise ValueError("signals are about one member or one group: give `member` or `group`")
        if self.month is not None and self.group is None:
            raise ValueError("a month is a group's: give `group`")
        if (self.decision_id is None) != (self.status is None):
            raise ValueError("an answer is `decision_id` with `status`")
        if not self.signals and self.decision_id is None and self.member is None and self.group is None:
            raise ValueError("a document needs `signals` or an answer, else it says nothing")


class Push(NamedTuple):
    """A document with the audience of the key that sent it."""

    pushed: Pushed
    audience: Audience


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields of a suggestion in CHT. patient_id or place_id says on whose page and phone it stands."""

    patient_id: str | None = None
    place_id: str | None = None
    decision_id: str
    action: str
    title: str
    text: str
    language: str
    carrier: str
    minutes: int
    due: str
    status: str


class ChtDoc(msgspec.Struct, frozen=True, kw_only=True, rename={"id": "_id"}):
    """A suggestion as a report of CHT. Its `_id` follows from the decision, so it is there once."""

    id: str
    type: Literal["data_record"] = "data_record"
    form: str = FORM
    content_type: Literal["xml"] = "xml"
    reported_date: int
    fields: Fields


class ChtDocs(msgspec.Struct, frozen=True):
    """The body that CouchDB's `_bulk_docs` takes. next is in the header `Link`, for CouchDB wants no more."""

    docs: tuple[ChtDoc, ...]


class DocsWanted(NamedTuple):
    """Which suggestions, behind a decision's id."""

    carrier: Carrier | None
    after: str
    limit: int
    audience: Audience


class Docs(NamedTuple):
    """Documents, and the id to go on behind; None where these are the last."""

    docs: ChtDocs
    following: str | None


def hear_pushes(
    conn: Connection, kept: Kept, program_id: str, pushes: Sequence[Push], now_ms: int
) -> list[Heard | Mistake]:
    """Brings what is stored in line with documents."""
    revision = setup.catalogue_revision(conn, program_id)
    time_zone = setup.catalogue(conn, kept, program_id, revision).program.time_zone
    found = [_telling(push, time_zone) for push in pushes]
    tellings = [row for row in found if isinstance(row, Telling)]
    heard = iter(hear_with_months(conn, kept, program_id, tellings, now_ms))
    return [next(heard) if isinstance(row, Telling) else row for row in found]


def _telling(push: Push, time_zone: str) -> Telling | Mistake:
    pushed = push.pushed
    unit = None
    if pushed.member is not None:
        unit = Unit("member", pushed.member)
    elif pushed.group is not None:
        unit = Unit("group", pushed.group)
    try:
        at = _at(pushed.reported_at, time_zone)
        said = tuple(_said(pushed, unit))
        month = _month(pushed, at, time_zone)
    except Mistake as mistake:
        return mistake
    answered = None
    if pushed.decision_id is not None and pushed.status is not None:
        answered = Answered(pushed.decision_id, Reply(pushed.status, pushed.reason, at))
    version = None if pushed.rev is None else int(pushed.rev.partition("-")[0])
    record = Record(
        SOURCE, pushed.id, version, unit, at, pushed.reported_by, KINDS, said, answered, push.audience
    )
    return Telling(record, month)


def _month(pushed: Pushed, at: datetime, time_zone: str) -> MonthSaid | None:
    said = pushed.month
    if said is None or pushed.group is None:
        return None
    try:
        held = value_of(MEETING_HELD.kind, said.held, {})
    except Invalid as flaw:
        raise Invalid(f"month.held: {flaw}") from None
    if held is None:
        return None
    came, met, missed = map(words_of, (said.came, said.met, said.missed))
    day = at.astimezone(ZoneInfo(time_zone)).date()
    return MonthSaid(pushed.group, day, held == 1, came, met, missed, pushed.reported_by)


def _at(raw: int | str, time_zone: str) -> datetime:
    try:
        return moment_of(raw, time_zone)
    except Invalid as flaw:
        raise Invalid(f"reported_at: {flaw}") from None


def _said(pushed: Pushed, unit: Unit | None) -> Iterator[Said]:
    for kind, raw in pushed.signals.items():
        if kind not in BY_KIND:
            admitted(kind, "member" if unit is None else unit.kind, 0)  # says which kinds are near
        try:
            value = value_of(kind, raw, {})
        except Invalid as flaw:
            raise Invalid(f"signals.{kind}: {flaw}") from None
        if value is not None:
            yield Said(kind, value, pushed.chains.get(kind))


def due_docs(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[DocsWanted], now_ms: int
) -> list[Docs | Mistake]:
    """What waits to be done, as documents."""
    revision = setup.catalogue_revision(conn, program_id)
    time_zone = setup.catalogue(conn, kept, program_id, revision).program.time_zone
    wishes = [
        WorkWanted("open", one.carrier, None, None, one.after, one.limit, one.audience) for one in wanted
    ]
    return [
        Docs(ChtDocs(tuple(_doc(item, time_zone) for item in found.items)), found.next)
        if isinstance(found, WorkList)
        else found
        for found in work_lists(conn, kept, program_id, wishes, now_ms)
    ]


def _doc(item: WorkItem, time_zone: str) -> ChtDoc:
    action = item.action
    return ChtDoc(
        id=f"engagement:{item.decision_id}",
        reported_date=milliseconds(item.decided_at),
        fields=Fields(
            patient_id=item.member,
            place_id=item.group if item.member is None else None,
            decision_id=item.decision_id,
            action=action.id,
            title=action.title,
            text=action.text or action.title,
            language=action.language or "",
            carrier=action.carrier or "",
            minutes=action.minutes,
            due=local_date(milliseconds(item.due_at) - 1, time_zone).isoformat(),
            status=item.status,
        ),
    )
