"""The minimal month as somebody types it on a basic phone: was there a meeting, who came, who met their goal.

    1 | 1 3 4 6 8 | 3 6        held; these seats came; these met their goal
    0                          not held
    1 | 1 3                    held; these came; of goals nothing is said
    12/4 | 1 | 1 3 | 0 | 3     of the meeting on 12 April; nobody met the goal, and seat 3 missed it

On a keypad `#` ends a part and `*` stands between seats: `1#1*3*4#3#`. What is not said stays unknown,
and what cannot be read is named and harms nothing else. Pure: no group, no clock.
"""

import re
from datetime import date
from typing import Literal, NamedTuple

MOST_CHARACTERS = 500
LAST_SEAT = 9999
Flaw = Literal["empty", "too_long", "held", "parts", "contradiction", "date"]
"""Why nothing of a text can be used."""

# \d and int() take the digits of any script
_BETWEEN_PARTS = re.compile(r"[|｜¦ǀ।॥#;\n]|(?<=\s)[Il](?=\s)")
"""What stands between parts. A phone without `|` has what looks like it: the danda, capital I, small L."""
_BETWEEN_SEATS = re.compile(r"[\s,*.+&،]+")
_DAY_FIRST = re.compile(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d{2}))?")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_NOBODY = frozenset({"none", "nobody", "-"})


class Seats(NamedTuple):
    """Seats that a part lists. strange : what stands there and is no seat's number

    whole : whether all of it could be read, so that who is not named is known not to be meant
    """

    seats: frozenset[int]
    strange: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything in it is the number of a seat."""
        return not self.strange


class NamedDay(NamedTuple):
    """A meeting's day as it was written. year : None where only day and month were"""

    day: int
    month: int
    year: int | None

    def before(self, today: date) -> date | None:
        """The day that is meant, without a year the last such day up to today; None if there is none."""
        try:
            if self.year is not None:
                return date(self.year, self.month, self.day)
            past = date(today.year, self.month, self.day)
            return past if past <= today else date(today.year - 1, self.month, self.day)
        except ValueError:  # 31 April, or 29 February of the year before
            return None


class MinimalMonth(NamedTuple):
    """What a text says. A part that it leaves out is None; with a `flaw` nothing else counts."""

    held: bool | None = None
    day: NamedDay | None = None
    came: Seats | None = None
    met: Seats | None = None
    missed: Seats | None = None
    flaw: Flaw | None = None


def read(text: str) -> MinimalMonth:
    """What was typed, however it was spaced; never raises."""
    parts = _parts(text[: MOST_CHARACTERS + 1])
    day = _day(parts[0]) if parts else None
    told = parts if day is None else parts[1:]
    flaw = _flaw(text, told)
    if flaw is not None:
        return MinimalMonth(flaw=flaw)
    came, met, missed = [*map(_seats, told[1:]), None, None, None][:3]
    held = _number(told[0]) == 1
    anybody = any(one is not None and one.seats for one in (came, met, missed))
    both = met is not None and missed is not None and met.seats & missed.seats
    if both or (anybody and not held):
        return MinimalMonth(flaw="contradiction")
    return MinimalMonth(held, day, came, met, missed)


def _flaw(text: str, parts: list[str]) -> Flaw | None:
    """Why nothing can be used of a text. parts : without the day"""
    if len(text) > MOST_CHARACTERS:
        return "too_long"
    if not text.strip():
        return "empty"
    if len(parts) > 4 or (len(parts) == 1 and " " in parts[0]):
        return "parts"
    return None if parts and _number(parts[0]) in (0, 1) else "held"


def _parts(text: str) -> list[str]:
    """The parts, without blanks around them; those left open at the end are left out."""
    parts = [" ".join(part.split()) for part in _BETWEEN_PARTS.split(f" {text.strip()} ")]
    if len(parts) == 1 and "," in parts[0]:  # 1, 1 3 4, 3 6
        by_comma = [part.strip() for part in parts[0].split(",")]
        if any(" " in part for part in by_comma):
            parts = by_comma
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _day(part: str) -> NamedDay | None:
    iso, day_first = _ISO.fullmatch(part), _DAY_FIRST.fullmatch(part)
    if iso is not None:
        year, month, day = map(int, iso.groups())
        return NamedDay(day, month, year)
    if day_first is None:
        return None
    written = day_first.group(4)
    full = None if written is None else int(written) + (2000 if len(written) == 2 else 0)
    return NamedDay(int(day_first.group(1)), int(day_first.group(3)), full)


def _number(word: str) -> int | None:
    return int(word) if re.fullmatch(r"\d{1,9}", word) else None


def _seats(part: str) -> Seats | None:
    """The seats of one part; None where nothing stands in it."""
    if part in ("", "?"):
        return None
    words = [word for word in _BETWEEN_SEATS.split(part) if word]
    found = {word: _number(word) for word in words if word.lower() not in _NOBODY}
    seats = frozenset(seat for seat in found.values() if seat is not None and 1 <= seat <= LAST_SEAT)
    strange = (word[:20] for word, seat in found.items() if seat is None or seat > LAST_SEAT)
    return Seats(seats, tuple(dict.fromkeys(strange)))
