"""How much of each action there was, month by month: as it was to be drawn, and as it was picked."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np

from engagement.bandits.propensity import ONE
from engagement.store.decisions import Decision
from engagement.strategy.cadence import local_date
from engagement.strategy.replay import propensities


class ActionShare(msgspec.Struct, frozen=True):
    """Of one action in a month: its mean probability, and its share of what was picked."""

    action: str
    probability: float
    picked: float


class ActionMonth(msgspec.Struct, frozen=True):
    """The decisions by chance of a month, such as 2027-03, open ones among them."""

    month: str
    decisions: int
    shares: tuple[ActionShare, ...]


def actions_over_time(
    decisions: Sequence[Decision], names: Sequence[str], time_zone: str
) -> tuple[ActionMonth, ...]:
    """Every month with a decision, in order; those in which chance had no part are left out.

    names : the K actions, `none` first
    """
    by_month: dict[str, list[Decision]] = defaultdict(list)
    for row in decisions:
        if row.randomised:
            by_month[f"{local_date(row.decided_at, time_zone):%Y-%m}"].append(row)
    return tuple(_month(month, rows, names) for month, rows in sorted(by_month.items()))


def _month(month: str, rows: Sequence[Decision], names: Sequence[str]) -> ActionMonth:
    drawn = np.concatenate([propensities(row.evidence) for row in rows]).mean(axis=0) / ONE
    picked = np.array([[row.action_id == name for name in names] for row in rows]).mean(axis=0)
    shares = zip(names, drawn.tolist(), picked.tolist(), strict=True)
    return ActionMonth(month, len(rows), tuple(ActionShare(*row) for row in shares))
