"""What each action did: as its estimator says by hand, with a shared alpha, or why there is no figure."""

import numpy as np
import pytest
from scipy.stats import t as student

from engagement.estimators.each_action import DRAWN_IN, FREEDOM, Levels, each_action, scale_of
from engagement.estimators.excursion import Excursions, against_none, difference, log_ratio

NAMES, PLAIN = ("none", "call", "story"), "difference"
TOWN = Levels(("in villages", "in towns"), (0.0, 1.0))


def even_trial(groups=30, weeks=20, effect=(0.3, 0.0), seed=1, binary=False, town=0.0):
    """Three actions by even chance; what the first adds, and adds further in towns, every second group."""
    rng, n = np.random.default_rng(seed), groups * weeks
    cluster, action = np.repeat(np.arange(groups), weeks), rng.integers(0, 3, n)
    in_town = (cluster % 2).astype(np.float64)
    lift = np.array([0.0, *effect])[action] + town * (action == 1) * in_town
    chance = 0.3 + lift
    outcome = (rng.random(n) < chance) * 1.0 if binary else chance + rng.normal(0, 0.3, n)
    third, ones = np.full((n, 3), 1 / 3), np.ones((n, 1))
    return Excursions(outcome, action, third, third, ones, ones, cluster), np.ones((n, 3), np.bool_), in_town


def by_town(rows, in_town):
    columns = np.column_stack([rows.moderators, in_town])
    return rows._replace(moderators=columns, controls=columns)


@pytest.mark.parametrize(("binary", "estimator"), [(False, difference), (True, log_ratio)])
def test_each_is_what_its_estimator_says_of_the_pair(binary, estimator):
    rows, available, _ = even_trial(binary=binary)
    for number, told in enumerate(each_action(rows, available, NAMES, scale_of(rows.outcome)), start=1):
        effect = estimator(against_none(rows, number, available)).effect(1)
        expected = np.exp(effect.value) if binary else effect.value
        assert (told.action, told.size.value) == (NAMES[number], pytest.approx(expected))
        assert told.size.chance == pytest.approx(effect.chance)


def test_two_actions_share_alpha_so_each_interval_misses_half_as_often():
    rows, available, _ = even_trial()
    effect = difference(against_none(rows, 1, available)).effect(1)
    told = each_action(rows, available, NAMES, PLAIN)[0]
    half = student.ppf(1 - 0.05 / 4, 30 - 2) * effect.sd
    assert (told.size.low, told.size.high) == pytest.approx((effect.value - half, effect.value + half))
    alone = each_action(rows, available, NAMES, PLAIN, alpha=0.1)[0]
    assert (alone.size.low, alone.size.high) == pytest.approx(tuple(effect.interval))


def test_what_was_put_in_is_found_and_what_was_not_is_not():
    call, story = each_action(*even_trial()[:2], NAMES, PLAIN)
    assert call.size.low <= 0.3 <= call.size.high
    assert call.size.low > 0
    assert story.size.low <= 0 <= story.size.high


def test_ratios_are_told_of_rewards_of_0_and_1_alone():
    rows, available, _ = even_trial(binary=True)
    call, story = each_action(rows, available, NAMES, "ratio")
    assert scale_of(rows.outcome) == "ratio"
    assert call.size.low <= 0.6 / 0.3 <= call.size.high
    assert story.size.low <= 1 <= story.size.high
    assert scale_of(np.array([0.0, 2 / 3, 1.0])) == "difference"


def test_decisions_without_the_action_or_none_are_counted_and_left_out():
    rows, available, _ = even_trial()
    available[:60, 1] = False
    rows = rows._replace(action=np.where(available[:, 1] | (rows.action != 1), rows.action, 0))
    call, story = each_action(rows, available, NAMES, PLAIN)
    assert (call.unavailable, story.unavailable) == (60, 0)
    assert call.decisions == (rows.action[60:] < 2).sum()
    assert call.given == (rows.action == 1).sum()
    assert call.groups == 27


def test_what_could_not_have_been_drawn_counts_as_unavailable():
    rows, available, _ = even_trial()
    first = np.arange(600) < 60
    probability = np.where(first[:, None], [[0.5, 0.0, 0.5]], rows.probability)
    rows = rows._replace(probability=probability, action=np.where(first, 0, rows.action))
    assert each_action(rows, available, NAMES, PLAIN)[0].unavailable == 60


@pytest.mark.parametrize(("groups", "told"), [(1 + 1 + FREEDOM, True), (1 + FREEDOM, False)])
def test_a_figure_takes_a_group_for_each_number_fitted_and_the_least_freedom(groups, told):
    call = each_action(*even_trial(groups=groups)[:2], NAMES, PLAIN)[0]
    assert (call.groups, call.needed) == (groups, 2 + FREEDOM)
    assert (call.size is not None) is told
    assert told or f"{groups} groups, and 12 are needed" in call.why


def test_an_action_drawn_in_few_groups_has_no_figure():
    rows, available, _ = even_trial()
    few = rows._replace(action=np.where((rows.action == 1) & (rows.cluster >= DRAWN_IN - 1), 0, rows.action))
    call = each_action(few, available, NAMES, PLAIN)[0]
    assert call.size is None
    assert "drawn in 4 groups only" in call.why


def test_an_action_never_available_has_no_figure():
    rows, available, _ = even_trial()
    available[:, 2] = False
    story = each_action(rows, available, NAMES, PLAIN)[1]
    assert (story.decisions, story.size) == (0, None)
    assert "never" in story.why


def test_a_control_that_never_changes_is_not_fitted():
    rows, available, _ = even_trial()
    wider = rows._replace(controls=np.column_stack([rows.controls, np.zeros(600)]))
    assert each_action(wider, available, NAMES, PLAIN) == each_action(rows, available, NAMES, PLAIN)


def test_an_effect_that_is_another_in_towns_is_told_at_both_levels_and_as_their_difference():
    rows, available, in_town = even_trial(groups=60, town=-0.6)
    call, story = each_action(by_town(rows, in_town), available, NAMES, PLAIN, TOWN)
    villages, towns = call.levels
    assert (villages.level, towns.level) == TOWN.names
    assert villages.size.low <= 0.3 <= villages.size.high
    assert towns.size.low <= -0.3 <= towns.size.high
    assert call.size.low <= -0.6 <= call.size.high < 0
    assert story.size.low <= 0 <= story.size.high
    assert call.needed == 4 + FREEDOM


def test_where_all_are_of_one_level_nothing_is_said_of_the_other():
    rows, available, in_town = even_trial()
    call = each_action(by_town(rows, 0 * in_town), available, NAMES, PLAIN, TOWN)[0]
    assert (call.size, call.levels) == (None, ())
    assert "one level" in call.why


def test_a_level_with_few_groups_has_no_figure():
    rows, available, _ = even_trial()
    call = each_action(by_town(rows, (rows.cluster < 3) * 1.0), available, NAMES, PLAIN, TOWN)[0]
    assert "drawn in 3 groups only at one of the levels" in call.why
