"""The set-up: what a program says of itself, its places, people, money and strategies.

Every noun is stored as revisions and never overwritten; a decision names the catalogue revision
it was made under. Ids are pseudonyms chosen by the calling app: no name, phone number or address.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from engagement.actions.action import Id, Level, Phase, Text, Whole
from engagement.actions.catalogue import AnyAction
from engagement.actions.contacts import Contacts
from engagement.signals.rhythm import AnyRhythm, EveryMonth, within_reason
from engagement.signals.safety import SafetyKind
from engagement.signals.signal import Audience
from engagement.strategy.advisers import Advisers
from engagement.strategy.quiet import QuietHours
from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import AgeBand, Language, Phone, Sex
from engagement.strategy.trial import Trial, Under

Role = Literal["member", "adviser", "deputy"]
LEADING: tuple[Role, ...] = ("adviser", "deputy")
"""Roles for which a strategy of the level `adviser` decides."""
Relation = Literal["catchment", "health_worker"]
YesNo = Literal["yes", "no", "unknown"]
Condition = Literal["diabetes", "hypertension", "obesity_surgery", "other"]
Channel = Literal["adviser", "voice", "sms", "app"]
Dates = Literal["day_first", "month_first"]
Neighbourhood = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9-]{0,7}(?!\n)$")]
"""A code of the program's own, too short for an address; the letter in front keeps postcodes out."""
DAYS_A_MONTH = 30.44


class Noun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing of the set-up. `id` is the caller's pseudonym for it."""

    id: Id


class Referral(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to turn to after one kind of safety report, and within how many hours they answer."""

    kind: SafetyKind
    role: Text
    answer_hours: Annotated[int, msgspec.Meta(ge=1, le=720)]


REFERRALS: Mapping[SafetyKind, Referral] = MappingProxyType(
    {
        "red_flag": Referral("red_flag", "health worker", 24),
        "distress": Referral("distress", "counsellor", 24),
        "not_safe_at_home": Referral("not_safe_at_home", "protection officer", 24),
        "complaint": Referral("complaint", "program lead", 72),
        "harm": Referral("harm", "program lead", 24),
    }
)
"""What holds where a program says nothing else; roles and hours are guesses for a program to change."""


class Switched(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who threw the program's switch, and why. by : a role, such as `program-lead`, never a name"""

    by: Id
    why: Text


class Program(Noun, frozen=True, kw_only=True):
    """A program: its clock, money, language, and the switch that stops every recommendation.

    default_strategy : for members; the other two are for advisers and for groups
    adviser_minutes : what may be asked of an adviser in a month beyond the meeting, for each group
    advisers : how advisers are found, and when one is tired
    staff_minutes : what may be asked of all staff together in a month, None for no limit
    contacts : how often one member or group may be turned to, whatever for
    quiet_hours : when nothing is to be carried out
    stopped : nothing is recommended, to anybody      switched : by whom and why, None where that was not told
    referrals : one for each kind of safety report whose role or hours differ from `REFERRALS`
    dates : how 03/04/2026 is meant where a person writes it in a sheet; 2026-04-03 is understood in any case
    retention_months : how long after the program's last day, and after a member has left for good, what is
        stored of them is to be kept; None where nobody has said
    """

    title: Text
    time_zone: str = "Asia/Kolkata"
    language: Language = "en"
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}(?!\n)$")] = "INR"
    default_strategy: Id | None = None
    default_adviser_strategy: Id | None = None
    default_group_strategy: Id | None = None
    adviser_minutes: Whole = 60
    staff_minutes: Whole | None = None
    contacts: Contacts = Contacts()
    quiet_hours: QuietHours | None = None
    stopped: bool = False
    switched: Switched | None = None
    referrals: tuple[Referral, ...] = ()
    dates: Dates = "day_first"
    advisers: Advisers = Advisers()
    retention_months: Annotated[int, msgspec.Meta(ge=1, le=600)] | None = None

    def __post_init__(self) -> None:
        """Refuses a time zone that does not exist, and two referrals of one kind."""
        kinds = [referral.kind for referral in self.referrals]
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
        if twice is not None:
            raise ValueError(f"`referrals` names `{twice}` twice")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as unknown:  # "Asia" alone is a folder
            raise ValueError(f"`{self.time_zone}` is not a time zone of the IANA database") from unknown

    def default_for(self, level: Level) -> Id | None:
        """The strategy that decides for units of a level when a request names none."""
        return {
            "member": self.default_strategy,
            "adviser": self.default_adviser_strategy,
            "group": self.default_group_strategy,
        }[level]

    def referral(self, kind: SafetyKind) -> Referral:
        """Whom to turn to after a report of this kind."""
        own = (referral for referral in self.referrals if referral.kind == kind)
        return next(own, REFERRALS[kind])


class Site(Noun, frozen=True, kw_only=True):
    """A district or a health centre's area, with the day the program ends there.

    Each revision is a dated fact: an extension changes phases from then on and no stored decision.
    """

    title: Text
    ends_on: date | None = None
    handover_days: Annotated[int, msgspec.Meta(ge=0, le=730)] = 92

    def __post_init__(self) -> None:
        """Refuses a last day that leaves no room to look back from it, or ahead."""
        if self.ends_on is not None and not within_reason(self.ends_on):
            raise ValueError("ends_on: a program ends between 1970 and 2999")


class Group(Noun, frozen=True, kw_only=True):
    """A peer group at a site.

    rhythm : when a local group is expected to meet; each change of it counts from its day
    peer_k : so many members must write in a month for a virtual group to count as alive
    """

    site: Id
    type: Literal["local", "virtual"] = "local"
    setting: Literal["urban", "rural", "unknown"] = "unknown"
    language: Language | None = None
    rhythm: AnyRhythm = EveryMonth()
    peer_k: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
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

    def reader(self, audience: Audience) -> Audience:
        """What a reader counts as where this member is concerned.

        A health worker with whom the member does not share is a neighbour.
        """
        return "adviser" if audience == "health_worker" and not self.health_worker else audience


class Barriers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What keeps a member away, from the four-question check; `unknown` is not `no`."""

    money: YesNo = "unknown"
    motivation: YesNo = "unknown"
    awareness: YesNo = "unknown"
    time: YesNo = "unknown"
    sabotage: YesNo = "unknown"

    def known(self) -> tuple[tuple[str, bool], ...]:
        """(barrier, whether the member has it) for each that is known."""
        answers = msgspec.structs.asdict(self).items()
        return tuple((name, answer == "yes") for name, answer in answers if answer != "unknown")


class Member(Noun, frozen=True, kw_only=True):
    """A person in the program, by pseudonym. Group, seat and role are memberships, dated apart.

    barriers, barriers_checked_on : the check at joining and once a year, and its day
    channel, phone : how the member is reached, and on whose phone
    sex, age_band, can_read, neighbourhood : coarse, each None when not known; nothing finer is kept
    contacts : how often this member wants to be turned to, where that is less than the program's limit
    """

    language: Language | None = None
    consent: Consent = Consent()
    barriers: Barriers = Barriers()
    barriers_checked_on: date | None = None
    conditions: tuple[Condition, ...] = ()
    channel: Channel | None = None
    phone: Phone | None = None
    sex: Sex | None = None
    age_band: AgeBand | None = None
    can_read: bool | None = None
    neighbourhood: Neighbourhood | None = None
    contacts: Contacts = Contacts()

    def __post_init__(self) -> None:
        """Refuses a barrier of no day, and a condition told twice."""
        if self.barriers.known() and self.barriers_checked_on is None:
            raise ValueError("barriers come from a check, so they need its day: `barriers_checked_on`")
        if len(set(self.conditions)) < len(self.conditions):
            raise ValueError("a condition is named twice")


class Leave(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Days on which a health worker is away, the first and the last included."""

    starts_on: date
    ends_on: date

    def __post_init__(self) -> None:
        """Refuses a leave that ends before it starts."""
        if self.ends_on < self.starts_on:
            raise ValueError("the leave ends before it starts")


class HealthWorker(Noun, frozen=True, kw_only=True):
    """A community health worker, by pseudonym. Catchment and groups are links, dated apart.

    hours_a_week : for groups      minutes_a_visit : with the way there      ended : she works here no more
    """

    languages: tuple[Language, ...] = ()
    hours_a_week: Annotated[float, msgspec.Meta(ge=0, le=60)] = 2.0
    minutes_a_visit: Annotated[int, msgspec.Meta(ge=1, le=600)] = 45
    leave: tuple[Leave, ...] = ()
    ended: bool = False

    def works_on(self, day: date) -> bool:
        """Whether she works here still, and is not on leave."""
        return not self.ended and not any(leave.starts_on <= day <= leave.ends_on for leave in self.leave)


class Budget(Noun, frozen=True, kw_only=True):
    """Money of one payer (`id`) for each period, in the currency's minor unit."""

    period: Literal["month", "quarter", "year", "program"] = "month"
    limit_minor: Whole


class Dialect(Noun, frozen=True, kw_only=True):
    """What another system's records mean here, as its adapter reads it. `id` is the adapter's name.

    content : TOML, as it was sent; the adapter has found it sound
    """

    content: str


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


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From this day the thing belongs to this catchment or health worker; without `to`, to none."""

    relation: Relation
    starts_on: date
    to: Id | None = None


class Catalogue(NamedTuple):
    """What a decision depends on as a whole, under one catalogue revision."""

    revision: int
    program: Program
    sites: Mapping[str, Site]
    budgets: Mapping[str, Budget]
    actions: Mapping[str, AnyAction]
    strategies: Mapping[str, Strategy]
    strategy_revisions: Mapping[str, int]
    trials: Mapping[str, Trial] = MappingProxyType({})

    def offered(self, strategy: Strategy) -> tuple[AnyAction, ...]:
        """The strategy's actions, in its order."""
        return tuple(self.actions[action] for action in strategy.actions)

    @property
    def on_trial(self) -> Mapping[str, Trial]:
        """Strategies that decide for the groups of a trial's condition, and for nobody else."""
        running = (trial for trial in self.trials.values() if not trial.ended)
        return {name: trial for trial in running for name in trial.strategies}

    def decides(self, strategy: str, under: Under | None) -> bool:
        """Whether a strategy may decide for a group. under : what it lives under, None in no trial"""
        return strategy in under.condition.strategies if under else strategy not in self.on_trial

    def default_for(self, level: Level, under: Under | None) -> Id | None:
        """The strategy that decides for units of a level when a request names none."""
        if under is None:
            return self.program.default_for(level)
        own = (self.strategies[name] for name in under.condition.strategies)
        return next((row.id for row in own if row.level == level and row.plan is None), None)

    def planned(self, under: Under | None) -> frozenset[str]:
        """Actions that a plan decides about for a group, and so no other strategy."""
        plans = (row for row in self.strategies.values() if row.plan is not None and not row.paused)
        return frozenset(action for row in plans if self.decides(row.id, under) for action in row.actions)


def phase(site: Site, today: date) -> Phase:
    """The phase of a site's groups on a day (program's time zone)."""
    if site.ends_on is None or (site.ends_on - today).days >= site.handover_days:
        return "running"
    return "handover" if today <= site.ends_on else "sustaining"


def days_to_end(site: Site, today: date) -> int | None:
    """Days from a day to the program's last there, negative after it, None when no end is set."""
    return None if site.ends_on is None else (site.ends_on - today).days


def months_to_end(site: Site, today: date) -> float:
    """Months from a day to the program's end there, negative after it, nan when no end is set."""
    return float("nan") if site.ends_on is None else (site.ends_on - today).days / DAYS_A_MONTH
