"""A program's decisions and groups as FHIR R4 resources, for health systems to read.

A nudge is a `CommunicationRequest`; a health worker's visit, an incentive and whatever else somebody does is
a `Task`; a peer group is a `Group`. People are named by the pseudonyms that the program's own apps gave them.
What a reader is not meant to see is left out, as in every other answer.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import Connection

from engagement.actions.nudge import Nudge
from engagement.errors import Invalid, NotFound
from engagement.signals.signal import Audience, may_see
from engagement.store import decisions, setup
from engagement.store.decisions import Answered, Decision
from engagement.store.kept import Kept
from engagement.store.setup import Revised
from engagement.strategy.cadence import local_date
from engagement.strategy.life import Status, status
from engagement.strategy.setup import Catalogue
from engagement.strategy.setup import Group as PeerGroup
from engagement.workflows.answer import DecisionId
from engagement.workflows.fhir_resources import (
    Characteristic,
    Coding,
    CommunicationRequest,
    Concept,
    Group,
    GroupMember,
    Identifier,
    Meta,
    Payload,
    Period,
    Reference,
    Restriction,
    Task,
)
from engagement.workflows.sight import Sight, sight_of
from engagement.workflows.story import REASONS_FOR
from engagement.workflows.tell import moment, seen_by, told
from engagement.workflows.worklist import still_wanted

Kind = Literal["Task", "CommunicationRequest"]
Stands = Status | Literal["withdrawn"]
"""Where a decision stands; withdrawn: it is open, and may not be carried out any more."""

OF_A_TASK: Mapping[Stands, str] = {
    "proposed": "requested",
    "accepted": "accepted",
    "declined": "rejected",
    "replaced": "cancelled",
    "done": "completed",
    "not_done": "failed",
    "expired": "cancelled",
    "withdrawn": "cancelled",
}
OF_A_REQUEST: Mapping[Stands, str] = {
    "proposed": "active",
    "accepted": "active",
    "declined": "revoked",
    "replaced": "revoked",
    "done": "completed",
    "not_done": "revoked",
    "expired": "unknown",  # nobody said what became of it
    "withdrawn": "revoked",
}
"""The life of a decision in FHIR's words. Its own word stands beside them, since these say less."""
LONGEST = 64
HASHED = ".h"
DECISION = re.compile(get_args(DecisionId)[1].pattern)
FIRST = "00000000-0000-0000-0000-000000000000"
"""Comes before every decision."""
TEST_DATA = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


Resources = tuple[Task | CommunicationRequest | Group, ...]


class Wanted(NamedTuple):
    """A page of resources, or the one of an `id`. after : the decision, or the group, to go on behind"""

    kind: Kind | Literal["Group"]
    id: str | None
    after: str
    limit: int
    audience: Audience
    simulated: bool


class Found(NamedTuple):
    """Resources in order, and what to go on behind; None at the end."""

    resources: Resources
    next: str | None


class _Names(NamedTuple):
    """How a program's things are named outside it."""

    program_id: str
    simulated: bool

    def identifier(self, noun: str, name: str) -> Identifier:
        return Identifier(system=f"urn:engagement:{self.program_id}:{noun}", value=name)

    def coded(self, noun: str, name: str, display: str | None = None) -> Concept:
        coding = Coding(system=f"urn:engagement:{self.program_id}:{noun}", code=name, display=display)
        return Concept(coding=(coding,), text=display)

    def person(self, member: str) -> Reference:
        return Reference(type="Patient", identifier=self.identifier("member", member))

    def group(self, group: str) -> Reference:
        return Reference(
            type="Group", reference=f"Group/{fhir_id(group)}", identifier=self.identifier("group", group)
        )

    def meta(self, at: datetime | None) -> Meta:
        tag = (Coding(system=TEST_DATA, code="HTEST", display="test health data"),) if self.simulated else ()
        return Meta(last_updated=at, tag=tag)


def fhir_id(name: str) -> str:
    """An id as FHIR allows it: without `_` and `:`, and the same for ever."""
    escaped = name.replace(".", "..").replace("_", ".u").replace(":", ".c")
    return escaped if len(escaped) <= LONGEST else HASHED + sha256(name.encode()).hexdigest()[:40]


def _unescaped(name: str) -> str:
    return re.sub(r"\.([.uc])", lambda found: {".": ".", "u": "_", "c": ":"}[found[1]], name)


def resources(conn: Connection, kept: Kept, program_id: str, wanted: Wanted, now_ms: int) -> Found:
    """The resources that are wanted.

    raises : NotFound for an id that is none of this kind
    """
    names = _Names(program_id, wanted.simulated)
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    today = local_date(now_ms, catalogue.program.time_zone)
    if wanted.kind == "Group":
        rows = _group_rows(conn, program_id, wanted)
        following = rows[wanted.limit - 1].thing.id if len(rows) > wanted.limit else None
        found: Resources = _groups(conn, program_id, names, rows[: wanted.limit], today)
    else:
        made = _decision_rows(conn, program_id, catalogue, wanted)
        found = _decisions(conn, kept, program_id, names, catalogue, made[: wanted.limit], wanted, now_ms)
        following = made[wanted.limit - 1].decision_id if len(made) > wanted.limit else None
    if wanted.id is not None and not found:
        raise NotFound(f"there is no {wanted.kind} `{wanted.id}` in this program")
    return Found(found, following)


def _decision_rows(conn: Connection, program_id: str, catalogue: Catalogue, wanted: Wanted) -> list[Decision]:
    doing = [
        name
        for name, action in sorted(catalogue.actions.items())
        if (wanted.kind == "CommunicationRequest") is isinstance(action, Nudge)
    ]
    if wanted.id is None:
        if wanted.after and not DECISION.fullmatch(wanted.after):
            raise Invalid("`_cursor` is not one that a page of these gave")
        return decisions.of_actions(conn, program_id, doing, wanted.after or FIRST, wanted.limit + 1)
    if not DECISION.fullmatch(wanted.id):
        return []
    found = decisions.by_id(conn, program_id, [wanted.id]).get(wanted.id)
    return [found] if found is not None and found.action_id in doing else []


def _decisions(
    conn: Connection,
    kept: Kept,
    program_id: str,
    names: _Names,
    catalogue: Catalogue,
    made: Sequence[Decision],
    wanted: Wanted,
    now_ms: int,
) -> tuple[Task | CommunicationRequest, ...]:
    steps = decisions.answers(conn, program_id, [row.decision_id for row in made])
    stood = [
        (row, status([step.status for step in steps[row.decision_id]], row.expires_at, now_ms))
        for row in made
    ]
    waiting = [row for row in stood if row[1] in ("proposed", "accepted")]
    wished = {row.decision_id for row, _ in still_wanted(conn, program_id, catalogue, waiting, now_ms)}
    given = {row.decision_id for row, _ in waiting} - wished
    sight = sight_of(conn, program_id, wanted.audience, (row.member for row in made))
    out = []
    for row, stands in stood:
        own = setup.catalogue(conn, kept, program_id, row.catalogue)
        out.append(
            _resource(
                names,
                wanted,
                sight,
                row,
                own,
                "withdrawn" if row.decision_id in given else stands,
                steps[row.decision_id],
            )
        )
    return tuple(out)


def _resource(
    names: _Names,
    wanted: Wanted,
    sight: Sight,
    decision: Decision,
    catalogue: Catalogue,
    stands: Stands,
    steps: Sequence[Answered],
) -> Task | CommunicationRequest:
    """One decision as a reader may see it."""
    seen = seen_by(sight, told(decision, catalogue, simulated=wanted.simulated))
    offer = seen.action
    decided_at = moment(decision.decided_at)
    changed_at = moment(max([decision.decided_at, *(step.recorded_at for step in steps)]))
    reason = steps[-1].reason if steps and may_see(sight.of(seen.member), REASONS_FOR) else None
    why = None if reason is None else names.coded("reason", reason)
    group = names.group(decision.group_id)
    subject = group if seen.member is None else names.person(seen.member)
    when = Period(start=seen.deliver_from or decided_at, end=moment(decision.expires_at))
    common: dict[str, Any] = {
        "id": decision.decision_id,
        "meta": names.meta(changed_at),
        "identifier": (names.identifier("decision", decision.decision_id),),
        "status_reason": why,
        "authored_on": decided_at,
    }
    if wanted.kind == "CommunicationRequest":
        return CommunicationRequest(
            **common | {"status_reason": why or Concept(text=stands)},
            status=OF_A_REQUEST[stands],
            category=(names.coded("kind", offer.kind), names.coded("action", offer.id, offer.title)),
            subject=subject,
            about=() if subject is group else (group,),
            payload=() if offer.text is None else (Payload(content_string=offer.text),),
            occurrence_period=when,
            recipient=(subject,) if offer.audience == "member" else (),
        )
    done = [step for step in steps if step.status == "done"]
    return Task(
        **common,
        status=OF_A_TASK[stands],
        business_status=Concept(text=stands),
        code=names.coded("action", offer.id, offer.title),
        description=offer.text,
        focus=None if subject is group else group,
        for_=subject,
        last_modified=changed_at,
        execution_period=Period(end=moment(done[-1].occurred_at)) if done else None,
        performer_type=(names.coded("carrier", offer.carrier),) if offer.carrier else (),
        restriction=Restriction(period=when),
    )


def _group_rows(conn: Connection, program_id: str, wanted: Wanted) -> list[Revised]:
    if wanted.id is None:
        return setup.page(conn, program_id, "group", wanted.after, wanted.limit + 1)
    if not wanted.id.startswith(HASHED):
        name = _unescaped(wanted.id)
        found = setup.newest(conn, program_id, "group", [name] if fhir_id(name) == wanted.id else [])
        return list(found.values())
    after = ""
    while page := setup.page(conn, program_id, "group", after, 500):  # only names too long to be written out
        if here := [row for row in page if fhir_id(row.thing.id) == wanted.id]:
            return here
        after = page[-1].thing.id
    return []


def _groups(
    conn: Connection, program_id: str, names: _Names, rows: Sequence[Revised], today: date
) -> tuple[Group, ...]:
    ids = [row.thing.id for row in rows]
    ever = {row.member for row in setup.memberships_of_groups(conn, program_id, ids)}
    seated: dict[str | None, list[setup.Seated]] = {}
    for seat in setup.memberships_on(conn, program_id, sorted(ever), today).values():
        seated.setdefault(seat.group, []).append(seat)
    out = []
    for row in rows:
        assert isinstance(row.thing, PeerGroup)  # noqa: S101  # a list of groups holds nothing else
        seats = sorted(seated.get(row.thing.id, ()), key=lambda seat: seat.seat or 0)
        out.append(_group(names, row.thing, seats))
    return tuple(out)


def _group(names: _Names, group: PeerGroup, seats: Sequence[setup.Seated]) -> Group:
    holds = {"type": group.type, "setting": group.setting}
    return Group(
        id=fhir_id(group.id),
        meta=names.meta(None),
        identifier=(names.identifier("group", group.id),),
        active=not group.ended,
        type="person",
        actual=True,
        quantity=len(seats),
        managing_entity=Reference(type="Organization", identifier=names.identifier("site", group.site)),
        characteristic=tuple(
            Characteristic(
                code=names.coded("characteristic", name),
                value_codeable_concept=names.coded(name, value),
                exclude=False,
            )
            for name, value in holds.items()
        ),
        member=tuple(
            GroupMember(entity=names.person(seat.member), period=Period(start=seat.starts_on))
            for seat in seats
        ),
    )
