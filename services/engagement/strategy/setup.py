"""The set-up: what a program says of itself, its places, people, money and strategies.

Every noun is stored as revisions and never overwritten; a decision names the catalogue revision
it was made under. Ids are pseudonyms chosen by the calling app: no name, phone number or address.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from engagement.actions.action import Id, Phase, Text, Whole
from engagement.actions.catalogue import AnyAction
from engagement.strategy.strategy import Strategy

Role = Literal["member", "adviser", "deputy"]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}(?!\n)$")]
DAYS_A_MONTH = 30.44


def identifies(name: str) -> bool:
    """Whether an id looks like an address, a phone number or an identity number, and so is no pseudonym."""
    return "@" in name or (not any(map(str.isalpha, name)) and sum(map(str.isdigit, name)) >= 10)


class Noun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing of the set-up. `id` is the caller's pseudonym for it."""

    id: Id


class Program(Noun, frozen=True, kw_only=True):
    """A program: its clock, money, language, and the switch that stops every recommendation.

    adviser_minutes : that advisers have for what is suggested, a month and group
    """

    title: Text
    time_zone: str = "Asia/Kolkata"
    language: Language = "en"
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}(?!\n)$")] = "INR"
    default_strategy: Id | None = None
    default_adviser_strategy: Id | None = None
    default_group_strategy: Id | None = None
    adviser_minutes: Whole = 60
    stopped: bool = False

    def __post_init__(self) -> None:
        """Refuses a time zone that does not exist."""
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as unknown:  # "Asia" alone is a folder
            raise ValueError(f"`{self.time_zone}` is not a time zone of the IANA database") from unknown


class Site(Noun, frozen=True, kw_only=True):
    """A district or a health centre's area, with the day the program ends there.

    Each revision is a dated fact: an extension changes phases from then on and no stored decision.
    """

    title: Text
    ends_on: date | None = None
    handover_days: Annotated[int, msgspec.Meta(ge=0, le=730)] = 92


class Group(Noun, frozen=True, kw_only=True):
    """A peer group at a site."""

    site: Id
    type: Literal["local", "virtual"] = "local"
    setting: Literal["urban", "rural", "unknown"] = "unknown"
    language: Language | None = None
    ended: bool = False


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member has agreed to, one answer a purpose.

    messages : may be recommended anything at all    my_signals : own signals may choose for them
    chance : the choice may be partly by chance      health_worker : sharing with the health worker
    family : contacting the family                   research : de-identified research
    """

    messages: bool = True
    my_signals: bool = True
    chance: bool = True
    health_worker: bool = False
    family: bool = False
    research: bool = False


class Member(Noun, frozen=True, kw_only=True):
    """A person in the program, by pseudonym. Group, seat and role are memberships, dated apart."""

    language: Language | None = None
    consent: Consent = Consent()

    def __post_init__(self) -> None:
        """Refuses an id by which a person could be found."""
        if identifies(self.id):
            raise ValueError("the id looks like a phone number or an identity number; use a pseudonym")


class Budget(Noun, frozen=True, kw_only=True):
    """Money of one payer (`id`) for each period, in the currency's minor unit."""

    period: Literal["month", "quarter", "year", "program"] = "month"
    limit_minor: Whole


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From this day the member sits in this group; without a group, in none.

    seat : the small number on the group's paper register, never used again for someone else
    """

    member: Id
    starts_on: date
    group: Id | None = None
    seat: Annotated[int, msgspec.Meta(ge=1, le=9999)] | None = None
    role: Role = "member"
    reason: Literal["joined", "moved", "left", "died", "merged", "corrected"] = "joined"

    def __post_init__(self) -> None:
        """A group and a seat come together or not at all."""
        if (self.group is None) != (self.seat is None):
            raise ValueError("a membership in a group needs a seat, and a seat needs a group")


class Catalogue(NamedTuple):
    """What a decision depends on as a whole, under one catalogue revision."""

    revision: int
    program: Program
    sites: Mapping[str, Site]
    budgets: Mapping[str, Budget]
    actions: Mapping[str, AnyAction]
    strategies: Mapping[str, Strategy]
    strategy_revisions: Mapping[str, int]

    def offered(self, strategy: Strategy) -> tuple[AnyAction, ...]:
        """The strategy's actions, in its order."""
        return tuple(self.actions[action] for action in strategy.actions)


def phase(site: Site, today: date) -> Phase:
    """The phase of a site's groups on a day (program's time zone)."""
    if site.ends_on is None or (site.ends_on - today).days >= site.handover_days:
        return "running"
    return "handover" if today <= site.ends_on else "sustaining"


def months_to_end(site: Site, today: date) -> float:
    """Months from a day to the program's end there, negative after it, nan when no end is set."""
    return float("nan") if site.ends_on is None else (site.ends_on - today).days / DAYS_A_MONTH
