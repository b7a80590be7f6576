"""Whether a trial's intervals hold what they promise: 300 groups in 100 catchments, again and again.

Lives are exponential, with a hazard that a whole catchment shares, and 15 % of the groups fall silent at a
moment that has nothing to do with their life. Everybody here is synthetic.
"""

from datetime import date
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from engagement.store.assignments import Assignment
from engagement.strategy.lifetime import Lifetime, Lived
from engagement.strategy.setup import Group
from engagement.strategy.trial import Protocol, Trial, TrialCondition
from engagement.workflows.trial_analysis import analysed
from engagement.workflows.trial_rows import GroupRow, Spent

HAZARD = {"alone": 0.08, "learned": 0.04}
COST = {"alone": 0.0, "learned": 300.0}
HORIZON, FOLLOWED = 12, 18.0
SILENT = 0.15
UNLIKE = 0.3
"""Standard deviation of a catchment's logarithm of the hazard."""
REPEATS, ALLOWED = 475, 0.03
"""Of so many repeats a share that is .95, or .05, has a standard error of √(.95·.05/475) = .01; three of them
are allowed."""
TRIAL = Trial(
    id="which",
    title="Which?",
    unit="catchment",
    conditions=tuple(TrialCondition(id=name, title=name) for name in HAZARD),
    starts_on=date(2026, 1, 1),
    protocol=Protocol(primary="months_alive", horizon_months=HORIZON),
)
GROUP = Group(id="g", site="s")


class Truth(NamedTuple):
    """Mean months lived up to the horizon, and what one of them costs."""

    months: float
    cost: float


@cache
def truth(arm: str) -> Truth:
    """By 400,000 catchments: E[(1 − e^(−h·12))/h]. Standard error below 0.01 months."""
    hazard = HAZARD[arm] * np.exp(UNLIKE * np.random.default_rng(1).normal(size=400_000))
    months = float(np.mean(-np.expm1(-hazard * HORIZON) / hazard))
    return Truth(months, COST[arm] / months)


def rows(rng: np.random.Generator, catchments: int) -> list[GroupRow]:
    """Three groups a catchment, every other catchment in each arm."""
    made = []
    for number in range(catchments):
        arm = list(HAZARD)[number % 2]
        hazard = HAZARD[arm] * np.exp(UNLIKE * rng.normal())
        for group in range(3):
            months = float(rng.exponential(1 / hazard))
            until = float(rng.uniform(0, FOLLOWED)) if rng.random() < SILENT else FOLLOWED
            seen = Lived(min(months, until), died=months < until)
            life = Lifetime(seen, seen, seen, silent=until < FOLLOWED and not seen.died)
            drawn = Assignment("which", f"g{number}-{group}", f"c{number}", "all", number, arm, "h", 0)
            spent = Spent(int(COST[arm] + rng.normal(0, 50)), 0)
            made.append(GroupRow(drawn, GROUP, TRIAL.starts_on, None, life, 0, (), 0, 0, spent, 0))
    return made


@pytest.mark.slow
def test_intervals_cover_what_was_simulated_in_95_of_100_repeats():
    """Of the difference in months alive, and of the cost of a month that a group was alive."""
    expected = truth("learned").months - truth("alone").months
    covered, priced = 0, 0
    for seed in range(REPEATS):
        found = analysed(TRIAL, rows(np.random.default_rng(seed), 100), date(2028, 1, 1))
        (more,) = found.comparisons
        covered += more.difference.low <= expected <= more.difference.high
        price = next(arm.cost_of_month for arm in found.arms if arm.arm == "learned")
        priced += price.low <= truth("learned").cost <= price.high
    assert covered / REPEATS == pytest.approx(0.95, abs=ALLOWED)
    assert priced / REPEATS == pytest.approx(0.95, abs=ALLOWED)


@pytest.mark.slow
def test_without_a_difference_a_trial_finds_one_in_5_of_100_repeats(monkeypatch):
    monkeypatch.setitem(HAZARD, "learned", HAZARD["alone"])
    verdicts = [
        analysed(TRIAL, rows(np.random.default_rng(seed), 100), date(2028, 1, 1)).comparisons[0].verdict
        for seed in range(REPEATS)
    ]
    found = sum(row in ("better", "worse") for row in verdicts)
    assert found / REPEATS == pytest.approx(0.05, abs=ALLOWED)


def test_so_few_groups_are_not_enough_and_so_many_are():
    few, many = (
        analysed(TRIAL, rows(np.random.default_rng(3), catchments), date(2028, 1, 1)).comparisons[0].verdict
        for catchments in (6, 200)
    )
    assert (few, many) == ("not_enough_data", "better")
