"""A strategy: which actions, which belief, which exploration, and what counts as success."""

from typing import Annotated, Literal

import msgspec

from engagement.actions.action import Id, Level, Text
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.errors import Invalid
from engagement.signals.features import DEFAULT_FEATURES, columns

FLOOR = 0.02
"""Least probability of every available action where a strategy says nothing of bounds."""

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
OutcomeKind = Literal["came_to_next_meeting", "next_meeting_held", "next_meeting_with_three", "posted"]


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The proximal outcome, its window and what silence means: the same for every action.

    kind : `posted` is sent by the calling app, the others are read from signals: `came_to_next_meeting` for
        a member, `next_meeting_held` for an adviser, `next_meeting_with_three` for a group
    window_days : a decision closes this long after it was made, rewarded or not
    Silence is missing, never 0.
    """

    kind: OutcomeKind = "came_to_next_meeting"
    window_days: Annotated[int, msgspec.Meta(ge=1, le=370)] = 35


class Fallback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decides when the belief is unusable or the member declines chance.

    The first of `actions` that is available, else `none`; no chance in it.
    """

    name: Id = "nothing"
    actions: tuple[Id, ...] = ()


class Strategy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way of choosing for units of one level.

    cadence : names decision points
    floor : least probability of every available action, 0.02 where neither this nor `bounds` is given
    bounds : lowest and highest probability of the action, instead of a floor, where there is one action
    warm_up : so many decisions of each unit are first drawn evenly, whatever is believed
    `actions`, `posterior`, `features`, `outcome` and `level` define what is learned and cannot
    change under the same id; everything else may.
    """

    id: Id
    title: Text
    level: Level = "member"
    actions: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1, max_length=31)]
    posterior: AnyPosterior = msgspec.field(default_factory=LinearGaussian)
    allocation: AnyAllocation = msgspec.field(default_factory=HorizonThompson)
    features: tuple[str, ...] = DEFAULT_FEATURES
    outcome: Outcome = Outcome()
    cadence: Literal["day", "week", "month"] = "month"
    floor: Annotated[float, msgspec.Meta(ge=0, le=0.5)] | None = None
    bounds: tuple[Probability, Probability] | None = None
    warm_up: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    fallback: Fallback = Fallback()
    paused: bool = False

    def __post_init__(self) -> None:
        """Refuses repeated actions, unknown features; a prior, rule, bounds, fallback or offset of others."""
        if len(set(self.actions)) != len(self.actions):
            raise ValueError("an action is listed twice")
        strange = set(self.fallback.actions) - set(self.actions)
        if strange:
            raise ValueError(f"the fallback names `{min(strange)}`, which is not among the actions")
        count = 1 + len(self.actions)
        flaw = self._flaw_of_bounds() or self.allocation.flaw(count) or self.posterior.flaw(count)
        if flaw is not None:
            raise ValueError(flaw)
        try:
            names = columns(self.features)
        except Invalid as unknown:
            raise ValueError(str(unknown)) from unknown
        if isinstance(self.posterior, Pooled):
            unseen = [name for name in self.posterior.offset if name not in names[1:]]
            if unseen:
                raise ValueError(f"the offset names `{unseen[0]}`, which is not among the features")

    def _flaw_of_bounds(self) -> str | None:
        if self.bounds is None:
            return None
        if self.floor is not None:
            return "give `floor` or `bounds`, not both"
        if len(self.actions) > 1:
            return f"`bounds` are for one action beside `none`; for {len(self.actions)} give a `floor`"
        if self.bounds[0] > self.bounds[1]:
            return "`bounds` are the lowest and the highest probability, in this order"
        return None

    @property
    def floors(self) -> tuple[float, ...]:
        """The K least probabilities, of `none` first: those that the floor or the bounds leave."""
        if self.bounds is None:
            return (FLOOR if self.floor is None else self.floor,) * (1 + len(self.actions))
        low, high = self.bounds
        return 1 - high, low

    @property
    def counts(self) -> bool:
        """Whether it matters how many decisions a unit has had."""
        return self.warm_up > 0 or "made" in self.allocation.USES

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what the belief sees, the intercept first."""
        return columns(self.features)

    def learns_like(self, other: "Strategy") -> bool:
        """Whether what one has learned is true of the other as well."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("level", "actions", "posterior", "features", "outcome")
        )
