"""The smooth rule for two actions: the mean of a smooth step over the belief."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, roots_hermitenorm

from engagement.bandits.allocations.smooth import Smooth
from engagement.records import Scores
from engagement.strategy.strategy import Strategy
from support.courses import ONE_ROW

BOTH = np.array([[True, True]])


def chance(rule, mean, sd, available=BOTH):
    scores = Scores("normal", np.array([[0, mean]]), np.array([[0.0, sd]]))
    return rule.probabilities(scores, available, ONE_ROW)[0]


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [
        (0.0, 0.3, 0.5),  # no advantage: the middle
        (0.1, 0.0, 0.2 + 0.6 * 0.841344746),  # certain: Φ(10·.1)
        (0.2, 0.1, 0.2 + 0.6 * 0.921350396),  # Φ(2/√(1 + 100·.01)) = Φ(√2)
        (5.0, 0.0, 0.8),
        (-5.0, 0.0, 0.2),
    ],
)
def test_the_chance_of_the_action_by_its_advantage(mean, sd, expected):
    assert chance(Smooth(), mean, sd)[1] == pytest.approx(expected, abs=1e-8)


def test_an_advantage_must_pass_the_threshold():
    assert chance(Smooth(threshold=2.0), 0.2, 0.4) == pytest.approx([0.5, 0.5])


def test_the_advantage_counts_where_both_scores_are_uncertain():
    scores = Scores("beta", np.array([[0.4, 0.6]]), np.array([[0.06, 0.08]]))
    rho = Smooth().probabilities(scores, BOTH, ONE_ROW)
    assert rho[0] == pytest.approx(chance(Smooth(), 0.2, 0.1))  # .06² + .08² = .1²


@given(st.floats(-0.5, 0.5), st.floats(0, 0.3), st.floats(1, 20), st.floats(-2, 2))
def test_it_is_the_mean_of_the_step_over_the_belief(mean, sd, steepness, threshold):
    rule = Smooth(steepness=steepness, threshold=threshold)
    x, weight = roots_hermitenorm(200)
    step = ndtr(steepness * (mean + sd * x) - threshold)
    expected = 0.2 + 0.6 * np.sum(weight * step) / np.sqrt(2 * np.pi)
    assert chance(rule, mean, sd)[1] == pytest.approx(expected, abs=1e-6)


def test_what_alone_is_available_has_all_of_it():
    assert chance(Smooth(), 0.3, 0.1, np.array([[True, False]])).tolist() == [1, 0]


def test_a_strategy_with_more_actions_is_refused_in_words():
    with pytest.raises(ValueError, match="among 2 actions, `none` among them; the strategy has 3"):
        Strategy(id="s", title="S", actions=("a", "b"), allocation=Smooth())
    assert Strategy(id="s", title="S", actions=("a",), allocation=Smooth())


@pytest.mark.parametrize(
    "wrong", [{"low": 0.9}, {"high": 1.1}, {"low": -0.1}, {"steepness": 0.0}, {"threshold": np.nan}]
)
def test_bounds_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"probabilities|positive"):
        Smooth(**wrong)
