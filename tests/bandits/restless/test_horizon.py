"""Indices with few periods left: by hand, by enumeration, and towards their limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.horizon import whittle_until, worth_unvisited
from engagement.bandits.restless.whittle import whittle

# without a visit ¼ → 1 from 0 and ½ from 1, with one ¾ and ½
CHAIN = np.array([[[[0.75, 0.25], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]]])
REWARD = np.array([0.0, 1.0])


def chains(states, count, seed=1):
    return np.random.default_rng(seed).dirichlet(np.ones(states), size=(count, 2, states))


def advantage(arm, reward, discount, periods, subsidy, state):
    """What a visit now is worth more than none, by recursion over every future."""

    def value(left, state, action):
        paid = subsidy * (action == 0)
        if left == 0:
            return 0.0
        ahead = [max(value(left - 1, j, 0), value(left - 1, j, 1)) for j in range(len(reward))]
        return paid + discount * sum(arm[action, state] * (reward + ahead))

    return value(periods, state, 1) - value(periods, state, 0)


def test_with_one_period_left_the_index_is_what_the_visit_earns_at_once():
    # β(¾ − ¼)·1 = ½·½
    assert whittle_until(CHAIN, REWARD, 0.5, 1).value[0] == pytest.approx([1 / 4, 0])


def test_what_a_state_is_worth_afterwards_counts_like_a_reward():
    # β·½·(1 + 3)
    after = np.array([0.0, 3.0])
    assert whittle_until(CHAIN, REWARD, 0.5, 1, after).value[0] == pytest.approx([1, 0])


def test_two_periods_by_hand():
    # At λ in (0, ¼) nobody in 1 and everybody in 0 is visited in the last period:
    # V₁(0) = ½·¾ = 3/8, V₁(1) = λ + ½·½. Advantage in 0: ½·½·(1 + V₁(1) − V₁(0)) − λ = ¼(7/8 + λ) − λ,
    # which is 0 at λ = 7/24 > ¼. At λ > ¼ V₁(0) = λ + ½·¼: ½·½·(1 + ⅛) − λ = 0 at λ = 9/32.
    assert whittle_until(CHAIN, REWARD, 0.5, 2).value[0, 0] == pytest.approx(9 / 32)


@given(st.integers(0, 10_000), st.integers(1, 4), st.sampled_from([0.6, 1.0]))
def test_at_its_index_a_state_is_indifferent(seed, periods, discount):
    arm = chains(2, 1, seed)
    index = whittle_until(arm, REWARD, discount, periods).value[0]
    left_over = [
        advantage(arm[0], REWARD, discount, periods, subsidy, state) for state, subsidy in enumerate(index)
    ]
    # 48 halvings of a cell of at most 2·4/64
    assert left_over == pytest.approx([0, 0], abs=1e-12)


@pytest.mark.parametrize("states", [2, 3, 5])
def test_with_many_periods_left_the_index_is_the_endless_one(states):
    arms, reward = chains(states, 20), np.arange(states) / (states - 1)
    endless, long = whittle(arms, reward, 0.8), whittle_until(arms, reward, 0.8, 120)
    # what comes after is worth 0.8¹²⁰/(1 − 0.8) = 1.2e-11 at most
    assert long.value == pytest.approx(endless.value, abs=1e-9, nan_ok=True)


def test_the_endless_worth_afterwards_makes_a_short_horizon_endless_for_a_visit_nobody_repeats():
    # Visits help nowhere but now, so that the unvisited worth is all there is to lose.
    before = chains(3, 1)
    before[0, 1] = before[0, 0]
    before[0, 1, 0] = before[0, 1, 2]
    reward = np.array([0.0, 0.5, 1.0])
    worth = worth_unvisited(before[0, 0], reward, 0.9)
    index = whittle_until(before, reward, 0.9, 1, worth).value[0, 0]
    assert index == pytest.approx(worth[2] - worth[0])


def test_the_worth_of_a_state_never_left_is_a_geometric_sum():
    # ½ + ¼ + … = 1 of each unit of reward
    assert worth_unvisited(np.eye(2), np.array([0.0, 3.0]), 0.5) == pytest.approx([0, 3])


def test_where_nothing_can_be_gained_the_index_is_zero():
    assert whittle_until(CHAIN, np.zeros(2), 0.9, 3).value[0].tolist() == [0, 0]


def test_an_arm_without_an_index_is_reported_without_a_number():
    # not indexable for endless time (`whittle` says so, exactly), and 60 periods at 0.9 are nearly that
    arm = np.array([[[[10, 0, 0], [0, 10, 0], [2, 0, 8]], [[7, 3, 0], [0, 0, 10], [0, 7, 3]]]]) / 10
    found = whittle_until(arm, np.array([0, 0.5, 1]), 0.9, 60)
    assert (found.indexable.tolist(), np.isnan(found.value).all()) == ([False], True)


def test_no_period_left_is_refused():
    with pytest.raises(ValueError, match="period"):
        whittle_until(CHAIN, REWARD, 0.9, 0)


def test_a_worth_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="afterwards"):
        whittle_until(CHAIN, REWARD, 0.9, 1, np.nan)


@pytest.mark.parametrize("discount", [0, 1])
def test_an_endless_sum_that_does_not_fade_is_refused(discount):
    with pytest.raises(ValueError, match="discount"):
        worth_unvisited(np.eye(2), REWARD, discount)
