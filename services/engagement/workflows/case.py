"""One unit about to be decided: who it is, where it stands, and what a decision looks at."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engagement.actions.action import NONE
from engagement.actions.availability import Given, Situation
from engagement.actions.contacts import Contacts
from engagement.signals import tally
from engagement.signals.picture import Picture
from engagement.store import units
from engagement.store.decisions import Recent
from engagement.store.units import Unit
from engagement.strategy.cadence import Calendar
from engagement.strategy.doses import doses
from engagement.strategy.life import RELEASED, status
from engagement.strategy.quiet import deliver_from
from engagement.strategy.setup import Catalogue, Consent, Program, Site, days_to_end, months_to_end, phase
from engagement.strategy.strategy import Strategy
from engagement.strategy.stratum import Stratum
from engagement.strategy.trial import Under
from engagement.workflows.leading import NOBODY, Lead, Leads


class Case(NamedTuple):
    """One unit about to be decided, with all that is known of it.

    point : the decision point's name: the caller's, if `named`, else the calendar's
    context : numbers the calling app knows      member : None where it is a group
    given : what the unit was or may have been given lately
    under : its group's condition in a trial, None in no trial
    leads : who leads the group, NOBODY where that does not matter
    """

    unit: Unit
    point: str
    named: bool
    context: tuple[tuple[str, float], ...]
    strategy: Strategy
    calendar: Calendar
    member: units.MemberRow | None
    group: units.GroupRow
    group_id: str
    site: Site
    tally: tally.Tally
    recent: tuple[Recent, ...]
    given: tuple[Given, ...]
    catalogue: Catalogue
    family_unsafe: bool
    under: Under | None = None
    leads: Leads = NOBODY

    @property
    def leader(self) -> Lead | None:
        """Who carries out what falls to an adviser: whoever it is suggested to, else who leads the group."""
        return self.leads.of(self.unit.id if self.strategy.level == "adviser" else None)

    @property
    def program(self) -> Program:
        """The program as it stands."""
        return self.catalogue.program

    @property
    def languages(self) -> tuple[str, ...]:
        """The member's language first, then the group's, then the program's."""
        own = None if self.member is None else self.member.member.language
        return tuple(filter(None, (own, self.group.group.language, self.program.language)))

    @property
    def consent(self) -> Consent:
        """What the member agreed to. What is for a group as a whole needs nobody's own consent."""
        return EVERYBODY if self.member is None else self.member.member.consent

    @property
    def contacts(self) -> Contacts:
        """How often the unit may be turned to: as the program says, and as the member wants."""
        most = self.program.contacts
        return most if self.member is None else most.and_at_most(self.member.member.contacts)

    @property
    def days_to_end(self) -> int | None:
        """Until the program's end where the unit is."""
        return days_to_end(self.site, self.calendar.today)

    @property
    def stratum(self) -> Stratum:
        """The coarse facts known of the unit."""
        setting, language = self.group.group.setting, self.languages[0]
        if self.member is None:
            return Stratum(setting=setting, language=language)
        person = self.member.member
        return Stratum(
            setting=setting,
            role=self.member.role,  # type: ignore[arg-type]  # stored as one of the three
            phone=person.phone,
            sex=person.sex,
            age_band=person.age_band,
            can_read=person.can_read,
            language=language,
        )


EVERYBODY = Consent(messages=True, my_signals=True, chance=True, health_worker=True)


def given_of(recent: Sequence[Recent], now_ms: int) -> tuple[Given, ...]:
    """What the unit was or may have been given: every action proposed and not said to be off."""
    stands = ((before, status(before.answers, before.expires_at, now_ms)) for before in recent)
    return tuple(
        Given(before.action_id, before.decided_at, unanswered=standing == "expired")
        for before, standing in stands
        if before.action_id != NONE and (standing == "expired" or standing not in RELEASED)
    )


def after(case: Case, given: Mapping[Unit, tuple[Given, ...]]) -> Case:
    """A case with what other strategies have given the unit in this very batch."""
    return case._replace(given=case.given + given.get(case.unit, ()))


def situation(case: Case, now_ms: int) -> Situation:
    """What decides which actions are available."""
    return Situation(
        phase(case.site, case.calendar.today),
        case.calendar.today,
        now_ms,
        case.consent.health_worker,
        case.languages,
        case.given,
        case.consent.family,
        case.family_unsafe,
        deliver_from(case.program.quiet_hours, now_ms, case.program.time_zone) < case.calendar.ends_ms,
        case.contacts,
        case.days_to_end,
        case.catalogue.planned(case.under),
        case.leader is not None and case.leader.state.untrained,
    )


def _burden(catalogue: Catalogue, action: str) -> int:
    """What an action asks of whoever receives it; of one that is not known here, nothing is known."""
    known = catalogue.actions.get(action)
    return 0 if known is None else known.burden


def picture(case: Case, now_ms: int) -> Picture:
    """What is known of the unit; nothing of a member's own signals if they did not agree to that."""
    person = case.member if case.consent.my_signals else None
    own = case.leads.of(case.unit.id)
    given = doses(case.given, now_ms)
    return Picture(
        member=tally.EMPTY if person is None else case.tally,
        group=tally.decoded(case.group.tally),
        role=(case.member and case.member.role) or "member",  # type: ignore[arg-type]  # stored as one of the three
        setting=case.group.group.setting,
        phase=phase(case.site, case.calendar.today),
        months_to_end=months_to_end(case.site, case.calendar.today),
        dose=sum(given.values()),
        context=case.context,
        barriers=() if person is None else person.member.barriers.known(),
        burden=sum(dose * _burden(case.catalogue, action) for action, dose in given.items()),
        doses=tuple(given.items()),
        tired=person is not None and own is not None and own.tired is not None,
        leader_tired=case.leads.tired,
    )
