"""The tasks of a work list: what each decision, silent group and safety case asks of its carrier."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import READER_OF
from engagement.actions.catalogue import AnyAction
from engagement.actions.content import chosen
from engagement.errors import Mistake
from engagement.signals.adviser import ADVISER_STEP
from engagement.signals.safety import SafetyKind
from engagement.signals.signal import Audience, may_see
from engagement.store import setup
from engagement.store.decisions import Answered, Decision
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.strategy.cadence import calendar, local_date
from engagement.strategy.life import Status
from engagement.strategy.setup import Catalogue, HealthWorker
from engagement.workflows.carriers import EYES, Crew, Whose, workers_of_groups
from engagement.workflows.leading import LooksFor
from engagement.workflows.safety import OpenReferral, open_referrals
from engagement.workflows.sight import Sight
from engagement.workflows.story import REASONS_FOR
from engagement.workflows.tell import Offer, moment, offer, seen_by, told
from engagement.workflows.week_care import Care

REFERRED_TO = "health worker"
"""The role of a referral that stands on health workers' lists; staff see all they may."""

About = Literal["suggestion", "visit", "check", "referral", "refresher", "succession"]


A: Mapping[LooksFor | None, str] = {"adviser": "an adviser", "deputy": "a deputy", None: "somebody"}


class Check(NamedTuple):
    """A group of which nothing is heard. last : its last known meeting"""

    group: str
    last: date | None


class Row(NamedTuple):
    """A decision on a list, where it stands, and what was said of it last."""

    decision: Decision
    status: Status
    said: Answered | None


class Task(msgspec.Struct, frozen=True):
    """One thing to do.

    about : `suggestion` and `visit` are answered under `decision_id`; `check` asks after a group of which
        nothing is heard, `referral` answers a safety case, `refresher` trains somebody who leads a group: all
        are done once that is reported; `succession` finds a group a deputy or an adviser, and is done
        once somebody has the role or the adviser goes on
    who : the health workers to whom it falls; empty for other carriers, and where nobody can go
    minutes : null where nobody has said how long it takes
    beyond : it does not fit into the time there is, with what is due before it
    since : of a check, the last known meeting      case : of a referral
    role : whom a referral turns to; of a succession whom the group needs, `member` being whom to ask first
    why : of a succession, the reasons
    overdue : it should have been done by now
    """

    about: About
    title: str
    group: str | None
    due_at: datetime
    decision_id: str | None = None
    member: str | None = None
    seat: int | None = None
    who: tuple[str, ...] = ()
    action: Offer | None = None
    minutes: int | None = None
    beyond: bool = False
    overdue: bool = False
    status: Status | None = None
    reason: str | None = None
    answered_at: datetime | None = None
    deliver_from: datetime | None = None
    since: date | None = None
    case: SafetyKind | None = None
    role: str | None = None
    why: tuple[str, ...] = ()


class Scene(NamedTuple):
    """What all tasks of one list share.

    audience : the narrower of the reader's and the carrier's      sight : the same, member by member
    language : the carrier's, None if not known      tired : groups whose adviser is
    """

    conn: Connection
    kept: Kept
    program_id: str
    catalogue: Catalogue
    whose: Whose
    crew: Crew
    workers: Mapping[str, HealthWorker]
    seats: Mapping[str, int | None]
    audience: Audience
    sight: Sight
    language: str | None
    today: date
    now_ms: int
    tired: frozenset[str] = frozenset()


def task(scene: Scene, row: Row) -> Task:
    """What a decision asks for, in words the carrier may read."""
    decision = row.decision
    stood = setup.catalogue(scene.conn, scene.kept, scene.program_id, decision.catalogue)
    answer = seen_by(scene.sight, told(decision, stood, simulated=False))
    planned = decision.decision_id in scene.crew.visits
    action, defined = answer.action, stood.actions.get(decision.action_id)
    if defined is None:  # a visit that fills in: what the plan gives to the groups it draws
        defined = stood.actions[stood.strategies[decision.strategy_id].actions[0]]
        day = local_date(decision.decided_at, stood.program.time_zone)
        action = offer(defined, decision.language, day, decision.evidence.days_to_end)
    action = _for_carrier(action, defined, scene.language)
    who = scene.crew.who(decision)
    going = [scene.workers[name] for name in who if planned and name in scene.workers]
    return Task(
        about="visit" if planned else "suggestion",
        title=action.title,
        group=decision.group_id,
        due_at=moment(decision.expires_at),
        decision_id=decision.decision_id,
        member=answer.member,
        seat=None if answer.member is None else scene.seats.get(answer.member),
        who=who,
        action=action,
        minutes=max([action.minutes, *(one.minutes_a_visit for one in going)]),  # with the way there
        status=row.status,
        reason=None if row.said is None or not _may_hear(scene, decision) else row.said.reason,
        answered_at=None if row.said is None else moment(row.said.occurred_at),
        deliver_from=answer.deliver_from,
    )


def _may_hear(scene: Scene, decision: Decision) -> bool:
    """Whether a reader is told the reason that was given: on a list of their own it was theirs."""
    own = scene.audience == EYES[scene.whose.kind]
    return own or may_see(scene.sight.of(decision.member), REASONS_FOR)


def _for_carrier(action: Offer, defined: AnyAction, language: str | None) -> Offer:
    """The same in the carrier's language, where it is written for them; a member's words stay theirs."""
    reader = READER_OF[defined.carrier]
    wording = None if language is None else chosen(defined.content, language, reader)
    if wording is None or wording.audience != reader or reader == "member":
        return action
    return msgspec.structs.replace(
        action,
        text=wording.text,
        language=wording.language,
        audience=wording.audience,
        variables=wording.variables,
        draft=wording.status == "draft",
    )


def checks(scene: Scene, silent: Sequence[Check]) -> list[Task]:
    """Groups to ask after, this week."""
    mine = scene.whose
    wanted = [row for row in silent if mine.groups is None or row.group in mine.groups]
    ends = calendar(scene.now_ms, scene.catalogue.program.time_zone, "week").ends_ms
    names = [row.group for row in wanted]
    who: Mapping[str, tuple[str, ...]] = {}
    if mine.kind == "health_worker":
        who = workers_of_groups(scene.conn, scene.program_id, names, scene.today)
    return [
        Task(
            "check",
            f"Ask after {row.group}: nothing is heard of its meetings",
            row.group,
            moment(ends),
            who=who.get(row.group, ()),
            since=row.last,
        )
        for row in wanted
    ]


def referrals(scene: Scene) -> list[Task]:
    """Safety cases that wait for this carrier's answer."""
    mine = scene.whose
    if mine.kind not in ("health_worker", "staff"):
        return []
    found = open_referrals(scene.conn, scene.kept, scene.program_id, [scene.audience], scene.now_ms)[0]
    if isinstance(found, Mistake):
        raise found
    if mine.kind == "health_worker":
        found = tuple(row for row in found if row.role.strip().lower() == REFERRED_TO)
    names = sorted({row.member for row in found})
    seats = setup.memberships_on(scene.conn, scene.program_id, names, scene.today)
    tasks = [_referral(row, seats.get(row.member)) for row in found]
    if mine.groups is None:
        return tasks
    return [one for one in tasks if one.member in mine.members or one.group in mine.groups]


def _referral(row: OpenReferral, seated: Seated | None) -> Task:
    return Task(
        "referral",
        f"Answer the case: {row.kind.replace('_', ' ')}",
        None if seated is None else seated.group,
        row.answer_by,
        member=row.member,
        seat=None if seated is None else seated.seat,
        overdue=row.overdue,
        case=row.kind,
        role=row.role,
    )


def cared_for(scene: Scene, found: Sequence[Care]) -> list[Task]:
    """What staff see to in advisers, for whoever may see the path of one."""
    if scene.whose.kind != "staff" or not may_see(scene.audience, ADVISER_STEP.audience):
        return []
    return [_care(one, scene.now_ms) for one in found]


def _care(one: Care, now_ms: int) -> Task:
    if one.about == "refresher":
        title = f"A refresher is due for seat {one.seat} of {one.group}"
    elif one.seat is None:
        title = f"Find {A[one.looks_for]} for {one.group}; nobody is known well enough yet"
    else:
        title = f"Find {A[one.looks_for]} for {one.group}: ask seat {one.seat} first"
    return Task(
        one.about,
        title,
        one.group,
        moment(one.due_ms),
        member=one.member,
        seat=one.seat,
        overdue=one.due_ms <= now_ms,
        role=one.looks_for,
        why=one.why,
    )
