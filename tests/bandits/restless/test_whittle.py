"""Indices by hand, against another package's numbers, and against a search that knows no index."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.whittle import CHUNK_ARMS, whittle

# markovianbandit-pkg 0.4 (Gast, Gaujal, Khun), restless_bandit_from_P0P1_R0R1(…).whittle_indices(discount=…):
# transitions in tenths, rewards from 0 to 1 in equal steps, a discount of 1 is the average reward.
ELSEWHERE = [
    (0.9, [[[3, 7], [5, 5]], [[5, 5], [2, 8]]], [-0.24657534246575366, 0.22881355932203454]),
    (1.0, [[[3, 7], [7, 3]], [[3, 7], [3, 7]]], [0.0, 0.2857142857142857]),
    (
        0.9,
        [[[6, 2, 2], [3, 4, 3], [4, 2, 4]], [[2, 5, 3], [4, 3, 3], [5, 3, 2]]],
        [0.3105294467578826, -0.03813559322033899, -0.11440677966101723],
    ),
    (
        1.0,
        [[[7, 1, 2], [3, 3, 4], [3, 4, 3]], [[2, 5, 3], [5, 1, 4], [3, 3, 4]]],
        [0.5378787878787878, -0.0859375, 0.04545454545454544],
    ),
    (
        0.9,
        [
            [[1, 5, 2, 2], [1, 4, 2, 3], [4, 1, 1, 4], [1, 2, 3, 4]],
            [[4, 3, 1, 2], [0, 2, 8, 0], [2, 3, 1, 4], [0, 5, 3, 2]],
        ],
        [-0.19101841990790042, 0.007308115492185505, 0.07229912767612538, -0.0730011455334335],
    ),
    (
        1.0,
        [
            [[2, 2, 1, 5], [1, 0, 6, 3], [2, 1, 4, 3], [1, 1, 4, 4]],
            [[4, 0, 4, 2], [1, 1, 1, 7], [2, 3, 2, 3], [4, 1, 2, 3]],
        ],
        [-0.21383647798742142, 0.1501795625204049, -0.016711429424052487, -0.26149425287356326],
    ),
    (
        0.9,
        [
            [[1, 5, 3, 0, 1], [2, 1, 3, 0, 4], [0, 2, 2, 4, 2], [3, 2, 2, 2, 1], [3, 3, 0, 2, 2]],
            [[1, 2, 3, 3, 1], [3, 0, 2, 1, 4], [6, 0, 1, 1, 2], [0, 4, 2, 1, 3], [2, 0, 3, 2, 3]],
        ],
        [
            0.11044295224240203,
            -0.008725303141886576,
            -0.30592071730653025,
            0.17660106565487943,
            0.17022141952186498,
        ],
    ),
    (
        1.0,
        [
            [[0, 1, 3, 3, 3], [1, 3, 2, 1, 3], [1, 2, 4, 0, 3], [0, 3, 5, 2, 0], [3, 0, 3, 2, 2]],
            [[1, 2, 0, 5, 2], [3, 3, 2, 1, 1], [3, 1, 1, 2, 3], [2, 1, 3, 2, 2], [1, 3, 2, 3, 1]],
        ],
        [
            -0.07058795727384438,
            -0.17231125061952748,
            -0.00039459838653106705,
            0.06636335111390022,
            -0.027960063748007878,
        ],
    ),
]
NOT_INDEXABLE_ELSEWHERE = [
    [[[4, 6, 0], [9, 1, 0], [7, 0, 3]], [[5, 0, 5], [0, 10, 0], [5, 1, 4]]],
    [
        [[0, 10, 0, 0], [0, 9, 0, 1], [3, 2, 3, 2], [8, 0, 1, 1]],
        [[0, 1, 4, 5], [5, 1, 4, 0], [3, 5, 1, 1], [0, 6, 3, 1]],
    ],
]


def arm(tenths):
    """A batch of one arm."""
    return np.array([tenths]) / 10


def steps(states):
    """Rewards from 0 to 1."""
    return np.arange(states) / (states - 1)


@st.composite
def arms(draw, fewest=2, most=4):
    """One arm, whose rows are whole counts from 1 to 9, normalised."""
    size = draw(st.integers(fewest, most))
    row = st.lists(st.integers(1, 9), min_size=size, max_size=size)
    rows = np.array(draw(st.lists(row, min_size=2 * size, max_size=2 * size)), dtype=np.float64)
    return (rows / rows.sum(1, keepdims=True)).reshape(1, 2, size, size)


def advantage(arm, reward, discount, subsidy):
    """What a visit is worth more than none in each state, from the best of all 2^S policies."""
    states, best = len(reward), None
    for policy in product([0, 1], repeat=states):
        chain = arm[policy, range(states)]
        value = np.linalg.solve(np.eye(states) - discount * chain, reward + subsidy * (1 - np.array(policy)))
        if best is None or value.sum() > best.sum():
            best = value  # the best policy is best in every state at once
    return discount * (arm[1] - arm[0]) @ best - subsidy


def searched(arm, reward, discount):
    """Indices by halving an interval of subsidies, each state on its own."""
    found = []
    for state in range(len(reward)):
        low, high = -1 / (1 - discount), 1 / (1 - discount)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if advantage(arm, reward, discount, middle)[state] > 0 else (low, middle)
            )
        found.append(low)
    return found


@pytest.mark.parametrize(("discount", "tenths", "index"), ELSEWHERE)
def test_indices_are_those_of_another_package(discount, tenths, index):
    # both solve at most five 5 × 5 systems; ours agreed to 5e-12 on 8,000 random arms
    assert whittle(arm(tenths), steps(len(index)), discount).value[0] == pytest.approx(index, abs=1e-10)


def test_two_states_by_hand():
    # β = ½; without a visit ¼ → 1 from 0 and ½ from 1, with one ¾ and ½: δ = ½, 0.
    # D_P = 1 − ½(½ − ¼) = 7/8, D_A = 1 − ½(½ − ¾) = 9/8; W₀ = ½·½/(7/8) = 2/7, W₁ = 0
    chain = np.array([[[[0.75, 0.25], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]]])
    assert whittle(chain, steps(2), 0.5).value[0] == pytest.approx([2 / 7, 0])


def test_two_states_by_hand_where_the_visit_matters_more_in_the_better_one():
    # β = ½; without a visit ½ → 1 from 0 and ¼ from 1, with one ½ and ¾: δ = 0, ½.
    # D_P = 1 − ½(¼ − ½) = 9/8; W₀ = 0, W₁ = ½·½/(9/8) = 2/9
    chain = np.array([[[[0.5, 0.5], [0.75, 0.25]], [[0.5, 0.5], [0.25, 0.75]]]])
    assert whittle(chain, steps(2), 0.5).value[0] == pytest.approx([0, 2 / 9])


@given(arms(2, 2), st.sampled_from([0.3, 0.9, 1.0]))
def test_two_states_agree_with_three_of_which_one_is_never_entered(chain, discount):
    # the same chain with a worst state of its own, which the walk treats like any other
    wide = np.zeros((1, 2, 3, 3))
    wide[:, :, 1:, 1:] = chain
    wide[:, :, 0, 2] = 1
    index = whittle(wide, np.array([-1.0, 0, 1]), discount).value[0, 1:]
    # conditioned by 1/(1 − β), at most 10, and by 1/D, at most 10, times a few roundings
    assert index == pytest.approx(whittle(chain, steps(2), discount).value[0], abs=1e-10)


@given(arms(2, 3), st.sampled_from([0.5, 0.9]))
def test_indices_are_where_an_exhaustive_search_changes_its_mind(chain, discount):
    found = whittle(chain, steps(chain.shape[2]), discount)
    wanted = searched(chain[0], steps(chain.shape[2]), discount)
    assert not found.indexable[0] or found.value[0] == pytest.approx(wanted, abs=1e-9)


@given(arms(3, 3))
def test_a_discount_near_one_is_nearly_the_average_reward(chain):
    # every entry of the rows is at least 1/19, so that the bias and its slope in β are below 19² a state
    near, limit = (whittle(chain, steps(3), discount) for discount in (1 - 1e-7, 1.0))
    same = near.indexable & limit.indexable
    assert near.value[same] == pytest.approx(limit.value[same], abs=1e-4)


@given(arms(), st.floats(0.1, 50), st.floats(-100, 100))
def test_indices_are_in_units_of_the_reward_wherever_it_begins(chain, scale, start):
    reward = steps(chain.shape[2])
    plain, moved = whittle(chain, reward, 0.9), whittle(chain, start + scale * reward, 0.9)
    assert moved.value == pytest.approx(scale * plain.value, rel=1e-6, abs=1e-7, nan_ok=True)


@given(arms())
def test_where_a_visit_changes_nothing_it_is_worth_nothing(chain):
    chain[:, 1] = chain[:, 0]
    assert whittle(chain, steps(chain.shape[2]), 0.9).value[0] == pytest.approx(0, abs=1e-12)


def test_a_visit_to_a_state_that_is_never_left_is_worth_nothing():
    # dissolved; only then dormant and thriving, from which a visit helps
    left, visited = [[10, 0, 0], [5, 3, 2], [1, 3, 6]], [[10, 0, 0], [2, 4, 4], [1, 2, 7]]
    assert whittle(arm([left, visited]), steps(3), 0.9).value[0, 0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("tenths", NOT_INDEXABLE_ELSEWHERE)
def test_an_arm_without_an_index_is_reported(tenths):
    assert not whittle(arm(tenths), steps(len(tenths[0])), 0.9).indexable[0]


@pytest.mark.parametrize("tenths", NOT_INDEXABLE_ELSEWHERE)
def test_an_arm_without_an_index_gets_no_number(tenths):
    assert np.isnan(whittle(arm(tenths), steps(len(tenths[0])), 0.9).value).all()


def test_where_every_value_is_equal_the_index_is_zero_and_there_is_one():
    # from wherever, one of the two states of reward 1 is next
    tenths = [[[0, 7, 3], [0, 4, 6], [0, 7, 3]], [[0, 7, 3], [0, 8, 2], [0, 5, 5]]]
    assert whittle(arm(tenths), np.array([0.0, 1, 1]), 0.9).value[0] == pytest.approx(0, abs=1e-12)


def test_an_arm_is_computed_as_if_it_were_alone():
    chains = np.random.default_rng(1).dirichlet(np.ones(3), size=(CHUNK_ARMS + 3, 2, 3))
    alone = whittle(chains[-1:], steps(3), 0.9).value[0]
    assert whittle(chains, steps(3), 0.9).value[-1].tolist() == alone.tolist()


def test_each_arm_may_have_rewards_of_its_own():
    chains = np.tile(arm(ELSEWHERE[2][1]), (2, 1, 1, 1))
    value = whittle(chains, np.array([steps(3), 2 * steps(3)]), 0.9).value
    assert value[1] == pytest.approx(2 * value[0])


@pytest.mark.parametrize("states", [2, 3])
def test_an_average_that_depends_on_where_one_starts_is_refused(states):
    stays = np.broadcast_to(np.eye(states), (1, 2, states, states))
    with pytest.raises(ValueError, match="within reach"):
        whittle(stays, steps(states), 1.0)


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 2, 2, 3), (2, 2, 2)])
def test_other_shapes_than_chains_are_refused(shape):
    with pytest.raises(ValueError, match="N, 2, S, S"):
        whittle(np.full(shape, 0.5), np.zeros(2), 0.9)


@pytest.mark.parametrize("states", [1, 6])
def test_a_chain_of_one_or_of_six_states_is_refused(states):
    with pytest.raises(ValueError, match="2 to 5"):
        whittle(np.full((1, 2, states, states), 1 / states), np.zeros(states), 0.9)


@pytest.mark.parametrize("row", [[0.5, 0.6], [-0.5, 1.5], [np.nan, 1]])
def test_a_row_that_is_no_probability_is_refused(row):
    with pytest.raises(ValueError, match="probability"):
        whittle(np.broadcast_to(row, (1, 2, 2, 2)), steps(2), 0.9)


@pytest.mark.parametrize("discount", [0, 1.1, np.nan])
def test_a_discount_outside_its_range_is_refused(discount):
    with pytest.raises(ValueError, match="discount"):
        whittle(arm(ELSEWHERE[0][1]), steps(2), discount)


@pytest.mark.parametrize("reward", [[1, 0], [0, np.nan], [0, np.inf]])
def test_rewards_that_fall_or_are_no_numbers_are_refused(reward):
    with pytest.raises(ValueError, match="rewards"):
        whittle(arm(ELSEWHERE[0][1]), np.array(reward, dtype=np.float64), 0.9)
