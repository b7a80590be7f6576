"""Looking often: what holds at one look fails over many, and what is made for many holds."""

from math import log, pi

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.estimators.looking import STRENGTHS, at_look, confidence_sequence, spent
from engagement.estimators.sample import estimate, mean

WORLDS, WEEKS, GROUPS = 400, 40, 30


def test_the_shares_of_all_looks_add_up_to_alpha():
    # Σ1/j² beyond J is below 1/J
    shares = sum(at_look(0.05, j) for j in range(1, 100_001))
    assert 0.05 - 0.05 * 6 / pi**2 / 100_000 - 1e-12 <= shares < 0.05


def test_the_first_look_is_number_one():
    with pytest.raises(Invalid, match="from 1"):
        at_look(0.05, 0)


@pytest.fixture(scope="module")
def missed():
    """The shares of worlds in which some weekly interval missed: of the single look, and of the spent one."""
    rng = np.random.default_rng(77)
    once = often = 0
    for _ in range(WORLDS):
        level = rng.normal(0, 1, GROUPS)  # the value for groups like these is 0
        totals = level * 0
        wrong_once = wrong_often = False
        for week in range(1, WEEKS + 1):
            totals = totals + level + rng.normal(0, 3, GROUPS)
            found = estimate(mean(totals / week), np.arange(GROUPS))
            low, high = found.interval()
            wrong_once |= not low <= 0 <= high
            low, high = spent(found, week)
            wrong_often |= not low <= 0 <= high
        once += wrong_once
        often += wrong_often
    return once / WORLDS, often / WORLDS


def test_an_interval_made_for_one_look_misses_more_than_it_says_when_looked_at_weekly(missed):
    assert missed[0] > 0.05 + 3 * np.sqrt(0.05 * 0.95 / WORLDS)


def test_the_interval_made_for_weekly_looking_keeps_its_level(missed):
    assert missed[1] <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / WORLDS)


def test_the_first_bound_is_as_worked_out_by_hand():
    # one period earned 1: the centre before it is .5. For a rate λ with cost −log(1−λ) − λ:
    # (λ·1 − cost·.25 − log(3/.025))/λ, the largest over three rates; far below 0, so 0
    running = confidence_sequence(np.array([1.0]), np.array([0.0]), horizon=52)
    assert running.low[0] == 0.0
    assert running.high[0] == 1.0


def test_bounds_are_those_of_the_formula_after_many_periods():
    z = np.full(60, 0.8)
    low = confidence_sequence(z, 1 - z, alpha=0.1, horizon=60).low[-1]
    centre = np.array([0.5] + [0.8] * 59)
    bounds = []
    for strength in STRENGTHS:
        rate = min(0.9, np.sqrt(2 * log(3 / 0.05) / 60) / strength)
        cost = -log(1 - rate) - rate
        bounds.append(0.8 - (cost * ((z - centre) ** 2).sum() + log(3 / 0.05)) / (rate * 60))
    assert low == pytest.approx(max(bounds))
    assert 0.6 < low < 0.8


@pytest.mark.parametrize("overlap", [1, 4])
def test_the_sequence_holds_the_mean_of_these_periods_at_every_look(overlap):
    # A period's mean of w·r over 30 units; what the periods' policies earn drifts, and windows of 4 overlap
    rng, wrong = np.random.default_rng(5), 0
    drift = 0.4 + 0.2 * np.sin(np.arange(WEEKS) / 5)
    truth = np.cumsum(drift) / np.arange(1, WEEKS + 1)
    for _ in range(WORLDS):
        shared = rng.normal(0, 1, WEEKS + 3)
        moved = np.array([shared[t : t + overlap].sum() for t in range(WEEKS)]) / np.sqrt(overlap)
        chance = np.clip(drift + 0.1 * moved, 0, 1)
        weight = rng.choice([0.5, 2.0], (WEEKS, GROUPS), p=[2 / 3, 1 / 3])
        earns = rng.random((WEEKS, GROUPS)) < chance[:, None]
        bounds = confidence_sequence(
            (weight * earns).mean(axis=1), (weight * ~earns).mean(axis=1), overlap=overlap, horizon=WEEKS
        )
        wrong += bool(((truth < bounds.low - 1e-9) | (truth > bounds.high + 1e-9)).any())
    assert wrong / WORLDS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / WORLDS)


def test_rewards_outside_of_0_and_1_are_refused():
    with pytest.raises(Invalid, match="0, 1"):
        confidence_sequence(np.array([1.2]), np.array([-0.2]))


def test_two_rows_of_unequal_length_are_refused():
    with pytest.raises(Invalid, match="equal length"):
        confidence_sequence(np.ones(2), np.ones(3))
