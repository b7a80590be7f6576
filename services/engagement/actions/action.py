"""What every kind of action has."""

from datetime import date
from typing import Annotated, Literal

import msgspec

Level = Literal["member", "adviser", "group"]
Phase = Literal["running", "handover", "sustaining"]
Barrier = Literal["money", "motivation", "awareness", "time", "sabotage"]
Carrier = Literal["app", "adviser", "health_worker", "staff", "group_fund"]
PHASES: tuple[Phase, ...] = ("running", "handover", "sustaining")
NONE = "none"
"""Id of the action that does nothing. It stands first in every list of actions."""
PROGRAM = "program"
"""The payer that ends where the program ends: at each site on that site's last day."""

# `$` alone would let a line break through at the end: hence `(?!\n)$`, here and in every other pattern
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?!\n)$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action in words, for one language."""

    language: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?!\n)$")]
    text: Text
    status: Literal["draft", "reviewed"] = "draft"


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """Something that can be tried.

    barrier : the barrier it speaks to          cost_minor : in the currency's minor unit
    payer : whose budget pays, "nobody" if free  payer_until : the payer's last day, None if open;
        whatever costs money and is paid by `program` ends at a site with the program there, too
    cool_down_days : days until the same unit may get it again
    monthly_cap : at most this many in any 30 days for one unit, None for no cap
    carrier, minutes : who carries it out and how long that takes
    needs_accept : a person says yes before it counts as on its way
    retired : kept for the record, offered no more
    contacts_family : needs the member's consent to that, and is never for who is not safe at home
    """

    id: Id
    title: Text
    level: Level = "member"
    barrier: Barrier | None = None
    cost_minor: Whole = 0
    payer: Id = "nobody"
    payer_until: date | None = None
    cool_down_days: Days = 0
    monthly_cap: Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    phases: tuple[Phase, ...] = PHASES
    carrier: Carrier = "adviser"
    minutes: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    needs_accept: bool = False
    retired: bool = False
    contacts_family: bool = False
    content: tuple[Content, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what would make the action ambiguous."""
        if self.id == NONE:
            raise ValueError("`none` is built in and cannot be defined")
        if self.cost_minor and self.payer == "nobody":
            raise ValueError(f"`{self.id}` costs money, so it needs a payer")
        languages = [row.language for row in self.content]
        twice = next((name for name in languages if languages.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"`{self.id}` is written in `{twice}` twice")
