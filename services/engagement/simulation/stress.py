"""What can go wrong in a world: a study asks a strategy to stand it. One tagged Struct a case.

Sizes are guesses for a study to change. Each case draws its own numbers, by seed, month and case, so that
a world with a case and one without it meet equal chances in everything else.
"""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
import numpy as np

from engagement.records import Bools, Floats, Integers
from engagement.simulation.effects import (
    Effect,
    harmful_once_stopped,
    opposite_in_rural,
    without_effects,
)

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
MonthNumber = Annotated[int, msgspec.Meta(ge=0, le=240)]


class Stress(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """A case. What it does not speak of stays as it is."""

    def effects(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """What actions do here."""
        return tuple(effects)

    def stays(self, month: int, uniform: Floats) -> Bools:  # noqa: ARG002  most cases take nobody away
        """Whether each leading person is still there when a month begins; shape of `uniform`."""
        return np.ones(uniform.shape, np.bool_)

    def unreported(self, uniform: Floats) -> Bools:
        """Whether nothing is ever heard of a group's month, (G,)."""
        return np.zeros(uniform.shape, np.bool_)

    def delay(self, uniform: Floats) -> Integers:
        """Months by which a group's report comes late, (G,)."""
        return np.zeros(uniform.shape, np.int64)

    def hours(self, month: int) -> float:  # noqa: ARG002  most cases leave health workers their hours
        """What is left of the health workers' hours, as a factor."""
        return 1.0

    @property
    def misleads(self) -> bool:
        """Whether features are somebody else's."""
        return False


class NoEffect(Stress, frozen=True, tag="no_effect"):
    """No action does anything."""

    def effects(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """The same actions, without any effect."""
        return without_effects(effects)


class OppositeInRural(Stress, frozen=True, tag="opposite_in_rural"):
    """What brings people in town keeps them away in the country."""

    def effects(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """See `effects.opposite_in_rural`."""
        return opposite_in_rural(effects)


class HarmfulOnceStopped(Stress, frozen=True, tag="harmful_once_stopped"):
    """Every incentive costs habit each time it stops."""

    habit_after: Annotated[float, msgspec.Meta(le=0)] = -0.3

    def effects(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """See `effects.harmful_once_stopped`."""
        return harmful_once_stopped(effects, self.habit_after)


class Unreported(Stress, frozen=True, tag="unreported"):
    """Of a share of all groups' months nothing is ever heard, whatever happened in them."""

    share: Share = 0.2

    def unreported(self, uniform: Floats) -> Bools:
        """True for a share of the groups."""
        return uniform < self.share


class ReportedLate(Stress, frozen=True, tag="reported_late"):
    """A share of the reports comes some months late."""

    share: Share = 0.5
    months: Annotated[int, msgspec.Meta(ge=1, le=24)] = 2

    def delay(self, uniform: Floats) -> Integers:
        """`months` for a share of the groups."""
        return np.where(uniform < self.share, self.months, 0)


class LeadersLeave(Stress, frozen=True, tag="leaders_leave"):
    """In one month a share of the advisers goes at once; of a virtual community, of its super-users."""

    month: MonthNumber = 6
    share: Share = 0.5

    def stays(self, month: int, uniform: Floats) -> Bools:
        """False for a share in that month."""
        return (uniform >= self.share) | (month != self.month)


class HoursCut(Stress, frozen=True, tag="hours_cut"):
    """From a month on the health workers have a part of their hours left."""

    month: MonthNumber = 0
    factor: Share = 0.5

    def hours(self, month: int) -> float:
        """The factor from that month on."""
        return self.factor if month >= self.month else 1.0


class Misleading(Stress, frozen=True, tag="misleading"):
    """Every member is seen as somebody else: features that say nothing of whom they are shown for."""

    @property
    def misleads(self) -> bool:
        """They are."""
        return True


AnyStress: TypeAlias = (
    NoEffect
    | OppositeInRural
    | HarmfulOnceStopped
    | Unreported
    | ReportedLate
    | LeadersLeave
    | HoursCut
    | Misleading
)
