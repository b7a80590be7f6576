"""Where and how long a run takes place: the program's set-up, the effects in it, and its size."""

from datetime import date
from typing import Annotated, NamedTuple

import msgspec

from engagement.actions.action import NONE, Whole
from engagement.errors import Invalid
from engagement.simulation.calendar import ASKED, last_day, moment
from engagement.simulation.effects import Effect
from engagement.strategy.cadence import local_date
from engagement.strategy.doses import look_back_ms
from engagement.strategy.setup import Catalogue, Site

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Months = Annotated[int, msgspec.Meta(ge=0, le=120)]


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many groups, for how long, and what they have.

    health_worker_hours : of all of them together, for groups, in a month; minutes_a_visit of them a visit
    carried_out : the share of what is proposed that is done
    money_minor : of the payer `program` in a month, in the currency's minor unit; None for no limit
    """

    groups: Count = 200
    seats: Count = 8
    months_running: Annotated[int, msgspec.Meta(ge=1, le=120)] = 12
    months_after: Months = 12
    health_worker_hours: Annotated[float, msgspec.Meta(ge=0, le=100_000)] = 15.0
    minutes_a_visit: Annotated[int, msgspec.Meta(ge=1, le=600)] = 45
    carried_out: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    money_minor: Whole | None = None

    @property
    def months(self) -> int:
        """All months together."""
        return self.months_running + self.months_after

    def visits(self, left: float) -> int:
        """How many visits a month has room for. left : the part of the hours that there is"""
        return int(self.health_worker_hours * left * 60 / self.minutes_a_visit + 1e-9)


class Setting(NamedTuple):
    """A program in which runs take place; the draw secret and its id key every decision's draw.

    effects : what its actions do before anything goes wrong, `none` first
    menu : the actions among which the best is looked for when regret is measured
    """

    catalogue: Catalogue
    effects: tuple[Effect, ...]
    size: Size
    program_id: str
    secret: bytes
    menu: tuple[str, ...] = ()

    @property
    def site(self) -> Site:
        """The one place where all groups are, with the program's last day."""
        return Site(id="site", title="Simulated", ends_on=last_day(self.size.months_running))

    def number(self, action: str) -> int:
        """The place of an action among the effects."""
        names = [effect.action for effect in self.effects]
        if action not in names:
            raise Invalid(f"nothing is known of what `{action}` does in a simulated world")
        return names.index(action)

    def numbers(self, actions: tuple[str, ...]) -> tuple[int, ...]:
        """The places of `none` and these."""
        return tuple(self.number(action) for action in (NONE, *actions))


def asked_at_ms(month: int) -> int:
    """The moment of a month at which everybody is asked about."""
    return int(moment(month, ASKED).timestamp() * 1000)


def today(setting: Setting, month: int) -> date:
    """That day where the program is."""
    return local_date(asked_at_ms(month), setting.catalogue.program.time_zone)


def remembered_since_ms(setting: Setting, month: int) -> int:
    """What a unit was given until then counts no more in a month's decisions."""
    return asked_at_ms(month) - look_back_ms(setting.catalogue.actions.values())
