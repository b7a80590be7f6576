"""How two surveys may be compared, and so what they permit to be said.

Groups drawn by lot are compared in the arm they were drawn into, whatever became of them. Where nobody was
drawn the surveys themselves may say who is compared; else there is before and after.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.store import assignments
from engagement.strategy.trial import Trial, UnitOfTrial
from engagement.workflows.impact_found import Design, counted
from engagement.workflows.sheet import few
from engagement.workflows.survey import Respondent, Survey
from engagement.workflows.trial_analysis import arms_compared

EVERYBODY = "everybody"
ALPHA = 0.05
Pair = tuple[str | None, str]


class Place(NamedTuple):
    """Where somebody belongs. unit : people of different units are independent"""

    arm: str
    unit: str


class Plan(NamedTuple):
    """How two surveys are compared.

    place : of a respondent, None for who belongs nowhere      pairs : of arms      alpha : for each of them
    """

    design: Design
    place: Callable[[Respondent], Place | None]
    arms: tuple[str, ...]
    pairs: tuple[Pair, ...]
    unit: UnitOfTrial
    alpha: float
    notes: tuple[str, ...]


def plan_of(
    conn: Connection, program_id: str, trial: Trial | None, baseline: Survey, endline: Survey
) -> Plan:
    """The strongest comparison that these surveys allow. trial : by which groups may have been drawn"""
    notes: list[str] = []
    if trial is not None:
        drawn = _drawn(conn, program_id, trial, baseline, endline)
        if len(drawn.arms) > 1:
            return drawn
        notes.append(f"Not two arms of trial {trial.id} are in both surveys, so nothing is compared by lot.")
    arms, others = _arms_said(baseline, endline)
    if len(arms) > 1:
        pairs: list[Pair] = [(arms[0], arm) for arm in arms[1:]]
        notes += [f"Left out, as only one survey has such people: {few(others)}."] if others else []
        return Plan("compared", _by_sheet, arms, tuple(pairs), "group", ALPHA / len(pairs), tuple(notes))
    return Plan("before_after", _by_group, (EVERYBODY,), ((None, EVERYBODY),), "group", ALPHA, tuple(notes))


def _drawn(conn: Connection, program_id: str, trial: Trial, baseline: Survey, endline: Survey) -> Plan:
    """The plan of groups that were drawn; of fewer than two arms where it is none."""
    everybody = (*baseline.respondents, *endline.respondents)
    groups = sorted({who.group for who in everybody})
    places = {
        row.group_id: Place(row.arm, row.unit_id)
        for row in assignments.of_groups(conn, program_id, groups)
        if row.trial_id == trial.id
    }
    seen = _arms_in(baseline, places) & _arms_in(endline, places)
    arms = tuple(arm.id for arm in trial.arms if arm.id in seen)
    pairs = [pair for pair in arms_compared(trial) if set(pair) <= seen]
    outside = [name for name in groups if name not in places]
    notes = []
    if outside:
        count = counted(sum(who.group not in places for who in everybody))
        notes.append(f"Left out, as their group was never drawn: {count} lines, of {few(outside)}.")
    if any(len(arm.courses) > 1 for arm in trial.arms):
        notes.append("Arms of this trial cross over: compared are arms as drawn, whatever they had by then.")
    if any(who.arm is not None for who in everybody):
        notes.append("What the surveys say of arms is not used: the ledger knows who was drawn.")
    alpha = trial.protocol.alpha / max(len(pairs), 1)

    def drawn_into(who: Respondent) -> Place | None:
        return places.get(who.group)

    return Plan(
        "randomised", drawn_into, arms if pairs else (), tuple(pairs), trial.unit, alpha, tuple(notes)
    )


def _arms_in(survey: Survey, places: Mapping[str, Place]) -> set[str]:
    return {places[who.group].arm for who in survey.respondents if who.group in places}


def _arms_said(baseline: Survey, endline: Survey) -> tuple[tuple[str, ...], list[str]]:
    """Arms that both surveys name, in the order of the alphabet, and those that one of them does."""
    first, second = (
        {who.arm for who in survey.respondents if who.arm is not None} for survey in (baseline, endline)
    )
    return tuple(sorted(first & second)), sorted(first ^ second)


def _by_sheet(who: Respondent) -> Place | None:
    return None if who.arm is None else Place(who.arm, who.group)


def _by_group(who: Respondent) -> Place:
    return Place(EVERYBODY, who.group)
