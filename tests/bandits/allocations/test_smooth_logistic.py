"""The generalised logistic step, averaged over the belief."""

from math import exp, pi, sqrt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad

from engagement.bandits.allocations.smooth_logistic import SmoothLogistic
from engagement.records import Scores
from engagement.strategy.strategy import Strategy
from support.courses import ONE_ROW

BOTH = np.array([[True, True]])


def chance(rule, mean, sd, available=BOTH):
    scores = Scores("normal", np.array([[0, mean]]), np.array([[0.0, sd]]))
    return rule.probabilities(scores, available, ONE_ROW)[0]


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (0.0, 0.2 + 0.6 / 4),  # 1/(1 + 3)
        (np.log(3) / 20, 0.5),  # where 3·e^(−20x) = 1
        (5.0, 0.8),
        (-5.0, 0.2),
    ],
)
def test_where_the_advantage_is_certain_the_chance_is_the_step(mean, expected):
    assert chance(SmoothLogistic(), mean, 0.0)[1] == pytest.approx(expected)


def test_a_power_makes_the_step_rise_later():
    assert chance(SmoothLogistic(power=2.0), 0.0, 0.0)[1] == pytest.approx(0.2 + 0.6 / 16)


def test_an_even_step_is_at_its_middle_where_nothing_is_known():
    assert chance(SmoothLogistic(shift=1.0), 0.0, 0.4) == pytest.approx([0.5, 0.5])


@given(
    st.floats(-0.5, 0.5),
    st.floats(0.001, 1.0),
    st.floats(1, 22),
    st.floats(0.2, 6),
    st.floats(0.3, 3),
)
@example(mean=0.02, sd=1.0, steepness=22.0, shift=3.0, power=1.0)  # where the stated precision ends
def test_it_is_the_mean_of_the_step_over_the_belief(mean, sd, steepness, shift, power):
    rule = SmoothLogistic(steepness=steepness, shift=shift, power=power)

    def integrand(x):
        density = exp(-(((x - mean) / sd) ** 2) / 2) / (sd * sqrt(2 * pi))
        return density / (1 + shift * exp(-steepness * x)) ** power

    bends = [mean, np.log(shift) / steepness]
    expected, _ = quad(
        integrand, mean - 9 * sd, mean + 9 * sd, points=bends, limit=400, epsabs=1e-8, epsrel=1e-8
    )
    # B·sd ≤ 22: the step is known to 10⁻⁶
    assert chance(rule, mean, sd)[1] == pytest.approx(0.2 + 0.6 * expected, abs=1e-6)


def test_a_belief_wider_than_any_step_keeps_the_chance_between_its_bounds():
    assert 0.2 <= chance(SmoothLogistic(), 0.0, 1e6)[1] <= 0.8


def test_what_alone_is_available_has_all_of_it():
    assert chance(SmoothLogistic(), 0.3, 0.1, np.array([[True, False]])).tolist() == [1, 0]


def test_a_strategy_with_more_actions_is_refused_in_words():
    with pytest.raises(ValueError, match="among 2 actions, `none` among them; the strategy has 3"):
        Strategy(id="s", title="S", actions=("a", "b"), allocation=SmoothLogistic())


@pytest.mark.parametrize(
    "wrong",
    [{"low": 0.9}, {"high": 1.1}, {"low": -0.1}, {"steepness": 0.0}, {"shift": 0.0}, {"power": np.nan}],
    ids=str,
)
def test_a_step_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=r"probabilities|positive"):
        SmoothLogistic(**wrong)
