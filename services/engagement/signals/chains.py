"""Chains: reports that name one thing, and what they say of it together. Here of goals.

A chain has no state of its own that could disagree with its reports: its latest report says how it
stands, so that lateness, repetition and corrections need no rule of their own.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal, NamedTuple

from engagement.signals.goals import (
    GOAL_DROPPED,
    GOAL_MET,
    GOAL_NOT_FOLLOWED_UP,
    GOAL_PARTLY_MET,
    GOAL_SET,
)

Ending = Literal["met", "partly", "missed", "not_followed_up", "dropped"]


class Link(NamedTuple):
    """A report that counts (`corrections.effective`), and what it is about.

    chain : the caller's id of the goal, topic or case; None where the report names none
    """

    kind: str
    value: int
    occurred_at_ms: int
    recorded_at_ms: int
    chain: str | None
    source: str
    id: str


class Goal(NamedTuple):
    """One goal of one member.

    category, set_at_ms : None when the report that set it has not arrived
    ending, ended_at_ms : None while the goal is open
    """

    chain: str
    category: str | None
    set_at_ms: int | None
    ending: Ending | None
    ended_at_ms: int | None

    @property
    def to_follow_up(self) -> bool:
        """Whether somebody should still ask about it."""
        return self.ending in (None, "not_followed_up")


_ENDINGS: dict[tuple[str, int], Ending] = {
    (GOAL_MET.kind, 1): "met",
    (GOAL_MET.kind, 0): "missed",
    (GOAL_PARTLY_MET.kind, 1): "partly",
    (GOAL_NOT_FOLLOWED_UP.kind, 1): "not_followed_up",
    (GOAL_DROPPED.kind, 1): "dropped",
}


def goals(links: Iterable[Link]) -> tuple[Goal, ...]:
    """Every goal that one member's reports name, by (set_at_ms, chain), those of unknown start first.

    links : in any order, of any kinds; a goal set without a chain is none in particular

    The latest report says how a goal stands: set anew it is open again, and a goal that was not
    followed up ends otherwise once somebody asks. Of one moment the report of an ending is the later.
    An ending that names no chain, as paper registers and short messages tell it, is of every goal that
    was set before and waits to be followed up then.
    """
    by_chain: dict[str, list[Link]] = defaultdict(list)
    of_any: list[Link] = []
    for link in links:
        if link.chain is None and _ending(link) is not None:
            of_any.append(link)
        elif link.chain is not None and (link.kind == GOAL_SET.kind or _ending(link) is not None):
            by_chain[link.chain].append(link)
    found = (_goal(chain, sorted([*mine, *of_any], key=_order)) for chain, mine in by_chain.items())
    return tuple(sorted(found, key=lambda goal: (goal.set_at_ms or 0, goal.chain)))


def _ending(link: Link) -> Ending | None:
    return _ENDINGS.get((link.kind, link.value))


def _order(link: Link) -> tuple[int, bool, str, str]:
    return link.occurred_at_ms, link.kind != GOAL_SET.kind, link.source, link.id


def _goal(chain: str, links: list[Link]) -> Goal:
    """The goal of a chain. links : its own and those that name none, in order"""
    goal = Goal(chain, None, None, None, None)
    for link in links:
        if link.kind == GOAL_SET.kind:
            goal = Goal(chain, GOAL_SET.word(link.value), link.occurred_at_ms, None, None)
        elif link.chain is not None or _waits(goal, link.occurred_at_ms):
            goal = goal._replace(ending=_ending(link), ended_at_ms=link.occurred_at_ms)
    return goal


def _waits(goal: Goal, moment_ms: int) -> bool:
    """Whether a goal was set before a moment and waits to be followed up then."""
    return goal.set_at_ms is not None and goal.set_at_ms < moment_ms and goal.to_follow_up
