"""A paper register of meetings, typed into a sheet: what its lines say, before any seat has a name.

Two layouts that people keep, told apart by the first line: *one line a seat and meeting*, and *one line
a meeting* with lists of seats. In both a line comes down to columns and the meaning of what stands in
them; a new word is an entry in its column's table. Reading touches no database.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from engagement.errors import Invalid
from engagement.signals.goals import GOAL_SET
from engagement.strategy.setup import Dates
from engagement.workflows.sheet import (
    YES_NO,
    Cells,
    FlawError,
    Refused,
    Sheet,
    addressed,
    day,
    few,
    header,
    merged_above,
    must_say,
    not_read,
    pseudonym,
    read_lines,
    whole_number,
)
from engagement.workflows.sheet_file import opened

Layout = Literal["seat", "meeting"]
COLUMNS: Mapping[Layout, Mapping[str, str]] = {
    "seat": {
        "group": "the group's id, required",
        "date": "the meeting's day, required",
        "seat": "the small number on the group's register, required",
        "came": "yes or no, required",
        "goal_set": "yes or no, or what the goal is about",
        "goal": "what became of the goal set before: met, missed, partly, not followed up, dropped, or none",
    },
    "meeting": {
        "group": "the group's id, required",
        "date": "the meeting's day, required",
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
TELLING: Mapping[Layout, tuple[str, ...]] = {
    "seat": ("came", "goal_set", "goal"),
    "meeting": ("held", "came", "goals_set", "goals_met", "goals_missed"),
}
"""What tells something of a meeting. Where all of it is empty, the line was made ready and waits."""
MOST_CHARACTERS = 250_000


class Meaning(NamedTuple):
    """What a word says: a report of this kind and value; without a kind, that there is none."""

    kind: str | None = None
    value: int | None = None


NOTHING = Meaning()
HELD, NOT_HELD = Meaning("meeting_held", 1), Meaning("meeting_held", 0)
CAME, STAYED_AWAY = Meaning("attendance", 1), Meaning("attendance", 0)
POSTPONED = Meaning("meeting_postponed", 1)
ABOUT: Mapping[str, Meaning] = {
    word: Meaning(GOAL_SET.kind, GOAL_SET.number(word)) for word in GOAL_SET.choices
}
SET = ABOUT["other"]
"""A goal of which the register does not say what it is about."""
MET, MISSED = Meaning("goal_met", 1), Meaning("goal_met", 0)

WORDS: Mapping[str, Mapping[str, Meaning]] = {
    "held": {
        **{word: HELD if yes else NOT_HELD for word, yes in YES_NO.items()},
        "postponed": POSTPONED,
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
        **ABOUT,
    },
    "goal": {
        "met": MET,
        "missed": MISSED,
        "partly": Meaning("goal_partly_met", 1),
        "not followed up": Meaning("goal_not_followed_up", 1),
        "dropped": Meaning("goal_dropped", 1),
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
    unread : lists of which a part could not be read; of seats that they do not name nothing is known
    """

    number: int
    group: str
    day: date
    seat: int | None
    said: Mapping[str, Meaning]
    listed: Mapping[str, frozenset[int]]
    unread: frozenset[str] = frozenset()

    def mentions(self, column: str, seat: int) -> list[str]:
        """The lists that speak of the seat in the place of a column; more than one contradict each other."""
        return [name for name, seats in self.listed.items() if LISTS[name][0] == column and seat in seats]


class Listed(NamedTuple):
    """A cell that lists seats.

    seats : None where there is no use in the cell
    whole : whether all of it could be read, so that who is not named is known not to be meant
    """

    seats: frozenset[int] | None
    whole: bool
    flaws: Sequence[str]


class Register(NamedTuple):
    """A register as read. refused : flaws of whole lines, and of single seats in sound ones"""

    sheet: Sheet
    layout: Layout
    total: int
    lines: tuple[Line, ...]
    refused: tuple[Refused, ...]
    ignored_columns: tuple[str, ...]


def read_register(content: str | Sheet, order: Dates = "day_first") -> Register:
    """The lines of a sheet, or of a text of one, each as what it says or with the reason why it is refused.

    order : how a date is meant that does not begin with its year
    raises : Invalid for a first line of neither layout, and for what is too long
    """
    length = content.characters if isinstance(content, Sheet) else len(content)
    if length > MOST_CHARACTERS:
        raise Invalid(f"a register has at most {MOST_CHARACTERS:,} characters; send it in parts")
    sheet = content if isinstance(content, Sheet) else opened(content)
    layout = _layout(sheet)
    header(sheet, COLUMNS[layout], NEEDED[layout])
    flaws: list[Refused] = []
    first: dict[tuple[str, date, int | None], int] = {}

    def read(cells: Cells, number: int) -> Line | None:
        if not any(cells.get(column) for column in TELLING[layout]):
            return None
        must_say(cells, NEEDED[layout])
        line, wrong = (_seat_line if layout == "seat" else _meeting_line)(cells, number, order)
        before = first.setdefault((line.group, line.day, line.seat), number)
        if before != number:
            raise FlawError("date" if line.seat is None else "seat", f"line {before} tells of this already")
        flaws.extend(wrong)
        return line

    total, sound, refused = read_lines(sheet, "a register", COLUMNS[layout], read)
    return Register(
        sheet,
        layout,
        total,
        tuple(line for line in sound if line is not None),
        addressed(sheet, [*refused, *flaws]),
        not_read(sheet, COLUMNS[layout]),
    )


def _layout(sheet: Sheet) -> Layout:
    if ("seat" in sheet.names) == ("held" in sheet.names):
        raise Invalid(
            "the first line must name either `seat`, for one line a seat and meeting, or `held`, for one "
            "line a meeting" + merged_above(sheet)
        )
    return "seat" if "seat" in sheet.names else "meeting"


def _seat_line(cells: Cells, number: int, order: Dates) -> tuple[Line, list[Refused]]:
    """A line about one seat. It has no flaws but those that refuse it."""
    group, on, seat = (
        pseudonym(cells, "group"),
        day(cells, "date", order),
        whole_number(cells["seat"], "seat"),
    )
    said = {column: _meaning(cells, column) for column in ("came", "goal_set", "goal") if cells.get(column)}
    return Line(number, group, on, seat, said, {}), []


def _meeting_line(cells: Cells, number: int, order: Dates) -> tuple[Line, list[Refused]]:
    """A line about a meeting, and the flaws of single seats in it."""
    group, on, held = pseudonym(cells, "group"), day(cells, "date", order), _meaning(cells, "held")
    found = {column: _seats(cells.get(column, ""), column) for column in LISTS}
    listed = {column: cell.seats for column, cell in found.items() if cell.seats is not None}
    unread = frozenset(column for column, cell in found.items() if not cell.whole)
    flaws = [Refused(number, column, problem) for column, cell in found.items() for problem in cell.flaws]
    if listed.get("came") and held != HELD:
        raise FlawError("came", "seats are said to have come, though the meeting was not held")
    line = Line(number, group, on, None, {"held": held}, listed, unread)
    for column, seats in listed.items():
        both = [seat for seat in sorted(seats) if line.mentions(LISTS[column][0], seat)[0] != column]
        if both:
            first = line.mentions(LISTS[column][0], both[0])[0]
            flaws.append(Refused(number, column, f"seat {few(both)} stands in `{first}` too; neither counts"))
    return line, flaws


def _seats(cell: str, column: str) -> Listed:
    """The seats that a cell lists, and what is wrong with others."""
    if cell.lower() in NOBODY:
        return Listed(frozenset(), whole=True, flaws=())
    seats: Counter[int] = Counter()
    strange: list[str] = []
    for word in re.findall(r"[^\s,;]+", cell):
        try:
            seats[whole_number(word, column)] += 1
        except FlawError:
            strange.append(f"`{word[:20]}`")
    twice = [seat for seat, times in sorted(seats.items()) if times > 1]
    flaws = [f"{few(strange)} is no seat's number; who is not named stays open"] if strange else []
    flaws += [f"seat {few(twice)} stands twice"] if twice else []
    return Listed(frozenset(seats) or None, whole=not strange, flaws=flaws)


def _meaning(cells: Cells, column: str) -> Meaning:
    words = WORDS[column]
    meaning = words.get(" ".join(cells[column].lower().replace("_", " ").split()))
    if meaning is None:
        plain = [word for word in words if word in ("yes", "no") or (word not in YES_NO and len(word) > 1)]
        raise FlawError(column, f"`{cells[column][:20]}` is none of {', '.join(plain)}")
    return meaning
