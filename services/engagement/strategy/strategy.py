"""A strategy: which actions, which belief, which exploration, and what counts as success."""

from typing import Annotated, Literal

import msgspec

from engagement.actions.action import Id, Level, Text
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.errors import Invalid
from engagement.signals.features import DEFAULT_FEATURES, columns
from engagement.strategy.planning import Planning

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

    floor : least probability of every available action    cadence : names decision points
    `actions`, `posterior`, `features`, `outcome` and `level` define what is learned and cannot
    change under the same id; everything else may.
    plan : decides for all groups of a pool at once, a week at a time, by what visits do to their states;
        then belief, allocation, features, floor and fallback are not looked at
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
    floor: Annotated[float, msgspec.Meta(ge=0, le=0.5)] = 0.02
    fallback: Fallback = Fallback()
    paused: bool = False
    plan: Planning | None = None

    def __post_init__(self) -> None:
        """Refuses repeated or too many actions, unknown features, a prior or fallback of others."""
        if len(set(self.actions)) != len(self.actions):
            raise ValueError("an action is listed twice")
        strange = set(self.fallback.actions) - set(self.actions)
        if strange:
            raise ValueError(f"the fallback names `{min(strange)}`, which is not among the actions")
        if 1 + len(self.actions) > self.allocation.MOST_ACTIONS:
            raise ValueError(
                f"this exploration rule chooses among {self.allocation.MOST_ACTIONS:.0f} actions, "
                f"`none` among them; the strategy has {1 + len(self.actions)}"
            )
        flaw = self.posterior.flaw(1 + len(self.actions))
        if flaw is not None:
            raise ValueError(flaw)
        try:
            columns(self.features)
        except Invalid as unknown:
            raise ValueError(str(unknown)) from unknown
        if self.plan is not None and (self.level, self.cadence, len(self.actions)) != ("group", "week", 1):
            raise ValueError("a plan decides about one action, for groups, by the week")

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what the belief sees, the intercept first; a plan has no such belief."""
        return () if self.plan is not None else columns(self.features)

    def learns_like(self, other: "Strategy") -> bool:
        """Whether what one has learned is true of the other as well."""
        return (self.plan is None) == (other.plan is None) and all(
            getattr(self, name) == getattr(other, name)
            for name in ("level", "actions", "posterior", "features", "outcome")
        )
