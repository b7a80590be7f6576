"""What a register tells of people: its seats are members on the day of the meeting.

A seat on which nobody sits that day is named with its line and column and harms no other. Pure: who
sat where is given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from hashlib import sha256
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo

from engagement.signals.goals import GOAL_SET
from engagement.signals.signal import Reporter
from engagement.store.setup import Seated
from engagement.workflows.ingest import AHEAD_MS, EARLIEST, milliseconds
from engagement.workflows.register import HELD, LISTS, NOTHING, STAYED_AWAY, WORDS, Line, Meaning
from engagement.workflows.sheet import Refused, few

NOON = time(12)
"""When a meeting counts as having been: a nudge of that morning lies before it, one of the evening after."""

KINDS: Mapping[str, tuple[str, ...]] = {
    column: tuple(sorted({meaning.kind for meaning in words.values() if meaning.kind is not None}))
    for column, words in WORDS.items()
}
"""The kinds of report that a column may speak of. Whoever says one of them says none of the others."""


class Roll(NamedTuple):
    """Who sat where: whoever ever held a seat, by group and seat, and all memberships of these people."""

    holders: Mapping[str, Mapping[int, str]]
    past: Mapping[str, Sequence[Seated]]
    time_zone: str

    def sits(self, group: str, seat: int, day: date) -> bool:
        """Whether somebody sits on that seat on that day."""
        member = self.holders[group].get(seat)
        before = [row for row in self.past.get(member or "", ()) if row.starts_on <= day]
        return bool(before) and (before[-1].group, before[-1].seat) == (group, seat)

    def begins(self, group: str) -> date | None:
        """The first day on which somebody sat in the group; None where nobody did, or not for a whole day."""
        people = self.holders[group].values()
        days = (row.starts_on for name in people for row in self.past[name] if row.group == group)
        return min(days, default=None)

    def noon(self, day: date) -> datetime:
        """The moment at which a meeting of that day counts."""
        return datetime.combine(day, NOON, ZoneInfo(self.time_zone))


class Told(NamedTuple):
    """What a line says of one unit.

    id : of the first report of this      value : None where the register says that there is none
    member : None for a report about the group
    chain : of the one thing it is about, None where it names none
    only : taken back is nothing but this value, None for whatever was told before
    """

    line: int
    id: str
    kind: str
    group: str
    member: str | None
    value: int | None
    at: datetime
    chain: str | None = None
    only: int | None = None
    by: Reporter = "adviser"


def line_flaw(line: Line, roll: Roll, now_ms: int) -> Refused | None:
    """Why nothing of a line can be stored."""
    found = _group_flaw(line, roll) or _date_flaw(line, roll, now_ms)
    if found is None and line.seat is not None and not roll.sits(line.group, line.seat, line.day):
        found = "seat", _empty(line, [line.seat], roll)[0]
    return None if found is None else Refused(line.number, *found)


def _group_flaw(line: Line, roll: Roll) -> tuple[str, str] | None:
    if line.group not in roll.holders:
        return "group", f"there is no group `{line.group}` in this program"
    if roll.begins(line.group) is None:
        return "group", f"nobody has a seat in `{line.group}`; import its roster first"
    return None


def _date_flaw(line: Line, roll: Roll, now_ms: int) -> tuple[str, str] | None:
    begins, noon = roll.begins(line.group), roll.noon(line.day)
    if begins is not None and line.day < begins:
        return "date", (
            f"nobody had a seat in `{line.group}` before {begins}; if it met before, its roster's "
            "`joined_on` says since when"
        )
    if noon < EARLIEST:
        return "date", "lies before the year 2000"
    if milliseconds(noon) > now_ms + AHEAD_MS:
        return "date", f"{line.day} is yet to come; a meeting counts from noon of its day on"
    return None


def seat_flaws(line: Line, roll: Roll) -> list[Refused]:
    """The seats in a meeting's lists on which nobody sits that day. The rest of the line is stored."""
    flaws = []
    for column, seats in line.listed.items():
        empty = [seat for seat in sorted(seats) if not roll.sits(line.group, seat, line.day)]
        flaws += [Refused(line.number, column, words) for words in _empty(line, empty, roll)]
    return flaws


def _empty(line: Line, empty: Sequence[int], roll: Roll) -> list[str]:
    """That nobody sits on these seats, and which of them the group does not even have."""
    seats = roll.holders[line.group]
    unknown, left = [seat for seat in empty if seat not in seats], [seat for seat in empty if seat in seats]
    flaws = [f"`{line.group}` has no seat {few(unknown)}; it has {few(sorted(seats))}"] if unknown else []
    flaws += [f"nobody sits on seat {few(left)} of `{line.group}` on {line.day}"] if left else []
    return flaws


def told(lines: Iterable[Line], roll: Roll) -> Iterator[Told]:
    """Everything that lines tell, one by one: what is, and what is not and may have been told before."""
    for line in lines:
        # where a seat came or stayed away there was a meeting; told again with the next seat it is no news
        yield from _about(line, roll, None, "held", line.said.get("held", HELD))
        for seat, column, meaning in _of_meeting(line, roll) if line.seat is None else _of_seat(line):
            yield from _about(line, roll, seat, column, meaning)


def _of_seat(line: Line) -> Iterator[tuple[int | None, str, Meaning]]:
    """What a seat's line says, by seat and column."""
    return ((line.seat, column, meaning) for column, meaning in line.said.items())


def _of_meeting(line: Line, roll: Roll) -> Iterator[tuple[int, str, Meaning]]:
    """What a meeting's line says of every seat there ever was, by seat and column of the other layout.

    A list is whole: whoever sits there and is not in it did not come, or has no goal to report; but not
    where a part of it could not be read, since that may have been anybody. A list in which nobody sits
    says nothing, and of a seat in two contradicting lists nothing is said.
    """
    seats = sorted(roll.holders[line.group])
    seated = {seat for seat in seats if roll.sits(line.group, seat, line.day)}
    said = {LISTS[name][0] for name, listed in line.listed.items() if not listed or listed & seated}
    unread = {LISTS[name][0] for name in line.unread}
    if line.said["held"] != HELD:
        said -= {"came"}
        yield from ((seat, "came", NOTHING) for seat in seats)
    for column, seat in product(sorted(said), seats):
        lists = line.mentions(column, seat)
        if not lists and column not in unread:
            yield seat, column, STAYED_AWAY if column == "came" and seat in seated else NOTHING
        elif seat in seated and len(lists) == 1:
            yield seat, column, LISTS[lists[0]][1]


def _about(line: Line, roll: Roll, seat: int | None, column: str, meaning: Meaning) -> Iterator[Told]:
    """A cell's meaning as reports, one for each kind that its column may speak of."""
    place = f"{line.group}/{line.day}" if seat is None else f"{line.group}/{line.day}/{seat}"
    member = None if seat is None else roll.holders[line.group][seat]
    for kind in KINDS[column]:
        value = meaning.value if kind == meaning.kind else None
        chain = goal_chain(place) if kind == GOAL_SET.kind else None
        yield Told(
            line.number, f"{place}/{kind}", kind, line.group, member, value, roll.noon(line.day), chain
        )


def goal_chain(place: str) -> str:
    """The chain of the goal that a seat set at a meeting. place : group/day/seat"""
    return f"goal-{sha256(place.encode()).hexdigest()[:24]}"
