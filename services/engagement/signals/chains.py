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


_ENDINGS: dict[tuple[str, int], Ending] = {
    (GOAL_MET.kind, 1): "met",
    (GOAL_MET.kind, 0): "missed",
    (GOAL_PARTLY_MET.kind, 1): "partly",
    (GOAL_NOT_FOLLOWED_UP.kind, 1): "not_followed_up",
    (GOAL_DROPPED.kind, 1): "dropped",
}


def goals(links: Iterable[Link]) -> tuple[Goal, ...]:
    """Every goal that one member's reports name, by (set_at_ms, chain), those of unknown start first.

    links : in any order, of any kinds; goals reported without a chain are nobody's in particular

    The latest report says how a goal stands: set anew it is open again, and a goal that was not
    followed up ends otherwise once somebody asks. Of one moment the report of an ending is the later.
    """
    by_chain: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        if link.chain is not None and (link.kind == GOAL_SET.kind or _ending(link) is not None):
            by_chain[link.chain].append(link)
    found = (_goal(chain, sorted(mine, key=_order)) for chain, mine in by_chain.items())
    return tuple(sorted(found, key=lambda goal: (goal.set_at_ms or 0, goal.chain)))


def _ending(link: Link) -> Ending | None:
    return _ENDINGS.get((link.kind, link.value))


def _order(link: Link) -> tuple[int, bool, str, str]:
    return link.occurred_at_ms, link.kind != GOAL_SET.kind, link.source, link.id


def _goal(chain: str, links: list[Link]) -> Goal:
    """The goal of a chain. links : in order"""
    was_set = [link for link in links if link.kind == GOAL_SET.kind]
    last = links[-1]
    ending = _ending(last)
    return Goal(
        chain=chain,
        category=GOAL_SET.word(was_set[-1].value) if was_set else None,
        set_at_ms=was_set[-1].occurred_at_ms if was_set else None,
        ending=ending,
        ended_at_ms=None if ending is None else last.occurred_at_ms,
    )
