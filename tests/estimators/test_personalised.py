"""Scores of personalisation, each worked out by hand."""

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.estimators.personalised import (
    against_chance,
    against_other_level,
    against_others,
    at_least,
    common_effects,
    interest,
)

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def test_a_unit_is_interesting_when_nine_of_ten_decisions_lean_one_way():
    nine, eight = [1.0] * 9 + [-1.0], [1.0] * 8 + [-1.0] * 2
    found = interest(column(*nine, *eight, *(-one for one in nine)), np.repeat([0, 1, 2], 10))
    assert found.interesting.tolist() == [2]  # the first and the last: |.9 − .5| and |.1 − .5| are .4


def test_one_of_whom_little_is_determined_is_not_interesting():
    # one decision of five determined: .8 of them say nothing, more than .75; one of four: .75
    found = interest(column(1, NAN, NAN, NAN, NAN, 1, NAN, NAN, NAN), np.repeat([0, 1], [5, 4]))
    assert found.interesting.tolist() == [1]
    assert found.determined[:, 0].tolist() == [1, 1]


def test_strength_is_the_root_mean_square_of_leans():
    # leans 1 and −2 of two units, nothing of the third: √((1 + 4)/2)
    found = interest(column(0.5, 1.5, -2, NAN), np.array([0, 0, 1, 2]))
    assert found.strength == pytest.approx(np.sqrt(2.5))
    assert found.by_unit[:2] == pytest.approx([1, 2])
    assert np.isnan(found.by_unit[2])


def test_people_are_compared_with_all_of_their_period():
    advantage, period = column(1, 2, 3, 6, 9, 1), np.array([0, 0, 0, 0, 1, 1])
    found = against_others(advantage, period)
    assert found[:4, 0] == pytest.approx([-2, -1, 0, 3])
    assert np.isnan(found[4:]).all()  # two are too few: one against one


def test_a_feature_is_compared_with_the_other_side_of_the_same_period():
    advantage = column(1, 3, 5, 9, 4)
    level = np.array([0, 0, 1, 1, NAN])
    found = against_other_level(advantage, np.zeros(5, np.int64), level)
    assert found[:4, 0] == pytest.approx([7 - 1, 7 - 3, 5 - 2, 9 - 2])
    assert np.isnan(found[4, 0])
    alone = against_other_level(advantage, np.array([0, 0, 0, 1, 0]), level)
    assert np.isnan(alone).all()


def test_the_observed_one_counts_among_the_resamples():
    assert at_least(2.0, np.array([1.0, 2.0, 3.0])) == pytest.approx(3 / 4)
    assert at_least(9.0, np.arange(19.0)) == pytest.approx(11 / 20)
    assert at_least(99.0, np.arange(19.0)) == pytest.approx(1 / 20)


def test_without_resamples_there_is_no_answer():
    with pytest.raises(Invalid, match="resampled"):
        against_chance(interest(column(1.0), np.array([0])), [])


def test_common_effects_are_right_whatever_rewards_are_without_an_action():
    # a baseline of 0 to 100 that goes with how likely the action was, and 2 and −1 added: exact without noise
    rng = np.random.default_rng(1)
    share = rng.uniform(0.1, 0.4, 100_000)
    probability = np.stack([1 - 2 * share, share, share], axis=1)
    action = (rng.random(len(share))[:, None] > probability.cumsum(axis=1)).sum(axis=1)
    reward = 10 * share + np.array([0.0, 2.0, -1.0])[action]
    found = common_effects(reward, action, probability)
    # sd of the baseline .87; of a mean over some 25,000 draws about .01
    assert found == pytest.approx([0, 2, -1], abs=0.04)
