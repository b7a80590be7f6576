"""Bounds, units and the draw, by hand and as laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.propensity import bounded, in_units, pick
from engagement.errors import Unusable

ONE = 2**32
LAST_UNIFORM = 2**53 - 1


def floats(*rows):
    return np.array(rows, dtype=np.float64)


def flags(*rows):
    return np.array(rows, dtype=bool)


def units(*rows):
    return np.array(rows, dtype=np.uint64)


@st.composite
def distributions(draw):
    """One row of 1 to 16 probabilities, some of them 0."""
    weight = np.array(draw(st.lists(st.sampled_from([0, 0.1, 1, 3, 1e-9, 1e6]), min_size=1, max_size=16)))
    return floats(weight / weight.sum()) if weight.any() else floats(np.full(len(weight), 1 / len(weight)))


def test_the_floor_is_given_to_each_and_the_rest_follows_rho():
    # .1 + (1 − 3·.1)·ρ
    pi = bounded(floats([1, 0, 0]), flags([True, True, True]), 0.1)
    assert pi[0] == pytest.approx([0.8, 0.1, 0.1])


def test_the_floor_counts_available_actions_only():
    # .1 + (1 − 2·.1)·ρ
    pi = bounded(floats([0.5, 0, 0.5]), flags([True, False, True]), 0.1)
    assert pi[0] == pytest.approx([0.5, 0, 0.5])


def test_an_unavailable_action_has_no_floor():
    assert bounded(floats([1, 0]), flags([True, False]), 0.1)[0, 1] == 0


@pytest.mark.parametrize("floor", [1 / 3, 0.5, 1.0])
def test_a_floor_beyond_what_there_is_gives_uniform(floor):
    pi = bounded(floats([1, 0, 0, 0]), flags([True, True, True, False]), floor)
    assert pi[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_with_one_action_available_its_probability_is_exactly_one():
    assert bounded(floats([0, 1]), flags([False, True]), 0.3)[0, 1] == 1


def test_each_row_may_have_a_floor_of_its_own():
    pi = bounded(floats([1, 0], [1, 0]), flags([True, True], [True, True]), floats([0.1], [0.2]))
    assert pi[:, 1] == pytest.approx([0.1, 0.2])


def test_each_action_may_have_a_floor_of_its_own():
    # .25 + .65·ρ and .1 + .65·ρ: the action stays in [.1, .75]
    pi = bounded(floats([1, 0], [0, 1], [0.6, 0.4]), flags(*[[True, True]] * 3), floats([0.25, 0.1])[0])
    assert pi == pytest.approx(floats([0.9, 0.1], [0.25, 0.75], [0.64, 0.36]))


def test_floors_of_more_than_there_is_keep_their_proportions():
    pi = bounded(floats([1, 0, 0]), flags([True, True, True]), floats([0.9, 0.6, 0])[0])
    assert pi[0] == pytest.approx([0.6, 0.4, 0])


def test_the_floors_of_what_is_unavailable_are_not_given():
    assert bounded(floats([1, 0]), flags([True, False]), floats([0.25, 0.1])[0]).tolist() == [[1, 0]]


@pytest.mark.parametrize("rho", [[np.nan, 1], [0.5, 0.4], [-0.5, 1.5], [np.inf, 0]])
def test_a_rho_that_is_no_probability_is_unusable(rho):
    with pytest.raises(Unusable):
        bounded(floats(rho), flags([True, True]), 0.1)


def test_a_rho_that_wants_an_unavailable_action_is_unusable():
    with pytest.raises(Unusable):
        bounded(floats([0.5, 0.5]), flags([True, False]), 0.1)


@pytest.mark.parametrize("floor", [-0.1, 1.1, np.nan])
def test_a_floor_that_is_no_probability_is_refused(floor):
    with pytest.raises(ValueError, match="floor"):
        bounded(floats([0.5, 0.5]), flags([True, True]), floor)


def test_a_row_without_actions_is_refused():
    with pytest.raises(ValueError, match="available"):
        bounded(floats([0.5, 0.5]), flags([False, False]), 0.1)


@given(distributions(), st.floats(0, 1))
def test_bounds_keep_a_probability_a_probability(rho, floor):
    pi = bounded(rho, flags([True] * rho.shape[1]), floor)
    least = min(floor, 1 / rho.shape[1])
    assert pi.sum() == pytest.approx(1)
    # two roundings of 2⁻⁵³ each
    assert (pi >= least * (1 - 2**-51)).all()


def test_halves_and_quarters_are_exact_in_units():
    assert in_units(floats([0.5, 0.25, 0.25])).tolist() == [[2**31, 2**30, 2**30]]


def test_the_unit_left_over_by_three_thirds_goes_to_the_first():
    # 2³² = 3·1431655765 + 1
    assert in_units(floats([1 / 3, 1 / 3, 1 / 3])).tolist() == [[1431655766, 1431655765, 1431655765]]


def test_the_unit_left_over_goes_to_the_largest_remainder():
    # ¼ units over at the first, ¾ at the second
    pi = floats([2**31 + 0.25, 2**31 - 0.25]) / ONE
    assert in_units(pi).tolist() == [[2**31, 2**31]]


def test_what_has_no_probability_gets_no_unit():
    assert in_units(floats([1 / 3, 0, 1 / 3, 1 / 3, 0]))[0, [1, 4]].tolist() == [0, 0]


@given(distributions())
def test_units_sum_to_one_exactly(pi):
    assert sum(in_units(pi)[0].tolist()) == ONE


@given(distributions())
def test_no_unit_count_is_further_than_one_from_its_probability(pi):
    # beside rounding in normalising a row: 2³² of an error of some 2⁻⁵²
    assert (np.abs(in_units(pi) - pi * ONE) < 1 + 1e-5).all()


@given(distributions())
def test_units_are_zero_where_the_probability_is(pi):
    assert not in_units(pi)[pi == 0].any()


@given(st.lists(distributions(), min_size=1, max_size=5))
def test_units_of_a_row_do_not_depend_on_the_rows_beside_it(rows):
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows]
    alone = [in_units(row) for row in padded]
    assert in_units(np.vstack(padded)).tobytes() == np.vstack(alone).tobytes()


@pytest.mark.parametrize("pi", [[0.5, 0.6], [np.nan, 1], [-0.1, 1.1], [0, 0]])
def test_what_is_no_probability_has_no_units(pi):
    with pytest.raises(Unusable):
        in_units(floats(pi))


@pytest.mark.parametrize(
    ("leading_bits", "action"), [(0, 0), (2**30 - 1, 0), (2**30, 2), (2**31, 2), (2**32 - 1, 2)]
)
def test_the_draw_is_the_first_index_whose_cumulative_units_exceed_it(leading_bits, action):
    assert pick(units([2**30, 0, 3 * 2**30]), [leading_bits << 21]).tolist() == [action]


def test_only_the_leading_32_bits_of_the_uniform_are_looked_at():
    assert pick(units([2**30, 3 * 2**30]), [(2**30 << 21) - 1]).tolist() == [0]


@pytest.mark.parametrize("uniform", [0, LAST_UNIFORM])
def test_the_first_and_the_last_uniform_find_the_only_action(uniform):
    assert pick(units([0, ONE, 0]), [uniform]).tolist() == [1]


@given(distributions(), st.integers(0, LAST_UNIFORM))
def test_an_action_without_units_is_never_drawn(pi, uniform):
    row = in_units(pi)
    assert row[0, pick(row, [uniform])[0]] > 0


def test_every_row_is_drawn_with_its_own_uniform():
    rows = units([2**31, 2**31], [2**31, 2**31])
    assert pick(rows, np.array([0, LAST_UNIFORM])).tolist() == [0, 1]


def test_counting_every_leading_value_gives_each_action_its_units():
    # 8 equally spaced uniforms against eighths: 1, 0, 4 and 3 of them
    eighth = ONE // 8
    rows = np.tile(units([eighth, 0, 4 * eighth, 3 * eighth]), (8, 1))
    drawn = pick(rows, [i << 50 for i in range(8)])
    assert np.bincount(drawn, minlength=4).tolist() == [1, 0, 4, 3]


@pytest.mark.parametrize("uniform", [[-1], [2**53], [0, 0]], ids=["negative", "too large", "too many"])
def test_what_is_no_uniform_is_refused(uniform):
    with pytest.raises(ValueError, match="uniform"):
        pick(units([ONE]), uniform)


@pytest.mark.parametrize("row", [[1, 2], [ONE + 1, 2**64 - 1]], ids=["too few", "wraps around to 2³²"])
def test_units_that_do_not_sum_to_one_are_refused(row):
    with pytest.raises(ValueError, match="sum"):
        pick(units(row), [0])
