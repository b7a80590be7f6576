"""What a signal is: one record says everything the service must know about a kind of observation."""

from typing import Literal, get_args

import msgspec

from engagement.errors import Invalid

Level = Literal["member", "group"]
Audience = Literal["group", "adviser", "health_worker", "staff", "research"]
"""Who may see a thing, nearest neighbour first. Each reader also sees what those before it may."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
Reporter = Literal["self", "adviser", "health_worker", "staff", "system"]
REPORTERS: tuple[Reporter, ...] = get_args(Reporter)
Unit = Literal["yes_no", "event", "choice", "scale", "days", "money", "count"]
Chained = Literal["never", "may", "must"]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of observation.

    code : small and permanent: tallies store it in the kind's place, so it is never used again
    level : what it is said of
    unit : `yes_no` 0 or 1; `event` 1, it happened; `choice` the place of a word in `choices`, from 1;
    `scale` from 1, more is more; `days` until a day; `money` in minor units; `count` a whole number
    low, high : the values allowed, both included
    half_life_days : after so many days a report counts half; a guess that programs' data can replace
    in_group : a member's signal is also added to the tally of the group
    label : plain words for a program manager
    choices : the words of a `choice`, whose places are stored: words are only added, at the end
    reported_by : who can know it
    chain : whether a report names the one thing, a goal or a case, that further reports will be about
    weeks : how many weeks the tally keeps apart, at most 26; 0 where nothing is read by week
    keeps_recent : the tally keeps the latest six values, not only the latest one
    is_contact : a value above 0 means that somebody has met or heard from the member
    """

    kind: str
    code: int
    level: Level
    unit: Unit
    low: int
    high: int
    half_life_days: float
    audience: Audience
    in_group: bool
    label: str
    choices: tuple[str, ...] = ()
    reported_by: tuple[Reporter, ...] = REPORTERS
    chain: Chained = "never"
    weeks: int = 0
    keeps_recent: bool = False
    is_contact: bool = False

    def number(self, value: int | str) -> int:
        """A value as it is stored: a word is its place among the choices. Raises Invalid."""
        if isinstance(value, int):
            return value
        if value not in self.choices:
            allowed = ", ".join(self.choices) or f"a whole number from {self.low} to {self.high}"
            raise Invalid(f"{self.kind} cannot be {value!r}; it can be {allowed}")
        return 1 + self.choices.index(value)

    def word(self, value: int) -> str:
        """The choice that a stored value stands for."""
        return self.choices[value - 1]


def may_see(reader: Audience, audience: Audience) -> bool:
    """Whether a reader may see what is meant for an audience."""
    return AUDIENCES.index(audience) <= AUDIENCES.index(reader)
