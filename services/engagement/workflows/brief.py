"""What an adviser takes to the meeting: when it is, whom to ask what, whom to welcome back, what to try.

Whoever asks for it, a brief holds no more than an adviser may see, who is a neighbour: what was said in the
meeting, and never a barrier, a doubt of the family, a reading or a rating. On a phone that others may
look at it holds nothing about any single member. It only reads: what to try is what was decided already.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.content import Values, filled
from engagement.errors import Mistake
from engagement.signals.agenda import TOPIC_AGREED
from engagement.signals.catalogue import BY_KIND
from engagement.signals.chains import Goal, goals
from engagement.signals.goals import GOAL_MET
from engagement.signals.hour import TOPICS, Topic, hour, suggested
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.self_report import WIN_SHARED
from engagement.signals.signal import Audience, may_see
from engagement.signals.tally import DAY_MS
from engagement.store import decisions, plans, setup, units
from engagement.store.kept import Kept
from engagement.store.setup import Seated
from engagement.store.signals import Recorded
from engagement.store.units import Unit
from engagement.strategy.cadence import calendar, local_date, monday_of
from engagement.strategy.setup import Catalogue
from engagement.strategy.stratum import Phone
from engagement.workflows.crew import FALLEN_OUT
from engagement.workflows.month import group_that_meets
from engagement.workflows.sight import Sight
from engagement.workflows.states import heard_of
from engagement.workflows.tallies import link, standing
from engagement.workflows.tell import seen_by, told
from engagement.workflows.which_meeting import NextMeeting, next_meeting
from engagement.workflows.wording import Words, spoken, words_in
from engagement.workflows.worklist import WorkItem, WorkWanted, work_lists

READER: Audience = "adviser"
"""Nobody sees more in a brief, for it is read aloud, printed and left on tables."""
ASKED_FOR_DAYS = 183
"""A goal that nobody has asked about for half a year is not asked about any more."""
LATELY_DAYS = 45
"""Wins and absences of the last meeting, and of one a few weeks before it that was told late."""
MOST_TO_TRY = 2
MOST_OPEN = 200
"""Of a group's open decisions, those of its members among them, so many are looked at."""


class GoalToAsk(msgspec.Struct, frozen=True):
    """A goal to follow up. asked_before : it came up at no meeting since, so nobody knows how it went"""

    seat: int
    chain: str
    category: str
    words: str
    question: str
    set_on: date
    asked_before: bool


class Missed(msgspec.Struct, frozen=True):
    """A seat that was empty, and a kind first sentence. There is no count of absences."""

    seat: int
    sentence: str


class Win(msgspec.Struct, frozen=True):
    """Something to celebrate."""

    seat: int
    what: Literal["win", "goal"]
    sentence: str


class Talk(msgspec.Struct, frozen=True):
    """A part of the hour, as suggested. The group may change it."""

    topic: Topic
    minutes: int
    words: str


class ToTry(msgspec.Struct, frozen=True):
    """Something that was suggested for the group, or for the adviser, and waits to be done.

    why : in plain words, without figures      draft : nobody has reviewed the text yet
    """

    decision_id: str
    level: Literal["group", "adviser"]
    text: str
    why: str
    minutes: int
    draft: bool
    accepted: bool


class Help(msgspec.Struct, frozen=True):
    """What a health worker will do. week : the Monday of a planned visit's, null for what waits for a yes"""

    week: date | None
    sentence: str


class Brief(msgspec.Struct, frozen=True, kw_only=True, tag_field="format", tag="json"):
    """A group's brief, in its language.

    language : of the words; English where the group's own has none      draft : nobody has signed them
    whole : false where it holds nothing about single members, for the reader or for a shared phone
    goals : each goal that waits to be followed up, once, by seat      missed : longest away first
    """

    group: str
    language: str
    draft: bool
    whole: bool
    next_meeting: NextMeeting | None
    next_words: str
    goals: tuple[GoalToAsk, ...]
    missed: tuple[Missed, ...]
    wins: tuple[Win, ...]
    agenda: tuple[Talk, ...]
    to_try: tuple[ToTry, ...]
    health_worker: tuple[Help, ...]
    simulated: bool = False

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The suggested topics, in order."""
        return tuple(talk.topic for talk in self.agenda)


class Look(NamedTuple):
    """Whose brief is wanted, by whom, in which language ("" for the group's), and on whose phone.

    phone : as the caller knows it, None where the adviser's own is to be looked up
    careful : a phone of which nothing is known counts as shared, as it must for messages and calls
    """

    group: str
    audience: Audience
    language: str = ""
    phone: Phone | None = None
    careful: bool = False
    simulated: bool = False


class Told(NamedTuple):
    """What is told of a group and may be read here: what counts, oldest first, and who sits there today."""

    rows: Sequence[Recorded]
    seats: Sequence[Seated]
    today: date
    zone: str
    now_ms: int

    def of_kind(self, kind: str) -> dict[str, list[Recorded]]:
        """By member, in order of time."""
        found: dict[str, list[Recorded]] = defaultdict(list)
        for row in self.rows:
            if row.kind == kind and row.unit_kind == "member":
                found[row.unit_id].append(row)
        return found

    def lately(self, row: Recorded) -> bool:
        """Whether it was told of the last weeks."""
        return row.occurred_at > self.now_ms - LATELY_DAYS * DAY_MS


def briefs(
    conn: Connection, kept: Kept, program_id: str, looks: Sequence[Look], now_ms: int
) -> list[Brief | Mistake]:
    """The brief of each group."""
    found: list[Brief | Mistake] = []
    for look in looks:
        try:
            found.append(brief(conn, kept, program_id, look, now_ms))
        except Mistake as mistake:
            found.append(mistake)
    return found


def brief(conn: Connection, kept: Kept, program_id: str, look: Look, now_ms: int) -> Brief:
    """The brief of a group, as far as its reader and the phone allow."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    group = group_that_meets(conn, program_id, look.group)
    words = words_in(look.language or spoken(group.language, catalogue.program.language))
    zone = catalogue.program.time_zone
    today = local_date(now_ms, zone)
    seats = setup.members_of_group(conn, program_id, look.group, today)
    whole = may_see(look.audience, READER) and not _shared(conn, program_id, look, seats, today)
    reader: Audience = READER if whole else "group"
    counted = standing(conn, program_id, [row.member for row in seats], [look.group])
    rows = [row for row in counted if may_see(reader, BY_KIND[row.kind].audience)]
    of_group = Told(rows, seats if whole else (), today, zone, now_ms)
    heard = heard_of(conn, program_id, [look.group], zone)[look.group]
    following = None if group.ended else next_meeting(heard, today)
    to_ask = tuple(goals_to_ask(of_group, words))
    waiting = _waiting(conn, kept, program_id, look.group, reader, now_ms)
    topics = suggested(
        today if following is None else following.on,
        [goal.category for goal in to_ask],
        talked(rows, look.group),
    )
    return Brief(
        group=look.group,
        language=words.language,
        draft=words.status == "draft",
        whole=whole,
        next_meeting=following,
        next_words=_next_words(following, words),
        goals=to_ask,
        missed=tuple(_missed(of_group, words)),
        wins=tuple(_wins(of_group, words)),
        agenda=tuple(Talk(item.topic, item.minutes, words.topics[item.topic]) for item in hour(topics)),
        to_try=_to_try(conn, kept, program_id, waiting, reader, words, following),
        health_worker=(
            *_visits(conn, program_id, catalogue, look.group, words, now_ms),
            *_asked(waiting, words, following),
        ),
        simulated=look.simulated,
    )


def talked(rows: Iterable[Recorded], group: str) -> list[Topic]:
    """What a group agreed to talk about, the latest last. rows : in order of time"""
    chains = (row.chain or "" for row in rows if row.kind == TOPIC_AGREED.kind and row.unit_id == group)
    names = (chain.rpartition(".")[2] for chain in chains)
    return [topic for name in names for topic in TOPICS if topic == name]


def _shared(conn: Connection, program_id: str, look: Look, seats: Sequence[Seated], today: date) -> bool:
    """Whether others may look at the phone that the brief goes to."""
    phone = look.phone
    if phone is None:
        leading = [row.member for row in seats if row.role == "adviser"]
        phones = [row.member.phone for row in units.members(conn, program_id, leading, today).values()]
        phone = "shared" if "shared" in phones else next((one for one in phones if one is not None), None)
    return phone == "shared" or (look.careful and phone not in ("basic", "smart"))


def _next_words(following: NextMeeting | None, words: Words) -> str:
    if following is None:
        return words.say("next_none")
    if following.any_day:
        return words.say("next_month", month=words.months[following.on.month - 1])
    return words.say("next_day", date=words.long_day(following.on))


def open_goals(of_group: Told) -> list[tuple[int, Goal]]:
    """The goals that wait to be followed up, by seat and then by age."""
    by_member: dict[str, list[Recorded]] = defaultdict(list)
    for row in of_group.rows:
        if row.unit_kind == "member":
            by_member[row.unit_id].append(row)
    oldest = of_group.now_ms - ASKED_FOR_DAYS * DAY_MS
    return [
        (row.seat or 0, goal)
        for row in of_group.seats
        for goal in goals(map(link, by_member[row.member]))
        if goal.to_follow_up and goal.set_at_ms is not None and goal.set_at_ms > oldest
    ]


def goals_to_ask(of_group: Told, words: Words) -> Iterable[GoalToAsk]:
    """The same with what to ask about each, in words."""
    for seat, goal in open_goals(of_group):
        category = goal.category or "other"
        yield GoalToAsk(
            seat,
            goal.chain,
            category,
            words.goals[category],
            words.questions[category],
            local_date(goal.set_at_ms or 0, of_group.zone),
            asked_before=goal.ending is not None,
        )


def _missed(of_group: Told, words: Words) -> Iterable[Missed]:
    """Who stayed away from the last meeting, those longest away first; the adviser misses nobody else."""
    attendance = of_group.of_kind(ATTENDANCE.kind)
    away: list[tuple[int, int]] = []
    for row in of_group.seats:
        told_of = attendance[row.member]
        if row.role == "adviser" or not told_of or not of_group.lately(told_of[-1]):
            continue
        run = next((n for n, one in enumerate(reversed(told_of)) if one.value), len(told_of))
        if run:
            away.append((-run, row.seat or 0))
    for place, (run, seat) in enumerate(sorted(away)):
        kind = words.missed_once if run == -1 else words.missed_again
        yield Missed(seat, kind[place % len(kind)])


def _wins(of_group: Told, words: Words) -> Iterable[Win]:
    """Wins in daily life first, then goals that were met."""
    shared, met = of_group.of_kind(WIN_SHARED.kind), of_group.of_kind(GOAL_MET.kind)
    for row in of_group.seats:
        if any(map(of_group.lately, shared[row.member])):
            yield Win(row.seat or 0, "win", words.say("win_shared", seat=str(row.seat)))
    for row in of_group.seats:
        own = [one for one in of_group.rows if one.unit_id == row.member and one.unit_kind == "member"]
        ended = {goal.ended_at_ms: goal.category for goal in goals(map(link, own)) if goal.ending == "met"}
        last = next((one for one in reversed(met[row.member]) if of_group.lately(one)), None)
        if last is not None and last.value:
            name = words.goals[ended.get(last.occurred_at) or "other"]
            yield Win(row.seat or 0, "goal", words.say("win_goal", seat=str(row.seat), goal=name))


def _waiting(
    conn: Connection, kept: Kept, program_id: str, group: str, reader: Audience, now_ms: int
) -> list[WorkItem]:
    """What was suggested for the group, or for whoever leads it, and is open."""
    wish = WorkWanted("open", None, group, None, "", MOST_OPEN, reader)
    found = work_lists(conn, kept, program_id, [wish], now_ms)[0]
    if isinstance(found, Mistake):
        raise found
    levels = ("group", "adviser") if reader == READER else ("group",)
    return [item for item in found.items if item.level in levels]


def _to_try(
    conn: Connection,
    kept: Kept,
    program_id: str,
    waiting: Sequence[WorkItem],
    reader: Audience,
    words: Words,
    following: NextMeeting | None,
) -> tuple[ToTry, ...]:
    """What the group or its adviser do themselves."""
    own = [item for item in waiting if item.action.carrier in ("adviser", "group_fund")][:MOST_TO_TRY]
    stored = decisions.by_id(conn, program_id, [item.decision_id for item in own])
    drawn = {
        name: seen_by(
            Sight(reader, {}),
            told(row, setup.catalogue(conn, kept, program_id, row.catalogue), simulated=False),
        ).randomised
        for name, row in stored.items()
    }
    return tuple(
        ToTry(
            item.decision_id,
            "group" if item.level == "group" else "adviser",
            _text(item, following),
            words.say("try_drawn" if drawn[item.decision_id] else "try_fixed"),
            item.action.minutes,
            item.action.draft,
            item.status == "accepted",
        )
        for item in own
    )


def _asked(waiting: Sequence[WorkItem], words: Words, following: NextMeeting | None) -> list[Help]:
    """What a health worker is asked to do for the group, beside the visits of a plan."""
    asked = [item for item in waiting if item.level == "group" and item.action.carrier == "health_worker"]
    return [Help(None, words.say("worker_asked", text=_text(item, following))) for item in asked]


def _text(item: WorkItem, following: NextMeeting | None) -> str:
    """What to do, in the words of its wording; its title where a word is missing that only an app knows."""
    on = None if following is None or following.any_day else following.on
    try:
        return item.action.title if item.action.text is None else filled(item.action.text, Values(date=on))
    except ValueError:
        return item.action.title


def _visits(
    conn: Connection, program_id: str, catalogue: Catalogue, group: str, words: Words, now_ms: int
) -> tuple[Help, ...]:
    """The visits that are planned for the group from this week on and did not fall out."""
    week = calendar(now_ms, catalogue.program.time_zone, "week").decision_point
    newest = plans.newest(plans.visits_to(conn, program_id, Unit("group", group), week))
    said = decisions.answers(conn, program_id, sorted(newest))
    weeks = {
        row.period
        for name, row in newest.items()
        if row.worker_id is not None
        and not any(step.status in FALLEN_OUT for step in said.get(name, ())[-1:])
    }
    return tuple(
        Help(monday_of(one), words.say("worker_visit", date=words.short_day(monday_of(one))))
        for one in sorted(weeks)
    )
