"""A trial: which strategies are compared, what is drawn by lot, and when anybody crosses over.

A *condition* is what a group lives under: some strategies, or none. An *arm* is what is drawn: the conditions
of its groups, day by day. In a parallel trial the two are the same; on a waiting list and in a stepped wedge
arms differ by the day on which they cross from one condition to the other.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import msgspec

from engagement.actions.action import Id, Text
from engagement.signals.safety import SafetyKind

UnitOfTrial = Literal["group", "catchment", "health_worker"]
StratumFact = Literal["site", "setting", "language", "type"]
DESIGN_FIELDS = ("unit", "conditions", "design", "strata", "blocks", "sites", "starts_on")
"""What the draw rests on: it cannot change once somebody was assigned."""
WEIGHTS_AT_MOST = 12


class TrialCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is compared with what.

    strategies : one for each level that is decided about, and any that plan; none at all for `adviser alone`
    """

    id: Id
    title: Text
    strategies: tuple[Id, ...] = ()


class Course(NamedTuple):
    """From a day on, a condition."""

    starts_on: date
    condition: str


class TrialArm(NamedTuple):
    """What is drawn. weight : shares of a block      courses : in order, the first from the trial's start"""

    id: str
    weight: int
    courses: tuple[Course, ...]

    def condition_on(self, day: date) -> str:
        """The condition of the arm's groups on a day; before the start that of the start."""
        begun = [course.condition for course in self.courses if course.starts_on <= day]
        return begun[-1] if begun else self.courses[0].condition


class Parallel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="parallel"):
    """Every condition is an arm, from the start to the end.

    weights : shares of the arms in the order of the conditions; equal shares when empty
    """

    weights: tuple[Annotated[int, msgspec.Meta(ge=1, le=9)], ...] = ()

    def arms(self, trial: "Trial") -> tuple[TrialArm, ...]:
        """One arm a condition."""
        weights = self.weights or (1,) * len(trial.conditions)
        return tuple(
            TrialArm(condition.id, weight, (Course(trial.starts_on, condition.id),))
            for condition, weight in zip(trial.conditions, weights, strict=True)
        )

    def flaw(self, trial: "Trial") -> str | None:
        """Why it does not fit the trial."""
        if self.weights and len(self.weights) != len(trial.conditions):
            return f"`weights` are {len(self.weights)}, conditions {len(trial.conditions)}: give one for each"
        if sum(self.weights) > WEIGHTS_AT_MOST:
            return f"`weights` add up to more than {WEIGHTS_AT_MOST}; give the smallest whole numbers"
        return None


class SteppedWedge(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="stepped_wedge"
):
    """Everybody begins under the first condition; at each step one more share crosses to the second.

    steps : the days of crossing      never : whether one share stays under the first condition
    """

    steps: Annotated[tuple[date, ...], msgspec.Meta(min_length=1, max_length=11)]
    never: bool = False

    def arms(self, trial: "Trial") -> tuple[TrialArm, ...]:
        """One arm a step, named by its number, and perhaps one that never crosses."""
        first, second = (condition.id for condition in trial.conditions)
        crossing = tuple(
            TrialArm(f"step-{number}", 1, (Course(trial.starts_on, first), Course(day, second)))
            for number, day in enumerate(self.steps, 1)
        )
        never = (TrialArm("never", 1, (Course(trial.starts_on, first),)),) if self.never else ()
        return crossing + never

    def flaw(self, trial: "Trial") -> str | None:
        """Why it does not fit the trial."""
        if len(trial.conditions) != 2:
            return "a stepped wedge leads from one condition to another: give two, in this order"
        if any(later <= earlier for earlier, later in pairwise((trial.starts_on, *self.steps))):
            return "`steps` are days in order, each after the one before and after `starts_on`"
        return None if len(self.steps) + self.never > 1 else "with one step everybody crosses on one day"


class WaitingList(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="waiting_list"
):
    """One half begins under the second condition at once, the other waits for it under the first.

    crosses_on : the day on which the waiting list ends
    """

    crosses_on: date

    def arms(self, trial: "Trial") -> tuple[TrialArm, ...]:
        """`at_once` and `waiting`."""
        first, second = (condition.id for condition in trial.conditions)
        return (
            TrialArm("at-once", 1, (Course(trial.starts_on, second),)),
            TrialArm("waiting", 1, (Course(trial.starts_on, first), Course(self.crosses_on, second))),
        )

    def flaw(self, trial: "Trial") -> str | None:
        """Why it does not fit the trial."""
        if len(trial.conditions) != 2:
            return "a waiting list waits under one condition for another: give two, in this order"
        return None if self.crosses_on > trial.starts_on else "`crosses_on` comes after `starts_on`"


AnyDesign = Parallel | SteppedWedge | WaitingList


HarmKind = SafetyKind | Literal["died", "left", "stopped_messages"]
"""What is counted as a harm, or may be one."""


class StopRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When harm stops the trial: looked at each month from its start, arm by arm.

    counts : reports of these kinds
    most : of them in 100 member-months; breached once an arm is shown to have more, however often one looks
    at_once : so many in one arm breach it, whatever the rate; None for no such number
    alpha : the chance that an arm whose rate is `most` is ever called a breach
    """

    counts: Annotated[tuple[HarmKind, ...], msgspec.Meta(min_length=1, max_length=8)] = ("harm",)
    most: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    at_once: Annotated[int, msgspec.Meta(ge=1)] | None = None
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.05


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What will be concluded from what: written down before anybody is assigned.

    primary : the outcome that the conclusion rests on      horizon_months : after the end of the program
    comparisons : pairs of conditions, the first is the one compared with; each against the first when empty
    alpha : of all primary comparisons together      smallest_difference : that would matter, of a share or
        of months, whichever the primary outcome is in      stopping : when the trial stops early, in words
    subgroups : facts by which effects are shown apart, decided on now      harms : what stops an action
    stop_rule : when harm stops the trial, in figures; without one only the words stand
    """

    primary: Literal["alive_after_end", "months_alive"] = "alive_after_end"
    horizon_months: Annotated[int, msgspec.Meta(ge=1, le=60)] = 12
    comparisons: tuple[tuple[Id, Id], ...] = ()
    alpha: Annotated[float, msgspec.Meta(gt=0, lt=0.5)] = 0.05
    smallest_difference: Annotated[float, msgspec.Meta(gt=0)] | None = None
    subgroups: tuple[StratumFact, ...] = ()
    stopping: Annotated[str, msgspec.Meta(max_length=1000)] = "The trial is not stopped early for benefit."
    harms: Annotated[str, msgspec.Meta(max_length=1000)] = (
        "After every report of harm the program lead decides within a week whether its action goes on."
    )
    stop_rule: StopRule | msgspec.UnsetType = (
        msgspec.UNSET
    )  # unset, not null: older protocols keep their hash


class Amendment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of the protocol after the first assignment: its day, and why."""

    made_on: date
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A comparison of strategies by lot.

    unit : what is drawn: a group, or with all its groups a catchment or a health worker
    conditions : at least two; the first is the one others are compared with
    strata : facts within which arms are balanced      blocks : sizes of the permuted blocks, drawn as well
    sites : whose groups take part, all when empty      starts_on : the first day of assignment
    enrols_until : groups that are entered later stay out, None for no end
    ended : recommendations follow the program's defaults again; what was assigned stays written down
    """

    id: Id
    title: Text
    unit: UnitOfTrial = "group"
    conditions: Annotated[tuple[TrialCondition, ...], msgspec.Meta(min_length=2, max_length=6)]
    design: AnyDesign = Parallel()
    strata: tuple[StratumFact, ...] = ("setting",)
    blocks: tuple[Annotated[int, msgspec.Meta(ge=1, le=6)], ...] = (1, 2)
    sites: tuple[Id, ...] = ()
    starts_on: date
    enrols_until: date | None = None
    protocol: Protocol = Protocol()
    amendments: tuple[Amendment, ...] = ()
    ended: bool = False

    def __post_init__(self) -> None:
        """Refuses conditions that share a strategy, and a design or protocol that does not fit them."""
        flaw = self._flaw_of_conditions() or self.design.flaw(self) or self._flaw_of_protocol()
        if flaw is not None:
            raise ValueError(flaw)

    def _flaw_of_conditions(self) -> str | None:
        ids = [condition.id for condition in self.conditions]
        named = [name for condition in self.conditions for name in condition.strategies]
        for words, some in (("condition", ids), ("strategy", named)):
            twice = next((name for name in some if some.count(name) > 1), None)
            if twice is not None:
                return (
                    f"{words} `{twice}` is named twice: conditions are told apart, and what one learns no "
                    "other may use"
                )
        if not self.blocks or len(set(self.strata)) < len(self.strata):
            return "`blocks` needs a size, and each fact of `strata` stands there once"
        if self.enrols_until is not None and self.enrols_until < self.starts_on:
            return "`enrols_until` is before `starts_on`"
        return None

    def _flaw_of_protocol(self) -> str | None:
        ids = {condition.id for condition in self.conditions}
        strange = {name for pair in self.protocol.comparisons for name in pair} - ids
        if strange:
            return f"the protocol compares `{min(strange)}`, which is none of the conditions"
        same = next((pair for pair in self.protocol.comparisons if pair[0] == pair[1]), None)
        return None if same is None else f"the protocol compares `{same[0]}` with itself"

    @property
    def arms(self) -> tuple[TrialArm, ...]:
        """What is drawn, in order."""
        return self.design.arms(self)

    @property
    def comparisons(self) -> tuple[tuple[str, str], ...]:
        """The primary ones: as the protocol says, else every condition with the first."""
        first, *others = (condition.id for condition in self.conditions)
        return self.protocol.comparisons or tuple((first, other) for other in others)

    @property
    def strategies(self) -> frozenset[str]:
        """Every strategy that decides in some condition."""
        return frozenset(name for condition in self.conditions for name in condition.strategies)

    def arm(self, name: str) -> TrialArm:
        """An arm by its id."""
        return next(arm for arm in self.arms if arm.id == name)

    def condition(self, name: str) -> TrialCondition:
        """A condition by its id."""
        return next(condition for condition in self.conditions if condition.id == name)

    def enrols_on(self, day: date) -> bool:
        """Whether a group that comes on a day is assigned."""
        last = date.max if self.enrols_until is None else self.enrols_until
        return not self.ended and self.starts_on <= day <= last

    def decides_on(self, day: date) -> bool:
        """Whether recommendations follow the trial on a day."""
        return not self.ended and day >= self.starts_on

    def takes(self, site: str) -> bool:
        """Whether groups of a site take part."""
        return not self.sites or site in self.sites


def frozen_part(trial: Trial) -> Trial:
    """Design and protocol alone: without the title, whether it has ended, and why it changed."""
    return msgspec.structs.replace(trial, title="", ended=False, amendments=())


def why_not(trial: Trial, before: Trial, *, assigned: bool, today: date) -> str | None:
    """Why a trial may not be changed so; None where it may.

    assigned : whether anybody was      today : the day a new amendment is made on
    """
    if not assigned:
        return None
    for name in DESIGN_FIELDS:
        if getattr(trial, name) != getattr(before, name):
            return (
                f"`{name}` is what the draw rests on, and groups have been assigned: start a trial under a "
                "new id"
            )
    if trial.amendments[: len(before.amendments)] != before.amendments:
        return "amendments are added, and those that were made stay as they are"
    added = trial.amendments[len(before.amendments) :]
    if (trial.protocol, trial.enrols_until) != (before.protocol, before.enrols_until) and not added:
        return "the protocol was frozen at the first assignment: say in `amendments` on which day and why"
    if any(not today - timedelta(days=1) <= row.made_on <= today + timedelta(days=1) for row in added):
        return f"an amendment is made today: its `made_on` is {today}"
    return None


def overlapping(trial: Trial, others: Sequence[Trial]) -> Trial | None:
    """A running trial that could have the same group, or that uses one of the strategies."""
    for other in others:
        if other.id == trial.id or other.ended or trial.ended:
            continue
        share_sites = not trial.sites or not other.sites or set(trial.sites) & set(other.sites)
        if share_sites or trial.strategies & other.strategies:
            return other
    return None


class Under(NamedTuple):
    """What a group lives under on a day, in the trial it takes part in."""

    group: str
    trial: Trial
    arm: str
    condition: TrialCondition
