"""What is known of members and groups from their minimal months: tallies, as the service keeps them.

Only beliefs that look at features need it, so only for those it is kept.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engagement.actions.availability import Given
from engagement.bandits.linear import Linear
from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors.logistic import Logistic
from engagement.records import Bools, Floats, Integers
from engagement.signals import tally
from engagement.signals.features import matrix
from engagement.signals.goals import GOAL_MET
from engagement.signals.meetings import ATTENDANCE, MEETING_HELD
from engagement.signals.picture import Picture
from engagement.signals.tally import EMPTY, Event, Tally
from engagement.simulation.barriers import BARRIERS
from engagement.simulation.calendar import meeting
from engagement.simulation.peer_group import Month
from engagement.simulation.setting import Setting, asked_at_ms, remembered_since_ms, today
from engagement.strategy.doses import doses
from engagement.strategy.setup import months_to_end, phase
from engagement.strategy.strategy import Strategy


class Known(NamedTuple):
    """What is known of groups and members beyond their months; None where nothing is.

    urban : (G,)      barriers : (G, M, 5)
    """

    urban: Bools | None
    barriers: Bools | None


class Heard(NamedTuple):
    """The events of one group's month, which are known from a month on; `members` by seat."""

    from_month: int
    group: int
    of_group: tuple[Event, ...]
    of_members: tuple[tuple[Event, ...], ...]


class Seen(NamedTuple):
    """Tallies by place, G and G·M, and what is on its way."""

    groups: tuple[Tally, ...]
    members: tuple[Tally, ...]
    waiting: tuple[Heard, ...] = ()


def nothing_seen(groups: int, seats: int) -> Seen:
    """At the beginning."""
    return Seen((EMPTY,) * groups, (EMPTY,) * (groups * seats))


def looks(strategy: Strategy) -> bool:
    """Whether its belief looks at features other than the intercept."""
    belief = strategy.posterior
    return isinstance(belief, Linear | Logistic) or (isinstance(belief, Pooled) and bool(belief.looked_at))


def heard(
    month: int, there: Bools, goal_open: Bools, happened: Month, reported: Bools, delay: Integers
) -> tuple[Heard, ...]:
    """What a month's reports will say. there, goal_open : (G, M) when it began      reported, delay : (G,)"""
    out = []
    for group in np.flatnonzero(there.any(axis=1) & reported):
        at_ms = int(meeting(month, int(group)).timestamp() * 1000)
        held = int(happened.held[group])
        came = happened.attended[group]
        of_members: list[tuple[Event, ...]] = [()] * there.shape[1]
        for seat in np.flatnonzero(there[group]) if held else ():
            events = [Event(ATTENDANCE.code, int(came[seat]), at_ms, "", str(month))]
            if came[seat] and goal_open[group, seat]:
                events.append(
                    Event(GOAL_MET.code, int(happened.goal_met[group, seat]), at_ms, "", str(month))
                )
            of_members[seat] = tuple(events)
        of_meeting = (Event(MEETING_HELD.code, held, at_ms, "", str(month)),)
        shared = tuple(
            event._replace(id=f"{event.id}-{seat}") for seat, row in enumerate(of_members) for event in row
        )
        out.append(Heard(month + 1 + int(delay[group]), int(group), of_meeting + shared, tuple(of_members)))
    return tuple(out)


def arrived(seen: Seen, month: int, seats: int) -> Seen:
    """With everything in the tallies that has come by the time a month's decisions are made."""
    groups, members = list(seen.groups), list(seen.members)
    for one in seen.waiting:
        if one.from_month <= month:
            groups[one.group] = tally.added(groups[one.group], one.of_group)
            for seat, events in enumerate(one.of_members):
                place = one.group * seats + seat
                members[place] = tally.added(members[place], events)
    return Seen(tuple(groups), tuple(members), tuple(row for row in seen.waiting if row.from_month > month))


def features(
    setting: Setting,
    strategy: Strategy,
    seen: Seen,
    rows: Integers,
    shown: Integers,
    given: Sequence[tuple[Given, ...]],
    known: Known,
    month: int,
) -> Floats:
    """(N, d) of the units in these places. shown : whose features each of them is seen with"""
    now_ms, day, site = asked_at_ms(month), today(setting, month), setting.site
    since_ms = remembered_since_ms(setting, month)
    personal, seats = strategy.level == "member", len(seen.members) // len(seen.groups)
    actions = setting.catalogue.actions
    pictures = []
    for row, other in zip(rows.tolist(), shown.tolist(), strict=True):
        had = doses([one for one in given[row] if one.at_ms > since_ms], now_ms)
        group = other // seats if personal else other
        pictures.append(
            Picture(
                member=seen.members[other] if personal else EMPTY,
                group=seen.groups[group],
                role="member",
                setting="unknown" if known.urban is None else "urban" if known.urban[group] else "rural",
                phase=phase(site, day),
                months_to_end=months_to_end(site, day),
                dose=sum(had.values()),
                barriers=_barriers(known, group, other % seats) if personal else (),
                burden=sum(dose * actions[action].burden for action, dose in had.items()),
                doses=tuple(had.items()),
            )
        )
    return matrix(pictures, strategy.features, now_ms)


def _barriers(known: Known, group: int, seat: int) -> tuple[tuple[str, bool], ...]:
    if known.barriers is None:
        return ()
    return tuple(zip(BARRIERS, map(bool, known.barriers[group, seat]), strict=True))
