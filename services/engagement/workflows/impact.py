"""Impact: what two surveys of the same outcomes show, as far as the way in which arms came about permits.

Errors are by what was drawn, and by group where nothing was.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from engagement.errors import Invalid
from engagement.estimators.change import (
    Change,
    Panel,
    Sections,
    adjusted_difference,
    difference_in_differences,
    mean_change,
)
from engagement.estimators.sample import numbered
from engagement.records import Bools, Floats
from engagement.strategy.trial import Trial
from engagement.workflows.impact_found import (
    FEWEST,
    PERMITS,
    TOO_FEW,
    Answers,
    Changed,
    Design,
    Impact,
    Loss,
    Mean,
    counted,
    rounded,
    sentence,
)
from engagement.workflows.impact_plan import Pair, Place, Plan, plan_of
from engagement.workflows.survey import Outcome, Respondent, Survey, Surveys, outcomes, read_survey
from engagement.workflows.trial_found import PLURAL, Range

METHODS: Mapping[tuple[Design, bool], str] = {
    ("randomised", True): "endline by arm, between people alike at baseline (analysis of covariance)",
    ("randomised", False): "the change in one arm less that in the other (arm by time)",
    ("compared", True): "the mean of people's own changes in one arm less that in the other",
    ("compared", False): "the change in one arm less that in the other (arm by time)",
    ("before_after", True): "the mean of people's own changes",
    ("before_after", False): "the mean at endline less that at baseline",
}
"""How changes are reckoned, by design and by whether the same people were asked twice."""


class Person(NamedTuple):
    """Who is compared, with both answers in a panel and with one of them otherwise."""

    place: Place
    before: Respondent | None
    after: Respondent | None


class Told(NamedTuple):
    """Of one outcome, as far as it was answered; nan for what was not."""

    place: Place
    before: float
    after: float


def impact(conn: Connection, program_id: str, trial: Trial | None, surveys: Surveys) -> Impact:
    """What two surveys show.

    trial : by which groups may have been drawn
    raises : Invalid for sheets that are no surveys, or of which nothing can be compared
    """
    baseline = read_survey(surveys.baseline, "baseline")
    endline = read_survey(surveys.endline, "endline")
    for survey in (baseline, endline):
        if not survey.respondents:
            raise Invalid(f"the {survey.name} has no line that can be read{_first_flaw(survey)}")
    asked, left_out = outcomes(baseline, endline)
    plan = plan_of(conn, program_id, trial, baseline, endline)
    panel = all("member" in survey.sheet.names for survey in (baseline, endline))
    people, notes = _panel(plan, baseline, endline) if panel else _sections(plan, baseline, endline)
    changes = [
        _changed(plan, outcome, pair, _told(people, outcome, panel), panel)
        for outcome in asked
        for pair in plan.pairs
    ]
    return Impact(
        design=plan.design,
        permits=PERMITS[plan.design],
        panel=panel,
        trial=trial.id if trial is not None and plan.design == "randomised" else None,
        unit=plan.unit,
        method=METHODS[plan.design, panel],
        answers=tuple(_answers(arm, outcome, people, panel) for outcome in asked for arm in plan.arms),
        changes=tuple(changes),
        losses=tuple(_loss(arm, people) for arm in plan.arms) if panel else (),
        notes=(*plan.notes, *notes),
        left_out=tuple(left_out),
        refused_baseline=baseline.refused,
        refused_endline=endline.refused,
    )


def _first_flaw(survey: Survey) -> str:
    if not survey.refused:
        return ""
    flaw = survey.refused[0]
    return f": {flaw.cell or f'line {flaw.line}'} {flaw.problem}"


# --- who is compared ------------------------------------------------------------------------------


def _panel(plan: Plan, baseline: Survey, endline: Survey) -> tuple[list[Person], list[str]]:
    """Everybody asked at baseline, with what they said at endline; where they belonged at baseline."""
    later = {who.member: who for who in endline.respondents}
    people = [
        Person(place, who, later.get(who.member))
        for who in baseline.respondents
        if (place := plan.place(who)) is not None
    ]
    if not any(person.after for person in people):
        raise Invalid(
            "nobody of the baseline was asked again; where other people were asked, leave `member` out"
        )
    new = len(later.keys() - {who.member for who in baseline.respondents})
    return people, [
        f"Not compared, as they were not asked at baseline: {counted(new)} people."
    ] if new else []


def _sections(plan: Plan, baseline: Survey, endline: Survey) -> tuple[list[Person], list[str]]:
    """Everybody, each asked once."""
    placed = [(who, plan.place(who), True) for who in baseline.respondents]
    placed += [(who, plan.place(who), False) for who in endline.respondents]
    people = [
        Person(place, who if first else None, None if first else who)
        for who, place, first in placed
        if place is not None
    ]
    return people, []


def _told(people: Sequence[Person], outcome: Outcome, panel: bool) -> list[Told]:
    """Who answered: in a panel both times, else once."""
    told = [
        Told(person.place, _answer(outcome, person.before), _answer(outcome, person.after))
        for person in people
    ]
    complete = all if panel else any
    return [row for row in told if complete(not np.isnan(value) for value in (row.before, row.after))]


def _answer(outcome: Outcome, who: Respondent | None) -> float:
    value = None if who is None else outcome.of(who)
    return float("nan") if value is None else value


# --- what they said -------------------------------------------------------------------------------


def _answers(arm: str, outcome: Outcome, people: Sequence[Person], panel: bool) -> Answers:
    here = [person for person in people if person.place.arm == arm]
    asked = np.array([_answer(outcome, person.before) for person in here])
    told = _told(here, outcome, panel)
    return Answers(
        outcome.name,
        outcome.yes_no,
        arm,
        _mean(asked),
        _mean(np.array([row.before for row in told])),
        _mean(np.array([row.after for row in told])),
    )


def _mean(value: Floats) -> Mean:
    known = value[~np.isnan(value)]
    if len(known) < FEWEST:
        return Mean(None, None, None)
    return Mean(len(known), rounded(float(known.mean())), rounded(float(known.std(ddof=1))))


def _loss(arm: str, people: Sequence[Person]) -> Loss:
    here = [person for person in people if person.place.arm == arm]
    found = sum(person.after is not None for person in here)
    if min(len(here), found) < FEWEST:
        return Loss(arm, None if len(here) < FEWEST else len(here), None, None)
    return Loss(arm, len(here), found, rounded(1 - found / len(here)))


def _changed(plan: Plan, outcome: Outcome, pair: Pair, told: Sequence[Told], panel: bool) -> Changed:
    rows = [row for row in told if row.place.arm in pair]
    why = _too_few(rows, pair)
    found = None
    if why is None:
        try:
            found = _estimated(plan.design, rows, pair, panel)
        except Invalid as flaw:
            why = str(flaw)
    if found is None:
        words = f"{outcome.name}: nothing can be said, {why}."
        return Changed(outcome.name, outcome.yes_no, *pair, None, plan.alpha, None, why, words)
    told_range = _range(found, plan.alpha)
    words = sentence(plan.design, outcome, pair, told_range)
    if told_range.low is None:
        why = f"too few {PLURAL[plan.unit]} for an interval"
        words += f" There are {why}."
    return Changed(outcome.name, outcome.yes_no, *pair, told_range, plan.alpha, found.clusters, why, words)


def _too_few(rows: Sequence[Told], pair: Pair) -> str | None:
    """Where a cell is so small that what people said could be read off."""
    for arm in filter(None, pair):
        here = [row for row in rows if row.place.arm == arm]
        for when, said in (
            ("baseline", [row.before for row in here]),
            ("endline", [row.after for row in here]),
        ):
            if np.count_nonzero(~np.isnan(said)) < FEWEST:
                return f"{TOO_FEW} people answered at {when} in {arm}"
    return None


def _estimated(design: Design, rows: Sequence[Told], pair: Pair, panel: bool) -> Change:
    arrays = _as_panel(rows, pair) if panel else _as_sections(rows, pair)
    if design == "before_after":
        return mean_change(arrays)
    if design == "randomised" and isinstance(arrays, Panel):
        return adjusted_difference(arrays)
    return difference_in_differences(arrays)


def _as_panel(rows: Sequence[Told], pair: Pair) -> Panel:
    return Panel(
        np.array([row.before for row in rows]),
        np.array([row.after for row in rows]),
        _second(rows, pair),
        numbered([row.place.unit for row in rows]),
    )


def _as_sections(rows: Sequence[Told], pair: Pair) -> Sections:
    later = np.array([np.isnan(row.before) for row in rows])
    value = np.array([row.after if np.isnan(row.before) else row.before for row in rows])
    return Sections(value, later, _second(rows, pair), numbered([row.place.unit for row in rows]))


def _second(rows: Sequence[Told], pair: Pair) -> Bools:
    return np.array([pair[0] is not None and row.place.arm == pair[1] for row in rows], np.bool_)


def _range(found: Change, alpha: float) -> Range:
    interval = found.interval(alpha)
    if interval is None:
        return Range(rounded(found.value), None, None)
    return Range(rounded(found.value), rounded(interval.low), rounded(interval.high))
