"""What every kind of action has."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from engagement.actions.content import Content, Reader

Level = Literal["member", "adviser", "group"]
Phase = Literal["running", "handover", "sustaining"]
Barrier = Literal["money", "motivation", "awareness", "time", "sabotage"]
Carrier = Literal["app", "adviser", "health_worker", "staff", "group_fund"]
PHASES: tuple[Phase, ...] = ("running", "handover", "sustaining")
READER_OF: Mapping[Carrier, Reader] = MappingProxyType(
    {
        "app": "member",
        "adviser": "adviser",
        "health_worker": "health_worker",
        "staff": "staff",
        "group_fund": "group",
    }
)
"""Who reads what a carrier is to do; an app does nothing but show it to the member."""
NONE = "none"
"""Id of the action that does nothing. It stands first in every list of actions."""
PROGRAM = "program"
"""The payer that ends where the program ends: at each site on that site's last day."""

# `$` alone would let a line break through at the end: hence `(?!\n)$`, here and in every other pattern
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?!\n)$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """Something that can be tried.

    barrier : the barrier it speaks to          cost_minor : in the currency's minor unit
    payer : whose budget pays, "nobody" if free  payer_until : the payer's last day, None if open;
        whatever costs money and is paid by `program` ends at a site with the program there, too
    cool_down_days : days until the same unit may get it again
    weekly_cap, monthly_cap : at most this many in any 7 or 30 days for one unit, None for no cap
    carrier, minutes : who carries it out and how long that takes; `staff` are the program's and leave a site
        with it, unless the payer is another, whose staff they are
    needs_accept : a person says yes before it counts as on its way
    burden : what it asks of whoever receives it, 0 nothing, 1 a moment, 2 an hour or so, 3 a day or a duty;
        told with every offer
    retired : kept for the record, offered no more
    contacts_family : needs the member's consent to that, and is never for who is not safe at home
    needs_training : it leads the group or tells others of the disease, so it is nothing for a leader who has
        still to be trained
    content : at most one wording for each language, channel and reader
    """

    id: Id
    title: Text
    level: Level = "member"
    barrier: Barrier | None = None
    cost_minor: Whole = 0
    payer: Id = "nobody"
    payer_until: date | None = None
    cool_down_days: Days = 0
    weekly_cap: Annotated[int, msgspec.Meta(ge=1, le=7)] | None = None
    monthly_cap: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    phases: tuple[Phase, ...] = PHASES
    carrier: Carrier = "adviser"
    minutes: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    needs_accept: bool = False
    burden: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    retired: bool = False
    contacts_family: bool = False
    needs_training: bool = False
    content: tuple[Content, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what would make the action ambiguous."""
        if self.id == NONE:
            raise ValueError("`none` is built in and cannot be defined")
        if self.cost_minor and self.payer == "nobody":
            raise ValueError(f"`{self.id}` costs money, so it needs a payer")
        wordings = [(row.language, row.channel, row.audience) for row in self.content]
        twice = next((wording for wording in wordings if wordings.count(wording) > 1), None)
        if twice is not None:
            language, channel, audience = twice
            raise ValueError(f"`{self.id}` is written in `{language}` twice for {channel} and {audience}")

    @property
    def on_program_money(self) -> bool:
        """Whether it costs the program's money, which ends at a site with the program there."""
        return self.cost_minor > 0 and self.payer == PROGRAM

    @property
    def by_program_staff(self) -> bool:
        """Whether the program's staff carry it out, who leave with it; staff of another payer stay."""
        return self.carrier == "staff" and self.payer in (PROGRAM, "nobody")

    def cost_on(self, days_to_end: int | None) -> int:  # noqa: ARG002  an incentive's depends on it
        """What it costs so many days before the program's end at a site; None where no end is set."""
        return self.cost_minor
