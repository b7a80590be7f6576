"""Who leads groups today, whether they were trained for it, and whether they are tired of it.

What falls to an adviser falls to the group's adviser, or where there is none to the deputy. Of several of a
role it is whoever has the lowest seat.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from engagement.actions.action import Carrier
from engagement.actions.catalogue import AnyAction
from engagement.signals import tally
from engagement.signals.advising import Advising, advising
from engagement.signals.tally import DAY_MS
from engagement.store import setup
from engagement.store.leaders import Leader, Reply, leaders_and_refusals, replies
from engagement.strategy.advisers import Replied, Tired, tired
from engagement.strategy.cadence import midnight_ms
from engagement.strategy.setup import LEADING, Catalogue

CARRIER: Carrier = "adviser"
LooksFor = Literal["adviser", "deputy"]
OPEN_DAYS = 32
"""A decision is open until its day, week or month ends, and may be answered late: so much older it may be."""


class Lead(NamedTuple):
    """Somebody who leads a group. tired : None where they are not"""

    member: str
    role: str
    seat: int
    since: date
    state: Advising
    tired: Tired | None


class Leads(NamedTuple):
    """Who leads one group: advisers before deputies, then by seat."""

    people: tuple[Lead, ...] = ()

    @property
    def first(self) -> Lead | None:
        """To whom things fall."""
        return self.people[0] if self.people else None

    @property
    def tired(self) -> bool:
        """Whether that person is tired."""
        return self.first is not None and self.first.tired is not None

    def looks_for(self, *, ever: bool) -> LooksFor | None:
        """Whom the group needs: an adviser where it lost its own, a deputy where she is tired.

        ever : whether it had an adviser before; a group that never had one has lost nobody
        """
        if not any(one.role == "adviser" and not one.state.over for one in self.people):
            return "adviser" if ever else None
        return "deputy" if self.tired else None

    def of(self, member: str | None) -> Lead | None:
        """One of them by name; without one, the first."""
        if member is None:
            return self.first
        return next((one for one in self.people if one.member == member), None)


NOBODY = Leads()


def carried(catalogue: Catalogue) -> list[str]:
    """The actions that fall to an adviser."""
    return sorted(name for name, action in catalogue.actions.items() if action.carrier == CARRIER)


def matters(actions: Iterable[AnyAction], features: Iterable[str]) -> bool:
    """Whether a decision about these depends on who leads the group."""
    mine = (action.needs_training or (action.carrier == CARRIER and action.minutes) for action in actions)
    return any(mine) or not {"adviser_tired", "group_adviser_tired"}.isdisjoint(features)


def leads_of(
    conn: Connection,
    program_id: str,
    catalogue: Catalogue,
    groups: Collection[str],
    today: date,
    now_ms: int,
) -> Mapping[str, Leads]:
    """Who leads each of these groups; one that nobody leads is left out.

    One statement, and one more where something was declined often enough that somebody may be tired of it.
    """
    if not groups:
        return {}
    rules, mine = catalogue.program.advisers, carried(catalogue)
    since_ms = now_ms - (rules.refusals_days + OPEN_DAYS) * DAY_MS
    leaders, refused = leaders_and_refusals(conn, program_id, sorted(groups), mine, today, since_ms)
    often = sorted(group for group, times in refused.items() if times >= rules.refusals)
    told: dict[str, list[Reply]] = defaultdict(list)
    for reply in replies(conn, program_id, often, mine, since_ms) if often else ():
        told[reply.group].append(reply)
    found: dict[str, list[Leader]] = defaultdict(list)
    for leader in leaders:
        found[leader.group].append(leader)
    return {group: _leads(catalogue, some, told[group], now_ms) for group, some in found.items()}


def _leads(catalogue: Catalogue, leaders: Sequence[Leader], told: Sequence[Reply], now_ms: int) -> Leads:
    ordered = sorted(leaders, key=lambda one: (LEADING.index(one.role), one.seat))
    people = []
    for place, leader in enumerate(ordered):
        state = advising(tally.decoded(leader.tally))
        asked = [
            Replied(row.status, row.occurred_at) for row in told if _fell_to(catalogue, row, leader, place)
        ]
        since_ms = midnight_ms(leader.since, catalogue.program.time_zone)
        weary = tired(catalogue.program.advisers, state, asked, since_ms, now_ms)
        people.append(Lead(leader.member, leader.role, leader.seat, leader.since, state, weary))
    return Leads(tuple(people))


def _fell_to(catalogue: Catalogue, reply: Reply, leader: Leader, place: int) -> bool:
    """What was suggested to somebody as adviser is theirs; all else falls to whoever comes first."""
    strategy = catalogue.strategies.get(reply.strategy_id)
    if strategy is not None and strategy.level == "adviser":
        return reply.unit_id == leader.member
    return place == 0


def ever_advised(conn: Connection, program_id: str, groups: Sequence[str]) -> frozenset[str]:
    """Those of these groups that have or had an adviser."""
    rows = setup.memberships_of_groups(conn, program_id, groups)
    return frozenset(row.group for row in rows if row.group is not None and row.role == "adviser")


def tired_groups(leads: Mapping[str, Leads]) -> frozenset[str]:
    """The groups whose adviser is tired."""
    return frozenset(group for group, some in leads.items() if some.tired)
