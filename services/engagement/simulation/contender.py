"""What a study lets compete: a strategy of the service, asked in some months, with or without visits.

A *contender* decides month by month for every group: first about the few visits of health workers, then,
wherever nobody is visited, by its strategy, if it has one. The strategy is one of the service's and decides
through the very same function; what never changes its mind is a strategy, too, with a fixed schedule.
"""

from typing import Annotated, TypeAlias

import msgspec
import numpy as np

from engagement.actions.action import Id, Text
from engagement.bandits.restless.plan import Rule
from engagement.records import Bools
from engagement.strategy.planning import REWARD
from engagement.strategy.strategy import Strategy

VISIT = "chw_group_visit"
"""What a visit is: the action of the template for peer groups."""


class InTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="in_turn"):
    """Whoever has waited longest for a visit, in an order drawn once."""


class WorstFirst(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="worst_first"
):
    """Whoever missed most meetings in a row, as far as is known; among equals whoever waited longest."""


class Planned(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="planned"
):
    """By what visits were seen to change, with the restless plan of the service, once a month."""

    rule: Rule = Rule(reward=REWARD)


AnyVisits: TypeAlias = InTurn | WorstFirst | Planned


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In which months a strategy is asked; in all of them by default.

    months : it is asked in the first so many only
    taper : the months are cut in three parts as equal as can be: every group is asked every month in the
        first, every second month in the second and every third in the last, the groups by turns
    """

    months: Annotated[int, msgspec.Meta(ge=1, le=240)] | None = None
    taper: bool = False

    def __post_init__(self) -> None:
        """Refuses a taper without an end."""
        if self.taper and self.months is None:
            raise ValueError("what tapers needs `months`: over how many")

    def asks(self, month: int, groups: int) -> Bools:
        """Which groups are asked in a month, (G,)."""
        if self.months is not None and month >= self.months:
            return np.zeros(groups, np.bool_)
        every = 1 + month * 3 // self.months if self.taper and self.months else 1
        asked: Bools = (np.arange(groups) + month) % every == 0
        return asked


class Contender(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of those that are compared. Without strategy and visits, groups are left to their advisers."""

    name: Id
    title: Text
    strategy: Strategy | None = None
    schedule: Schedule = Schedule()
    visits: AnyVisits | None = None

    def __post_init__(self) -> None:
        """Refuses a strategy that no study can ask."""
        flaw = None if self.strategy is None else _flaw(self.strategy)
        if flaw is not None:
            raise ValueError(flaw)


def _flaw(strategy: Strategy) -> str | None:
    if strategy.plan is not None:
        return f"`{strategy.id}` plans visits; in a study a plan stands under `visits`"
    if strategy.level == "adviser" or strategy.cadence != "month":
        return f"a study asks once a month, about members or groups; `{strategy.id}` is of another kind"
    if strategy.outcome.kind == "posted":
        return f"`{strategy.id}` learns from outcomes that an app posts, and a study has no app"
    return None
