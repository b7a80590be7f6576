"""What a run comes to, in numbers: of the whole, and of each group. All of it is synthetic."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from engagement.records import Floats
from engagement.simulation.living import Lived

WORST = 0.25
"""The part of the members that is shown beside the mean: those who came least."""


class GroupFigures(msgspec.Struct, frozen=True):
    """One group.

    months_alive : in how many months it was still alive at the end      attendance : of all seats, 0 to 1
    lower_quarter : the same of the quarter of its members that came least
    """

    group: int
    urban: bool
    months_alive: int
    alive_at_end: bool
    alive_at_last: bool
    attendance_running: float
    attendance_after: float
    attendance: float
    lower_quarter: float
    cost_minor: int
    health_worker_minutes: int


class Figures(msgspec.Struct, frozen=True):
    """All groups together; a group dissolved counts as not met, with nobody there.

    attendance : per enrolled member and month      lower_quarter : of the members that came least
    held_running : meetings held, of all months running
    alive_at_end, alive_at_last : share of the groups, in the program's last month and in the last of all
    months_alive : mean over the groups (the restricted mean time)
    regret : what the best action of the menu would have added to the chance of coming, mean over the members
        asked about or left alone while the program ran
    decisions, randomised, reported : how many, and which shares of them
    """

    attendance: float
    attendance_running: float
    attendance_after: float
    lower_quarter: float
    held_running: float
    alive_at_end: float
    alive_at_last: float
    months_alive: float
    cost_minor: float
    health_worker_minutes: float
    regret: float
    decisions: float
    randomised: float
    reported: float


MEASURES: tuple[str, ...] = Figures.__struct_fields__


class Told(NamedTuple):
    """Both."""

    figures: Figures
    groups: tuple[GroupFigures, ...]


def told(months: Sequence[Lived], running: int, urban: Sequence[bool]) -> Told:
    """The figures of a run. running : months of it while the program ran      urban : G"""
    came = np.array([month.happened.attended for month in months])  # (T, G, M)
    alive = np.array([month.happened.alive for month in months])
    cost = np.sum([month.cost_minor for month in months], axis=0)
    minutes = np.sum([month.health_worker_minutes for month in months], axis=0)
    by_seat = came.mean(axis=0)
    while_running = came[:running].mean(axis=(0, 2))
    after = came[running:].mean(axis=(0, 2)) if len(months) > running else np.zeros(len(by_seat))
    groups = tuple(
        GroupFigures(
            group=group + 1,
            urban=bool(urban[group]),
            months_alive=int(alive[:, group].sum()),
            alive_at_end=bool(alive[running - 1, group]),
            alive_at_last=bool(alive[-1, group]),
            attendance_running=float(while_running[group]),
            attendance_after=float(after[group]),
            attendance=float(by_seat[group].mean()),
            lower_quarter=worst(by_seat[group]),
            cost_minor=int(cost[group]),
            health_worker_minutes=int(minutes[group]),
        )
        for group in range(len(by_seat))
    )
    decided = [month.decided for month in months if month.decided is not None]
    count = sum(len(one.action) for one in decided)
    asked = sum(int(month.asked.sum()) for month in months)
    figures = Figures(
        attendance=float(by_seat.mean()),
        attendance_running=float(while_running.mean()),
        attendance_after=float(after.mean()),
        lower_quarter=worst(by_seat),
        held_running=float(np.mean([month.happened.held for month in months[:running]])),
        alive_at_end=float(alive[running - 1].mean()),
        alive_at_last=float(alive[-1].mean()),
        months_alive=float(alive.sum(axis=0).mean()),
        cost_minor=float(cost.sum()),
        health_worker_minutes=float(minutes.sum()),
        regret=float(sum(month.regret.sum() for month in months)) / max(asked, 1),
        decisions=float(count),
        randomised=sum(int(one.randomised.sum()) for one in decided) / max(count, 1),
        reported=sum(int(np.isfinite(one.reward).sum()) for one in decided) / max(count, 1),
    )
    return Told(figures, groups)


def worst(share: Floats) -> float:
    """Mean of the lowest quarter, at least one."""
    ordered = np.sort(share, axis=None)
    return float(ordered[: max(1, int(WORST * ordered.size))].mean())
