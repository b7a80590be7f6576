"""What a signal is: one record says everything the service must know about a kind of observation."""

from typing import Literal, get_args

import msgspec

Level = Literal["member", "group"]
Audience = Literal["group", "adviser", "health_worker", "staff", "research"]
"""Who may see a thing, nearest neighbour first. Each reader also sees what those before it may."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of observation.

    code : small and permanent: tallies store it in the kind's place, so it is never used again
    level : what it is said of
    unit : `yes_no` 0 or 1; `count` a whole number; `event` 1, it happened
    low, high : the values allowed, both included
    half_life_days : after so many days a report counts half; a guess that programs' data can replace
    in_group : a member's signal is also added to the tally of the group
    keeps_recent : the tally keeps the latest six values, not only the latest one
    is_contact : a value above 0 means that somebody has met or heard from the member
    label : plain words for a program manager
    """

    kind: str
    code: int
    level: Level
    unit: Literal["yes_no", "count", "event"]
    low: int
    high: int
    half_life_days: float
    audience: Audience
    in_group: bool
    label: str
    keeps_recent: bool = False
    is_contact: bool = False


def may_see(reader: Audience, audience: Audience) -> bool:
    """Whether a reader may see what is meant for an audience."""
    return AUDIENCES.index(audience) <= AUDIENCES.index(reader)
