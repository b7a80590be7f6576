"""Everything that a group's month tells, as reports with names that follow from nothing but what they say."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple

import msgspec

from engagement.actions.action import Id
from engagement.signals import minimal_month
from engagement.signals.agenda import TOPIC_AGREED, TOPIC_CHANGED, TOPIC_SUGGESTED
from engagement.signals.goals import GOAL_MET
from engagement.signals.hour import TOPICS, Topic
from engagement.signals.minimal_month import MinimalMonth, Seats
from engagement.signals.self_report import WIN_SHARED
from engagement.signals.signal import Reporter
from engagement.workflows.register import ABOUT, CAME, HELD, NOT_HELD, NOTHING, STAYED_AWAY, WORDS, Meaning
from engagement.workflows.roll_call import KINDS, Roll, Told, goal_chain

MOST_SEATS = 60
"""Of one group that meets; larger ones are virtual and have no minimal month."""
Seat = Annotated[int, msgspec.Meta(ge=1, le=minimal_month.LAST_SEAT)]
SeatList = Annotated[tuple[Seat, ...], msgspec.Meta(max_length=MOST_SEATS)]
Topics = Annotated[tuple[Topic, ...], msgspec.Meta(max_length=len(TOPICS))]
FollowedUp = Literal["met", "partly", "missed", "not_followed_up", "dropped"]
Category = Literal["food", "activity", "medicine", "doctor", "other"]


class GoalSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a seat's goal. chain : which of them, where the seat has several"""

    seat: Seat
    became: FollowedUp
    chain: Id | None = None


class GoalNew(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A goal that a seat set at the meeting, by what it is about."""

    seat: Seat
    category: Category


class AgendaSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the group talked about. suggested : what the brief had said; changed_by : a role, never a name"""

    agreed: Topics
    suggested: Topics = ()
    changed_by: Literal["members", "adviser", "health_worker", "staff"] = "members"


class Month(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A month of a group: `text` as typed on a phone, such as `1 | 1 3 4 6 8 | 3 6`, or `held` and the rest.

    date : the meeting's day; when absent, the last expected one
    present, met, missed, wins : seats; an empty list is nobody, an absent one says nothing
    goals : what became of single goals, beside `met` and `missed`
    new_goals : the goals set at the end, all of them, when given      wins : who shared a win in daily life
    """

    text: Annotated[str, msgspec.Meta(max_length=4 * minimal_month.MOST_CHARACTERS)] | None = None
    date: dt.date | None = None
    held: bool | None = None
    present: SeatList | None = None
    met: SeatList | None = None
    missed: SeatList | None = None
    goals: Annotated[tuple[GoalSaid, ...], msgspec.Meta(max_length=4 * MOST_SEATS)] = ()
    new_goals: Annotated[tuple[GoalNew, ...], msgspec.Meta(max_length=MOST_SEATS)] | None = None
    wins: SeatList | None = None
    agenda: AgendaSaid | None = None
    reported_by: Reporter = "adviser"

    def __post_init__(self) -> None:
        """Refuses a month told in no way or in two, one goal with two ends, and seats at no meeting."""
        if (self.text is None) == (self.held is None):
            raise ValueError("tell the month as `text`, or as `held` with the rest: one of the two")
        rest = (self.present, self.met, self.missed, self.goals, self.new_goals, self.wins, self.agenda)
        if self.text is not None and any(rest):
            raise ValueError("with `text` only `date` and `reported_by` can be given")
        if self.held is False and any(rest):
            raise ValueError("a meeting that was not held had nobody there: leave the rest out")
        _once("goals", [(one.seat, one.chain) for one in self.goals])
        _once("new_goals", [one.seat for one in self.new_goals or ()])
        ended = [one.seat for one in self.goals if one.chain is None]
        _once("met, missed and goals", [*set(self.met or ()), *set(self.missed or ()), *ended])


def _once(field: str, things: Sequence[object]) -> None:
    twice = next((thing for thing in things if things.count(thing) > 1), None)
    if twice is not None:
        seat = twice[0] if isinstance(twice, tuple) else twice
        raise ValueError(f"`{field}` speaks of seat {seat} twice")


class WrongSeat(msgspec.Struct, frozen=True):
    """Something that stands where a seat should, and no seat of the group is called so on that day."""

    where: Literal["present", "met", "missed", "goals", "new_goals", "wins"]
    said: str


Telling = Callable[[int | None, str, Meaning], Iterator[Told]]
"""The reports that a column's meaning makes for a seat."""


class Said(NamedTuple):
    """A month in one shape. Seats that could not be read are in `Seats.strange`."""

    held: bool
    came: Seats | None
    met: Seats | None
    missed: Seats | None


def said_by(month: Month, typed: MinimalMonth | None) -> Said:
    """A month in one shape. typed : its text as it was read"""
    if typed is not None:
        return Said(bool(typed.held), typed.came, typed.met, typed.missed)
    lists = (month.present, month.met, month.missed)
    return Said(bool(month.held), *(None if one is None else Seats(frozenset(one)) for one in lists))


def told(group: str, day: dt.date, at: dt.datetime, said: Said, month: Month, roll: Roll) -> Iterator[Told]:
    """Everything that a month tells, one report after the other."""
    place = f"{group}/{day}"
    seats = [seat for seat in sorted(roll.holders[group]) if roll.sits(group, seat, day)]

    def of(seat: int | None, column: str, meaning: Meaning) -> Iterator[Told]:
        where = place if seat is None else f"{place}/{seat}"
        member = None if seat is None else roll.holders[group][seat]
        for kind in KINDS[column]:
            value = meaning.value if kind == meaning.kind else None
            chain = goal_chain(where) if column == "goal_set" else None
            yield Told(0, f"{where}/{kind}", kind, group, member, value, at, chain, by=month.reported_by)

    yield from of(None, "held", HELD if said.held else NOT_HELD)
    for seat in seats:
        if not said.held:
            yield from of(seat, "came", NOTHING)
        elif said.came is not None and (seat in said.came.seats or _whole(said.came, seats)):
            yield from of(seat, "came", CAME if seat in said.came.seats else STAYED_AWAY)
    if not said.held:
        return
    yield from _goals(seats, said, month, of)
    for seat in seats:
        if month.new_goals is not None:
            new = next((one.category for one in month.new_goals if one.seat == seat), None)
            yield from of(seat, "goal_set", NOTHING if new is None else ABOUT[new])
        if month.wins is not None:
            value = 1 if seat in month.wins else None
            member = roll.holders[group][seat]
            name = f"{place}/{seat}/{WIN_SHARED.kind}"
            yield Told(0, name, WIN_SHARED.kind, group, member, value, at, by=month.reported_by)
    if month.agenda is not None:
        yield from _agenda(group, day, at, month.agenda, month.reported_by)


def _whole(listed: Seats, seats: Sequence[int]) -> bool:
    """Whether a list leaves nobody open: each word of it is a seat on which somebody sits."""
    return listed.whole and listed.seats <= set(seats)


def _goals(seats: Sequence[int], said: Said, month: Month, of: Telling) -> Iterator[Told]:
    """What became of goals. Who is not named keeps what was told, but that a goal was met."""
    ends = dict.fromkeys(said.met.seats if said.met else (), "met")
    ends |= dict.fromkeys(said.missed.seats if said.missed else (), "missed")
    ends |= {one.seat: one.became for one in month.goals if one.chain is None}
    for seat in seats:
        if seat in ends:
            yield from of(seat, "goal", WORDS["goal"][ends[seat].replace("_", " ")])
        elif said.met is not None and _whole(said.met, seats):
            met = (row for row in of(seat, "goal", NOTHING) if row.kind == GOAL_MET.kind)
            yield from (row._replace(only=1) for row in met)
    for one in month.goals:
        if one.chain is not None and one.seat in seats:
            mark = sha256(one.chain.encode()).hexdigest()[:12]
            for row in of(one.seat, "goal", WORDS["goal"][one.became.replace("_", " ")]):
                yield row._replace(id=f"{row.id}/{mark}", chain=one.chain)


def _agenda(group: str, day: dt.date, at: dt.datetime, agenda: AgendaSaid, by: Reporter) -> Iterator[Told]:
    """What was suggested, agreed and changed, by topic. What was told before and is not now is taken back."""
    who = TOPIC_CHANGED.number(agenda.changed_by)
    suggested, agreed = set(agenda.suggested), set(agenda.agreed)
    says: Mapping[str, tuple[set[Topic], int]] = {
        TOPIC_SUGGESTED.kind: (suggested, TOPIC_SUGGESTED.number("staff")),
        TOPIC_AGREED.kind: (agreed, 1),
        TOPIC_CHANGED.kind: (suggested ^ agreed if suggested else set(), who),
    }
    for topic in TOPICS:
        for kind, (topics, value) in says.items():
            name = f"{group}/{day}/{kind}/{topic}"
            chain = f"{day}.{topic}"
            yield Told(0, name, kind, group, None, value if topic in topics else None, at, chain, by=by)


def wrong_seats(group: str, day: dt.date, said: Said, month: Month, roll: Roll) -> Iterator[WrongSeat]:
    """Everything that is no seat of the group on that day, by where it stands."""
    listed: list[tuple[Literal["present", "met", "missed"], Seats | None]]
    listed = [("present", said.came), ("met", said.met), ("missed", said.missed)]
    named: list[tuple[Literal["goals", "new_goals", "wins"], Iterable[int]]]
    named = [
        ("goals", (one.seat for one in month.goals)),
        ("new_goals", (one.seat for one in month.new_goals or ())),
        ("wins", month.wins or ()),
    ]
    for where, seats in listed:
        if seats is not None:
            empty = (seat for seat in sorted(seats.seats) if not _sits(roll, group, seat, day))
            yield from (WrongSeat(where, str(seat)) for seat in empty)
            yield from (WrongSeat(where, word) for word in seats.strange)
    for name, numbers in named:
        yield from (
            WrongSeat(name, str(seat)) for seat in sorted(set(numbers)) if not _sits(roll, group, seat, day)
        )


def _sits(roll: Roll, group: str, seat: int, day: dt.date) -> bool:
    return seat in roll.holders[group] and roll.sits(group, seat, day)
