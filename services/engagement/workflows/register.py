"""A paper register of meetings, typed into a sheet: what its lines say, before any seat has a name.

Two layouts that people keep, told apart by the first line: *one line a seat and meeting*, and *one line
a meeting* with lists of seats. In both a line comes down to columns and the meaning of what stands in
them. A word whose meaning cannot be stored says so; giving it one is an entry in its column's table.
Reading touches no database.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date
from typing import Literal, NamedTuple

import msgspec

from engagement.errors import Invalid
from engagement.workflows.sheet import (
    YES_NO,
    Cells,
    FlawError,
    Refused,
    few,
    header,
    must_say,
    not_read,
    opened,
    pseudonym,
    read_lines,
    whole_number,
)

Layout = Literal["seat", "meeting"]
COLUMNS: Mapping[Layout, Mapping[str, str]] = {
    "seat": {
        "group": "the group's id, required",
        "date": "the meeting's day: 2026-03-31, or day first as 31/03/2026; required",
        "seat": "the small number on the group's register, required",
        "came": "yes or no, required",
        "goal_set": "yes or no, or what the goal is about",
        "goal": "what became of the goal set before: met, missed, partly, not followed up, or none",
    },
    "meeting": {
        "group": "the group's id, required",
        "date": "the meeting's day: 2026-03-31, or day first as 31/03/2026; required",
        "held": "yes, no or postponed, required",
        "came": "the seats that came, such as 1 3 4; none where nobody did",
        "goals_set": "the seats that set a goal, or none",
        "goals_met": "the seats that met the goal set before, or none",
        "goals_missed": "the seats that missed it, or none",
    },
}
"""What a register may hold, by layout. Nothing else is read, and nothing else is stored."""
NEEDED: Mapping[Layout, tuple[str, ...]] = {
    "seat": ("group", "date", "seat", "came"),
    "meeting": ("group", "date", "held"),
}
MOST_CHARACTERS = 250_000
# \d and int() take the digits of any script
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
DAY_FIRST = re.compile(r"(?P<day>\d{1,2})(?P<between>[/.-])(?P<month>\d{1,2})(?P=between)(?P<year>\d{4})")
"""As dates are written in India."""


class Meaning(NamedTuple):
    """What a word says: a report of this kind and value; without a kind, that there is none.

    lost : what the word says beyond that and cannot be stored
    """

    kind: str | None = None
    value: int | None = None
    lost: str | None = None


NOTHING = Meaning()
HELD, NOT_HELD = Meaning("meeting_held", 1), Meaning("meeting_held", 0)
CAME, STAYED_AWAY = Meaning("attendance", 1), Meaning("attendance", 0)
SET = Meaning("goal_set", 1)
MET, MISSED = Meaning("goal_met", 1), Meaning("goal_met", 0)
ABOUT = SET._replace(lost="the goal is stored, what it is about is not")

WORDS: Mapping[str, Mapping[str, Meaning]] = {
    "held": {
        **{word: HELD if yes else NOT_HELD for word, yes in YES_NO.items()},
        "postponed": Meaning(lost="there is no report for a postponed meeting; nothing of it is stored"),
    },
    "came": {
        **{word: CAME if yes else STAYED_AWAY for word, yes in YES_NO.items()},
        "p": CAME,
        "present": CAME,
        "a": STAYED_AWAY,
        "absent": STAYED_AWAY,
    },
    "goal_set": {
        **{word: SET if yes else NOTHING for word, yes in YES_NO.items()},
        "none": NOTHING,
        "food": ABOUT,
        "activity": ABOUT,
        "medicine": ABOUT,
        "doctor": ABOUT,
        "other": ABOUT,
    },
    "goal": {
        "met": MET,
        "missed": MISSED,
        "partly": Meaning(lost="there is no report for a goal partly met; nothing of it is stored"),
        "not followed up": Meaning(lost="there is no report for it; the goal counts neither way"),
        "none": NOTHING,
    },
}
"""By column, each word that may stand in it, in small letters."""
LISTS: Mapping[str, tuple[str, Meaning]] = {
    "came": ("came", CAME),
    "goals_set": ("goal_set", SET),
    "goals_met": ("goal", MET),
    "goals_missed": ("goal", MISSED),
}
"""By column that lists seats: the column of the other layout, and what stands there for these seats."""
NOBODY = frozenset({"none", "nobody", "-", "0", "०", "౦"})
"""A list without seats. The empty cell is none: it says nothing."""


class Line(NamedTuple):
    """One seat at one meeting, or one meeting.

    seat : None where the line is about the meeting
    said : what the cells say, by column      listed : seats by column. Empty cells are in neither.
    """

    number: int
    group: str
    day: date
    seat: int | None
    said: Mapping[str, Meaning]
    listed: Mapping[str, frozenset[int]]

    def mentions(self, column: str, seat: int) -> list[str]:
        """The lists that speak of the seat in the place of a column; more than one contradict each other."""
        return [name for name, seats in self.listed.items() if LISTS[name][0] == column and seat in seats]


class Ignored(msgspec.Struct, frozen=True):
    """A word of which something is not stored, and what."""

    line: int
    column: str
    problem: str


class Register(NamedTuple):
    """A register as read. refused : flaws of whole lines, and of single seats in sound ones"""

    layout: Layout
    total: int
    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]
    ignored: tuple[Ignored, ...]
    ignored_columns: tuple[str, ...]


def read_register(content: str) -> Register:
    """The lines of a CSV text, each as what it says or with the reason why it is refused.

    raises : Invalid for a first line of neither layout, and for a text that is too long
    """
    if len(content) > MOST_CHARACTERS:
        raise Invalid(f"a register has at most {MOST_CHARACTERS:,} characters; send it in parts")
    reader = opened(content)
    layout = _layout(reader.fieldnames or ())
    names = header(reader, COLUMNS[layout], NEEDED[layout])
    flaws: list[Refused] = []
    first: dict[tuple[str, date, int | None], int] = {}

    def read(cells: Cells, number: int) -> Line:
        must_say(cells, NEEDED[layout])
        line, wrong = (_seat_line if layout == "seat" else _meeting_line)(cells, number)
        before = first.setdefault((line.group, line.day, line.seat), number)
        if before != number:
            raise FlawError("date" if line.seat is None else "seat", f"line {before} tells of this already")
        flaws.extend(wrong)
        return line

    total, sound, refused = read_lines(reader, "a register", read)
    lost = [
        Ignored(line.number, column, meaning.lost)
        for line in sound
        for column, meaning in line.said.items()
        if meaning.lost is not None
    ]
    return Register(
        layout, total, tuple(sound), (*refused, *flaws), tuple(lost), not_read(names, COLUMNS[layout])
    )


def _layout(names: Collection[str]) -> Layout:
    if ("seat" in names) == ("held" in names):
        raise Invalid(
            "the first line must name either `seat`, for one line a seat and meeting, or `held`, for one "
            "line a meeting"
        )
    return "seat" if "seat" in names else "meeting"


def _seat_line(cells: Cells, number: int) -> tuple[Line, list[Refused]]:
    """A line about one seat. It has no flaws but those that refuse it."""
    group, day, seat = pseudonym(cells, "group"), _day(cells), whole_number(cells["seat"], "seat")
    said = {column: _meaning(cells, column) for column in ("came", "goal_set", "goal") if cells.get(column)}
    return Line(number, group, day, seat, said, {}), []


def _meeting_line(cells: Cells, number: int) -> tuple[Line, list[Refused]]:
    """A line about a meeting, and the flaws of single seats in it."""
    group, day, held = pseudonym(cells, "group"), _day(cells), _meaning(cells, "held")
    listed: dict[str, frozenset[int]] = {}
    flaws: list[Refused] = []
    for column in LISTS:
        seats, wrong = _seats(cells.get(column, ""), column)
        if seats is not None:
            listed[column] = seats
        flaws += [Refused(number, column, problem) for problem in wrong]
    if listed.get("came") and held != HELD:
        raise FlawError("came", "seats are said to have come, though the meeting was not held")
    line = Line(number, group, day, None, {"held": held}, listed)
    for column, seats in listed.items():
        both = [seat for seat in sorted(seats) if line.mentions(LISTS[column][0], seat)[0] != column]
        if both:
            first = line.mentions(LISTS[column][0], both[0])[0]
            flaws.append(Refused(number, column, f"seat {few(both)} stands in `{first}` too; neither counts"))
    return line, flaws


def _seats(cell: str, column: str) -> tuple[frozenset[int] | None, list[str]]:
    """The seats that a cell lists, None when there is no use in it; and what is wrong with others."""
    if cell.lower() in NOBODY:
        return frozenset(), []
    seats: Counter[int] = Counter()
    strange: list[str] = []
    for word in re.findall(r"[^\s,;]+", cell):
        try:
            seats[whole_number(word, column)] += 1
        except FlawError:
            strange.append(f"`{word[:20]}`")
    twice = [seat for seat, times in sorted(seats.items()) if times > 1]
    flaws = [f"{few(strange)} is no seat's number"] if strange else []
    flaws += [f"seat {few(twice)} stands twice"] if twice else []
    return frozenset(seats) or None, flaws


def _meaning(cells: Cells, column: str) -> Meaning:
    words = WORDS[column]
    meaning = words.get(" ".join(cells[column].lower().replace("_", " ").split()))
    if meaning is None:
        plain = [word for word in words if word in ("yes", "no") or (word not in YES_NO and len(word) > 1)]
        raise FlawError(column, f"`{cells[column][:20]}` is none of {', '.join(plain)}")
    return meaning


def _day(cells: Cells) -> date:
    iso, day_first = ISO.fullmatch(cells["date"]), DAY_FIRST.fullmatch(cells["date"])
    try:
        if iso is not None:
            return date(*map(int, iso.groups()))
        if day_first is not None:
            return date(*map(int, day_first.group("year", "month", "day")))
    except ValueError:
        pass
    raise FlawError(
        "date", f"`{cells['date'][:20]}` is not a day; write 2026-03-31, or 31/03/2026 with the day first"
    )
