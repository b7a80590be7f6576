"""Who leads a group, and who could: positive deviants in the order in which to ask them, with the reasons.

Whoever may see the steps of an adviser's path, the program's staff, sees all of it. Others see who leads the
group: that somebody is tired, was never asked, or does not agree to be looked at is nothing for neighbours.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.errors import Mistake, NotFound
from engagement.signals.adviser import ADVISER_STEP, TRAINING_DONE
from engagement.signals.advising import Advising, advising
from engagement.signals.signal import Audience, may_see
from engagement.store import setup, units
from engagement.store.kept import Kept
from engagement.store.signals import Recorded
from engagement.strategy.advisers import Tired
from engagement.strategy.cadence import local_date
from engagement.strategy.screening import Bar, PartName, Ranked, ScreenedPart, in_order, screened
from engagement.strategy.setup import Program
from engagement.workflows.leading import NOBODY, Lead, Leads, LooksFor, ever_advised, leads_of
from engagement.workflows.screening import Looked, Person, look

UNKNOWN: Mapping[PartName, str] = {
    "control": "Not reported whether the disease is under control",
    "adherence": "Nothing reported of medicine and follow-ups",
    "attendance": "Nobody has said whether they came",
    "goals": "No goal followed up",
    "willingness": "Not asked whether they would lead the group",
    "nearness": "Not known whether they live near the others",
    "reads": "Not known whether they can read",
}
SAID: Mapping[PartName, tuple[str, str]] = {
    "control": (
        "Under control in {came} of {of} reports, where {usual} in 100 are usual with as much against one",
        "",
    ),
    "adherence": ("Medicine taken and follow-ups kept in {came} of {of} reports", ""),
    "attendance": ("Came to {came} of {of} meetings", ""),
    "goals": ("Met {came} of {of} goals", ""),
    "willingness": ("Would lead the group", "Has said no when asked"),
    "nearness": ("Lives near {came} of {of} others, as far as is known", ""),
    "reads": ("Can read", "Cannot read: somebody has to read aloud"),
}
"""What is said of a part that is known, and where it has an opposite, of that."""
BARS: Mapping[Bar, str] = {
    "not_now": "Not now",
    "no_messages": "Has withdrawn the consent to messages: not to be asked",
    "handed_over": "Has given it up, handed it over, or is tired of it",
    "not_willing": "Has said no when asked",
    "not_controlled": "Last reported as not under control",
    "not_above": "Does no better than is usual here, as far as is known",
    "few_reports": "Not known well enough: {reports} reports so far, {enough} are needed",
}


class PartTold(msgspec.Struct, frozen=True):
    """One part of a score. value : from 0 to 1, drawn towards `mean`, what is usual; both enter the score

    reports : on which it rests      weight : against the other parts'
    """

    name: PartName
    value: float
    mean: float
    weight: float
    reports: int
    sentence: str


class ModuleTold(msgspec.Struct, frozen=True):
    """A module of the training, and the day it was completed."""

    module: str
    on: date


class PathTold(msgspec.Struct, frozen=True):
    """Where somebody stands on an adviser's path.

    step : screened, trained, active, tired, stepped_down or succeeded; null where nothing was reported
    trained : null where nobody knows      refresher_told : by a report, else so long after the last module
    tired_since : also where nobody said so, after `refusals` in a row
    """

    step: str | None
    trained: bool | None
    modules: tuple[ModuleTold, ...]
    refresher_due_on: date | None
    refresher_told: bool
    refresher_overdue: bool
    tired_since: date | None
    refusals: int


class LeaderTold(msgspec.Struct, frozen=True):
    """Somebody who leads the group today. path : null for who may not see it"""

    member: str
    seat: int
    role: str
    since: date
    path: PathTold | None


class Candidate(msgspec.Struct, frozen=True):
    """Somebody who could lead the group.

    score : 0 to 100      usual : of somebody of whom nothing is known      sd : of what is not known of it
    reports : on which it rests
    proposed : whether to ask them      against : why not, null where they are proposed
    missing : what would have to be found out or done first
    """

    member: str
    seat: int
    role: str
    proposed: bool
    score: float
    usual: float
    sd: float
    reports: int
    sentence: str
    parts: tuple[PartTold, ...]
    reasons: tuple[str, ...]
    against: str | None
    missing: tuple[str, ...]
    path: PathTold


class AdviserCandidates(msgspec.Struct, frozen=True):
    """Who leads a group, and who could, in the order in which to ask.

    looks_for : adviser or deputy where one is needed now, else null
    screened, not_screened : members who were looked at, and who do not agree to it; null with the candidates
        for who may not see them
    """

    group: str
    sentence: str
    leaders: tuple[LeaderTold, ...]
    looks_for: LooksFor | None
    candidates: tuple[Candidate, ...]
    screened: int | None
    not_screened: int | None
    simulated: bool = False


class Wanted(NamedTuple):
    """Whose candidates are wanted, and who will see them."""

    group: str
    audience: Audience
    simulated: bool = False


def adviser_candidates(
    conn: Connection, kept: Kept, program_id: str, wanted: Sequence[Wanted], now_ms: int
) -> list[AdviserCandidates | Mistake]:
    """The candidates of each group."""
    out: list[AdviserCandidates | Mistake] = []
    for one in wanted:
        try:
            out.append(_of_group(conn, kept, program_id, one, now_ms))
        except Mistake as mistake:
            out.append(mistake)
    return out


def _of_group(
    conn: Connection, kept: Kept, program_id: str, wanted: Wanted, now_ms: int
) -> AdviserCandidates:
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    name = wanted.group
    if name not in units.groups(conn, program_id, [name]):
        raise NotFound(f"there is no group `{name}` in this program")
    today = local_date(now_ms, catalogue.program.time_zone)
    leads = leads_of(conn, program_id, catalogue, [name], today, now_ms).get(name, NOBODY)
    if not may_see(wanted.audience, ADVISER_STEP.audience):
        leaders = tuple(LeaderTold(one.member, one.seat, one.role, one.since, None) for one in leads.people)
        words = "Who could lead the group is told to the program's staff"
        return AdviserCandidates(name, words, leaders, None, (), None, None, wanted.simulated)
    looked = look(conn, program_id, catalogue, [name], today, now_ms)
    told = {one.member: one.told for one in looked.people.get(name, ())}
    looks_for = leads.looks_for(ever=name in ever_advised(conn, program_id, [name]))
    candidates = candidates_of(catalogue.program, looked, leads, name, now_ms)
    return AdviserCandidates(
        name,
        sentence(catalogue.program, leads, looks_for, candidates),
        tuple(
            LeaderTold(
                one.member,
                one.seat,
                one.role,
                one.since,
                path(catalogue.program, one.state, one.tired, told.get(one.member, ()), now_ms),
            )
            for one in leads.people
        ),
        looks_for,
        candidates,
        len(looked.people.get(name, ())),
        looked.not_screened[name],
        wanted.simulated,
    )


def candidates_of(
    program: Program, looked: Looked, leads: Leads, group: str, now_ms: int
) -> tuple[Candidate, ...]:
    """Who could lead a group beside its adviser, in the order in which to ask."""
    people = [one for one in looked.people.get(group, ()) if one.role != "adviser"]
    found = [_ranked(program, looked, leads.of(one.member), one) for one in people]
    return tuple(_told(program, people[place], found[place], leads, now_ms) for place in in_order(found))


def _ranked(program: Program, looked: Looked, lead: Lead | None, person: Person) -> Ranked:
    found = screened(
        person.known,
        looked.pool,
        program.advisers.screening,
        not_now=person.not_now,
        no_messages=not person.setup.consent.messages,
        handed_over=advising(person.tally).over or (lead is not None and lead.tired is not None),
    )
    return Ranked(person.seat, person.role == "deputy", found)


def _told(program: Program, person: Person, ranked: Ranked, leads: Leads, now_ms: int) -> Candidate:
    found, lead = ranked.found, leads.of(person.member)
    state = advising(person.tally)
    parts = tuple(_part(part) for part in found.parts)
    known = [part.sentence for part in parts if part.reports]
    missing = [part.sentence for part in parts if not part.reports]
    enough = program.advisers.screening.enough
    against = None if found.bar is None else BARS[found.bar].format(reports=found.reports, enough=enough)
    return Candidate(
        member=person.member,
        seat=person.seat,
        role=person.role,
        proposed=ranked.proposed,
        score=round(found.score, 1),
        usual=round(found.usual, 1),
        sd=round(found.sd, 1),
        reports=found.reports,
        sentence=f"{found.score:.0f} of 100 where {found.usual:.0f} are usual, give or take {found.sd:.0f}, "
        f"from {found.reports} reports",
        parts=parts,
        reasons=(*(["Is the deputy already"] if ranked.deputy else []), *known, *_odds(person)),
        against=None if ranked.proposed else against,
        missing=(*missing, *([] if state.trained else ["Not known to have been trained"])),
        path=path(program, state, None if lead is None else lead.tired, person.told, now_ms),
    )


def _part(part: ScreenedPart) -> PartTold:
    return PartTold(
        part.name,
        round(part.value, 3),
        round(part.mean, 3),
        part.weight,
        part.counted.reports,
        _said(part),
    )


def _said(part: ScreenedPart) -> str:
    """What is known of one part, in words."""
    came, of = part.counted.came, part.counted.reports
    if not of:
        return UNKNOWN[part.name]
    told, denied = SAID[part.name]
    words = denied if denied and came < of else told
    return words.format(came=came, of=of, usual=f"{100 * part.mean:.0f}")


def _odds(person: Person) -> tuple[str, ...]:
    """What a person has against them; for staff alone."""
    conditions = len(person.setup.conditions)
    barriers = [name for name, has in person.setup.barriers.known() if has]
    told = [f"has {conditions} conditions"] if conditions > 1 else []
    told += [f"named {' and '.join(barriers)} as what keeps them away"] if barriers else []
    return (f"All this though the person {' and '.join(told)}",) if told else ()


def path(
    program: Program, state: Advising, weary: Tired | None, told: Sequence[Recorded], now_ms: int
) -> PathTold:
    """Where somebody stands on an adviser's path. told : what counts of what was said of them, in order"""

    def day(moment_ms: int) -> date:
        return local_date(moment_ms, program.time_zone)

    due_ms = state.refresher_ms(program.advisers.refresher_days)
    return PathTold(
        step="tired" if weary is not None else state.step,
        trained=True if state.trained else False if state.untrained else None,
        modules=modules(told, program.time_zone),
        refresher_due_on=None if due_ms is None else day(due_ms),
        refresher_told=state.refresher_due_ms is not None,
        refresher_overdue=due_ms is not None and due_ms <= now_ms,
        tired_since=None if weary is None else day(weary.since_ms),
        refusals=0 if weary is None else weary.refusals,
    )


def modules(told: Sequence[Recorded], time_zone: str) -> tuple[ModuleTold, ...]:
    """The modules of a training that were completed, in order of time. told : that counts, in order"""
    return tuple(
        ModuleTold(TRAINING_DONE.word(row.value), local_date(row.occurred_at, time_zone))
        for row in told
        if row.kind == TRAINING_DONE.kind and row.value is not None
    )


def sentence(
    program: Program, leads: Leads, looks_for: LooksFor | None, candidates: Sequence[Candidate]
) -> str:
    """What to do now, in words."""
    why = _why(program, leads, looks_for)
    first = next((one for one in candidates if one.proposed), None)
    if first is None:
        enough = program.advisers.screening.enough
        nobody = f"Nobody is known well enough yet to be asked; {enough} reports of a person would do"
        return f"{why}. {nobody}" if why else nobody
    return f"{why}. Ask seat {first.seat} first" if why else f"If one is needed, ask seat {first.seat} first"


def _why(program: Program, leads: Leads, looks_for: LooksFor | None) -> str:
    """Why somebody is needed, "" where nobody is."""
    if looks_for is None:
        return ""
    if looks_for == "adviser":
        return "The group has no adviser any more"
    weary = leads.first.tired if leads.first is not None else None
    declined = weary.refusals if weary is not None else 0
    said = f"declined {declined} things in a row" if declined else "said that it is too much"
    percent = program.advisers.tired_percent
    return f"The adviser {said}: a month now holds {percent} in 100 of the minutes, and a deputy would help"
