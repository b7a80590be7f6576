"""A strategy: which actions, which belief, which exploration, and what counts as success."""

from typing import Annotated, Literal

import msgspec

from engagement.actions.action import NONE, Id, Level, Text
from engagement.bandits.allocations import AnyAllocation
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.pooled import Pooled
from engagement.bandits.posteriors import AnyPosterior
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.logistic import Logistic
from engagement.bandits.program_wide import ProgramWide
from engagement.errors import Invalid
from engagement.signals.features import DEFAULT_FEATURES, columns
from engagement.strategy.arms import Arm, Control, Shadow, in_control
from engagement.strategy.baseline import AnyBaseline, FixedOrder
from engagement.strategy.planning import PlanLevel, Planning
from engagement.strategy.prices import Prices
from engagement.strategy.stratum import Stratum, StratumFloor

FLOOR = 0.02
"""Least probability of every available action where a strategy says nothing of bounds."""
LONGEST_WINDOW_DAYS = 370
"""No decision waits longer than this for what it earns."""

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
    window_days: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_WINDOW_DAYS)] = 35


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
    floors : higher ones for strata; a unit of several has the highest
    bounds : lowest and highest probability of the action, instead of floors, where there is one action
    warm_up : so many decisions of each unit are first drawn evenly, whatever is believed
    prices : taken off the scores before the exploration rule sees them
    control, shadow : where a baseline decides instead of the belief, for ever or for a time
    `actions`, `posterior`, `features`, `outcome` and `level` define what is learned and cannot
    change under the same id, nor can `control`; a `shadow` ends by its rule; everything else may change.
    plan : decides for all units of a pool at once, a week at a time, by what visits do to their states;
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
    floor: Annotated[float, msgspec.Meta(ge=0, le=0.5)] | None = None
    floors: tuple[StratumFloor, ...] = ()
    bounds: tuple[Probability, Probability] | None = None
    warm_up: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    prices: Prices = Prices()
    fallback: Fallback = Fallback()
    control: Control | None = None
    shadow: Shadow | None = None
    paused: bool = False
    plan: Planning | None = None

    def __post_init__(self) -> None:
        """Refuses repeated actions, unknown features; a prior, rule, bounds, fallback or offset of others."""
        flaw = self._flaw_of_actions()
        if flaw is None:
            if isinstance(self.posterior, ProgramWide):
                # people say what they expect by name and of a few; a belief knows actions by their place
                placed = self.posterior.expecting((NONE, *self.actions))
                msgspec.structs.force_setattr(self, "posterior", placed)
            flaw = self._flaw_of_bounds() or self._flaw_of_belief() or self._flaw_of_plan()
        if flaw is not None:
            raise ValueError(flaw)

    def _flaw_of_actions(self) -> str | None:
        if len(set(self.actions)) != len(self.actions):
            return "an action is listed twice"
        strange = set(self.fallback.actions) - set(self.actions)
        if strange:
            return f"the fallback names `{min(strange)}`, which is not among the actions"
        for word, part in (("control", self.control), ("shadow", self.shadow)):
            own = part.baseline.actions if part and isinstance(part.baseline, FixedOrder) else ()
            other = set(own) - set(self.actions)
            if other:
                return f"the {word}'s baseline names `{min(other)}`, which is not among the actions"
        return None

    def _flaw_of_belief(self) -> str | None:
        if self.prices.any and isinstance(self.posterior, BetaBernoulli | Logistic):
            return "success rates and log-odds are not in units of reward: `prices` need another belief"
        count = 1 + len(self.actions)
        flaw = self.allocation.flaw(count) or self.posterior.flaw(count)
        if flaw is not None:
            return flaw
        try:
            names = columns(self.features)
        except Invalid as unknown:
            return str(unknown)
        looked_at = self.posterior.looked_at if isinstance(self.posterior, Pooled) else ()
        unseen = next((name for name in looked_at if name not in names[1:]), None)
        return None if unseen is None else f"the belief looks at `{unseen}`, which is not among the features"

    def _flaw_of_plan(self) -> str | None:
        if self.plan is None:
            return None
        if self.level == "adviser" or (self.cadence, len(self.actions)) != ("week", 1):
            return "a plan decides about one action, for groups or for members, by the week"
        if self.control or self.shadow:
            return "in a plan chance shares out the visits; it has no control groups and no shadow"
        return None

    def _flaw_of_bounds(self) -> str | None:
        own = self.least[0]
        low = next((row.floor for row in self.floors if row.floor < own), None)
        if self.bounds is None:
            if low is None:
                return None
            return f"a floor of {low:g} for a stratum is below the strategy's own {own:g}"
        if self.floor is not None or self.floors:
            return "give `floor` or `bounds`, not both"
        if len(self.actions) > 1:
            return f"`bounds` are for one action beside `none`; for {len(self.actions)} give a `floor`"
        if self.bounds[0] > self.bounds[1]:
            return "`bounds` are the lowest and the highest probability, in this order"
        return None

    @property
    def plan_level(self) -> PlanLevel:
        """What the units of its plan are."""
        return "member" if self.level == "member" else "group"

    @property
    def least(self) -> tuple[float, ...]:
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
        """The names of what the belief sees, the intercept first; a plan has no such belief."""
        return () if self.plan is not None else columns(self.features)

    def floor_for(self, unit: Stratum) -> float:
        """The least probability of every available action for a unit."""
        return max([self.least[0], *(row.floor for row in self.floors if row.where.has(unit))])

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
        return (self.plan is None) == (other.plan is None) and all(
            getattr(self, name) == getattr(other, name)
            for name in ("level", "actions", "posterior", "features", "outcome")
        )
