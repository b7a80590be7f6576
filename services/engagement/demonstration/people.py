"""Who takes part: pseudonyms, seats and consents, synthetic throughout. A group's adviser has no seat."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from engagement.randomness import generator
from engagement.records import Bools
from engagement.workflows.sheet import MOST_LINES

SHARES_WITH_HEALTH_WORKER = 0.80
DECLINES_CHANCE = 0.05
"""Shares of members; both are guesses."""


class People(NamedTuple):
    """G groups of M members, by the pseudonyms that the service knows."""

    groups: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]


def drawn(groups: int, seats: int, seed: int) -> People:
    """Pseudonyms that say nothing of group or seat."""
    order = generator(seed, "pseudonyms").permutation(groups * seats).reshape(groups, seats)
    return People(
        tuple(f"group-{number}" for number in range(1, groups + 1)),
        tuple(tuple(f"p{number + 1:05}" for number in row) for row in order),
    )


def rosters(people: People, urban: Bools, seed: int, joined_on: date) -> Iterator[str]:
    """The roster as CSV texts, each no longer than the service takes at once.

    urban : (G,)
    """
    seats = len(people.members[0])
    draws = generator(seed, "consents").random((len(people.groups), seats, 2))
    header = "group,setting,member,seat,role,joined_on,health_worker,chance"
    lines = [
        f"{group},{'urban' if urban[row] else 'rural'},{member},{seat + 1},member,{joined_on},"
        f"{_yes(draws[row, seat, 0] < SHARES_WITH_HEALTH_WORKER)},"
        f"{_yes(draws[row, seat, 1] >= DECLINES_CHANCE)}"
        for row, group in enumerate(people.groups)
        for seat, member in enumerate(people.members[row])
    ]
    for start in range(0, len(lines), MOST_LINES):
        yield "\n".join([header, *lines[start : start + MOST_LINES], ""])


def _yes(agreed: bool) -> str:
    return "yes" if agreed else "no"
