"""Whether somebody else bears out what earns an incentive: nobody's own report alone pays them.

Whose word a report is follows from who reported it, and of whom. A health worker, staff or a system stand
outside a group; an adviser is one of those whom a group's incentive rewards.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Earner = Literal["member", "adviser", "group"]
OUTSIDE = frozenset({"health_worker", "staff", "system"})


class Voice(NamedTuple):
    """One report of what earns an incentive.

    own : it is about the earner, or about the group as a whole; not about another member
    """

    reported_by: str
    own: bool


def borne_out(earner: Earner, voices: Iterable[Voice]) -> bool:
    """Whether what earns an incentive is said by more than the earner.

    earner : whoever leads a group is an `adviser`, also where an incentive is for them as a member
    A member needs anybody else's word; an adviser that of another member, or from outside; a group that
    of its adviser and of a member, or from outside.
    """
    said = set(voices)
    reporters = {voice.reported_by for voice in said}
    if not reporters.isdisjoint(OUTSIDE):
        return True
    another = Voice("self", own=False) in said
    match earner:
        case "member":
            return "adviser" in reporters or another
        case "adviser":
            return another
        case "group":
            return "adviser" in reporters and "self" in reporters
