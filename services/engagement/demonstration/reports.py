"""What is reported of a month: who came, which goals were met, who left; some late, some never."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from engagement.demonstration.people import People
from engagement.records import Bools, Floats
from engagement.simulation.calendar import REPORTED, meeting, moment, month_name
from engagement.simulation.peer_group import Month, State
from engagement.workflows.ingest import Signal

SOURCE = "demonstration"
UNREPORTED = 0.05
"""Share of the meetings held of which nothing is ever reported."""
LATE = 0.10
"""Share of the reports that come late, by up to `LATE_DAYS`. All three are guesses."""
LATE_DAYS = 45


class Report(NamedTuple):
    """Signals that are sent together on the first occasion after `due`."""

    due: datetime
    signals: tuple[Signal, ...]


class Reports(NamedTuple):
    """All that a month's reports hold, with how many groups' came late or never."""

    reports: tuple[Report, ...]
    late: int
    unreported: int


def reports(people: People, month: int, before: State, happened: Month, draws: Floats) -> Reports:
    """What is reported of a month.

    before : the state in which the month found the groups
    draws : (G, 3) uniforms: is it reported, is it late, by how many days
    """
    on_time = moment(month, REPORTED)
    silent = happened.held & (draws[:, 0] < UNREPORTED)
    late = before.alive & ~silent & (draws[:, 1] < LATE)
    out = []
    for group in np.flatnonzero(before.alive & ~silent):
        delay = timedelta(days=1 + int(draws[group, 2] * LATE_DAYS)) if late[group] else timedelta(0)
        out.append(Report(on_time + delay, tuple(_meeting(people, month, int(group), before, happened))))
    out.append(Report(on_time, tuple(_left(people, month, happened))))
    return Reports(tuple(out), int(late.sum()), int(silent.sum()))


def leaving(happened: Month) -> Bools:
    """Who left of their own accord, (G, M): where a group is dissolved, nobody is said to have left it."""
    return happened.left & ~happened.dissolved[:, None]


def _meeting(people: People, month: int, group: int, before: State, happened: Month) -> Iterator[Signal]:
    name, at = people.groups[group], meeting(month, group)
    held = bool(happened.held[group])
    yield Signal(
        source=SOURCE,
        id=f"{name}-{month_name(month)}-held",
        kind="meeting_held",
        group=name,
        value=int(held),
        occurred_at=at,
        reported_by="adviser",
    )
    if not held:
        return
    for seat in np.flatnonzero(before.active[group]):
        person = people.members[group][seat]
        came = bool(happened.attended[group, seat])
        yield _of_member(person, month, "attendance", int(came), at)
        if came and before.goal_open[group, seat]:
            met = int(happened.goal_met[group, seat])
            yield _of_member(person, month, "goal_met", met, at + timedelta(minutes=10))
        if happened.goal_set[group, seat]:
            yield _of_member(person, month, "goal_set", 1, at + timedelta(minutes=50))


def _left(people: People, month: int, happened: Month) -> Iterator[Signal]:
    for group, seat in np.argwhere(leaving(happened)):
        at = moment(month, REPORTED) - timedelta(hours=1)
        yield _of_member(people.members[group][seat], month, "left", 1, at)


def _of_member(person: str, month: int, kind: str, value: int, at: datetime) -> Signal:
    return Signal(
        source=SOURCE,
        id=f"{person}-{month_name(month)}-{kind}",
        kind=kind,
        member=person,
        value=value,
        occurred_at=at,
        reported_by="adviser",
    )
