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
from engagement.strategy.arms import Arm, Control, Shadow, in_control
from engagement.strategy.baseline import AnyBaseline, FixedOrder

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
    control, shadow : where a baseline decides instead of the belief, for ever or for a time
    `actions`, `posterior`, `features`, `outcome` and `level` define what is learned and cannot
    change under the same id, nor can `control`; a `shadow` ends by its rule; everything else may change.
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
    control: Control | None = None
    shadow: Shadow | None = None
    paused: bool = False

    def __post_init__(self) -> None:
        """Refuses repeated or too many actions, unknown features, a prior or fallback of others."""
        if len(set(self.actions)) != len(self.actions):
            raise ValueError("an action is listed twice")
        strange = set(self.fallback.actions) - set(self.actions)
        if strange:
            raise ValueError(f"the fallback names `{min(strange)}`, which is not among the actions")
        for word, part in (("control", self.control), ("shadow", self.shadow)):
            own = part.baseline.actions if part and isinstance(part.baseline, FixedOrder) else ()
            other = set(own) - set(self.actions)
            if other:
                raise ValueError(
                    f"the {word}'s baseline names `{min(other)}`, which is not among the actions"
                )
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

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what the belief sees, the intercept first."""
        return columns(self.features)

    def arm(self, secret: bytes, program: str, group: str) -> Arm:
        """Who decides for a group. secret : the program's draw secret"""
        if self.control is not None and in_control(self.control, secret, program, self.id, group):
            return "control"
        return "learning" if self.shadow is None else "shadow"

    def baseline(self, arm: Arm) -> AnyBaseline | None:
        """What decides in an arm instead of the belief; None where nothing does."""
        part = {"learning": None, "control": self.control, "shadow": self.shadow}[arm]
        return None if part is None else part.baseline

    def learns_like(self, other: "Strategy") -> bool:
        """Whether what one has learned is true of the other as well."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("level", "actions", "posterior", "features", "outcome")
        )
