"""How often each unit is visited: by hand, and as laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.inclusion import (
    in_units,
    mixed,
    promised,
    top_shares,
    within,
)
from engagement.errors import Invalid, Unusable

ONE = 2**32


def floats(*numbers):
    return np.array(numbers, dtype=np.float64)


def ones(count):
    return np.ones(count, dtype=np.int64)


@st.composite
def pools(draw):
    """Inclusion probabilities with their sum, from draws of an index with many ties."""
    units = draw(st.integers(1, 8))
    visits = draw(st.integers(0, units))
    rows = draw(st.lists(st.lists(st.integers(0, 3), min_size=units, max_size=units), min_size=1, max_size=4))
    return top_shares(np.array(rows, dtype=np.float64), ones(units), visits), visits


def test_the_first_b_of_a_draw_are_visited():
    assert top_shares(floats([3, 1, 2]).reshape(1, 3), ones(3), 2).tolist() == [1, 0, 1]


def test_units_equal_to_the_last_share_what_is_left():
    # one visit above, then one for the three that are equal
    shares = top_shares(floats([5, 2, 2, 2, 1]).reshape(1, 5), ones(5), 2)
    assert shares == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])


def test_a_share_is_the_mean_over_the_draws():
    assert top_shares(np.array([[2.0, 1], [2, 1], [2, 1], [1, 2]]), ones(2), 1).tolist() == [0.75, 0.25]


def test_a_cell_of_equal_units_counts_as_many_as_it_holds():
    # 5 visits: the 2 of the first cell, then 3 for the 4 of the second
    shares = top_shares(floats([9, 5, 1]).reshape(1, 3), np.array([2, 4, 7]), 5)
    assert shares.tolist() == [1, 0.75, 0]


def test_an_empty_cell_takes_nothing():
    assert top_shares(floats([9, 5]).reshape(1, 2), np.array([0, 2]), 1)[1] == 0.5


@given(pools())
def test_shares_sum_to_the_visits(pool):
    share, visits = pool
    assert share.sum() == pytest.approx(visits, abs=1e-12)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.data())
def test_units_of_one_index_have_one_share(index, data):
    visits = data.draw(st.integers(0, len(index)))
    share = top_shares(floats(index).reshape(1, -1), ones(len(index)), visits)
    assert all(len({share[i] for i in range(len(index)) if index[i] == value}) == 1 for value in index)


def test_an_index_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not a number"):
        top_shares(np.array([[np.nan, 1.0]]), ones(2), 1)


@pytest.mark.parametrize("visits", [-1, 3])
def test_more_visits_than_units_are_refused(visits):
    with pytest.raises(ValueError, match="visits"):
        top_shares(np.ones((1, 2)), ones(2), visits)


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="index"):
        top_shares(np.ones((0, 2)), ones(2), 1)


def test_a_part_of_the_visits_is_given_to_all_alike():
    # ¾·(1, 0, 0, 0) + ¼·1/4
    assert mixed(floats(1, 0, 0, 0), 1, 0.25) == pytest.approx([13 / 16, 1 / 16, 1 / 16, 1 / 16])


@given(pools(), st.floats(0, 1))
def test_mixing_keeps_the_sum_the_floor_and_the_cap(pool, epsilon):
    share, visits = pool
    pi = mixed(share, visits, epsilon)
    rate = visits / len(share)
    assert pi.sum() == pytest.approx(visits, abs=1e-12)
    assert pi.min() >= epsilon * rate - 1e-12
    assert pi.max() <= 1 - epsilon * (1 - rate) + 1e-12


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan])
def test_a_part_that_is_no_share_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon"):
        mixed(floats(1, 0), 1, epsilon)


@pytest.mark.parametrize("share", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1]])
def test_shares_that_do_not_make_the_visits_are_unusable(share):
    with pytest.raises(Unusable):
        mixed(floats(*share), 1, 0.1)


def test_who_must_be_seen_within_four_periods_is_visited_with_a_quarter_at_least():
    assert promised(floats(4, np.inf, np.inf), 2, 0.1).tolist() == [0.25, 0.1, 0.1]


@pytest.mark.parametrize("due", [1, 0, -3])
def test_who_is_due_now_or_overdue_is_certain(due):
    assert promised(floats(due, np.inf), 1, 0.0)[0] == 1


def test_a_promise_in_the_far_future_asks_for_no_more_than_the_floor():
    assert promised(floats(50, 50), 1, 0.1).tolist() == [0.1, 0.1]


def test_where_visits_are_too_few_the_most_urgent_come_first():
    # one is certain; of the one visit left the two that are due next take ½ each, and nothing is left
    assert promised(floats(1, 2, 2, 3), 2, 0.0).tolist() == [1, 0.5, 0.5, 0]


def test_what_is_left_for_the_less_urgent_is_shared_alike():
    # of one visit the first takes ½, and each of the two others ¼ instead of ⅓
    assert promised(floats(2, 3, 3), 1, 0.0) == pytest.approx([0.5, 0.25, 0.25])


def test_the_floor_gives_way_to_what_is_due_now():
    # one visit is left for four, who would have .3 each
    assert promised(floats(1, *[np.inf] * 4), 2, 0.3).tolist() == [1, 0.25, 0.25, 0.25, 0.25]


@given(st.lists(st.sampled_from([1, 2, 3, 8, np.inf]), min_size=1, max_size=9), st.data())
def test_promises_come_to_no_more_than_the_visits(due, data):
    visits = data.draw(st.integers(due.count(1), len(due)))
    floor = data.draw(st.floats(0, 1)) * visits / len(due)
    # nine terms, each rounded to 2⁻⁵³
    assert promised(floats(*due), visits, floor).sum() <= visits + 1e-14


def test_more_visits_due_now_than_there_are_are_refused():
    with pytest.raises(Invalid, match="2 visits are promised"):
        promised(floats(1, 0, 5), 1, 0.1)


def test_limits_that_are_kept_change_nothing():
    pi = floats(0.7, 0.3)
    assert within(pi, 1, floats(0.1, 0.1), floats(0.9, 0.9)) is pi


def test_what_a_floor_takes_is_taken_from_all_others_alike():
    # the first must have ½, .3 more than it has; μ = −.15 for the two others
    pi = within(floats(0.2, 0.4, 0.4), 1, floats(0.5, 0, 0), floats(1, 1, 1))
    assert pi == pytest.approx([0.5, 0.25, 0.25])


def test_what_a_cap_frees_is_given_to_all_others_alike():
    pi = within(floats(0.8, 0.1, 0.1), 1, floats(0, 0, 0), floats(0.6, 1, 1))
    assert pi == pytest.approx([0.6, 0.2, 0.2])


@given(pools(), st.data())
def test_limits_are_kept_and_the_sum_with_them(pool, data):
    share, visits = pool
    numbers = st.lists(st.floats(0, 1), min_size=len(share), max_size=len(share))
    low, high = np.sort(np.array([data.draw(numbers), data.draw(numbers)]), axis=0)
    try:
        pi = within(share, visits, low, high)
    except Invalid:
        assert low.sum() > visits or high.sum() < visits
        return
    assert abs(pi.sum() - visits) <= 1e-9
    assert ((pi >= low) & (pi <= high)).all()


@given(pools(), st.data())
def test_no_other_probabilities_between_the_limits_are_nearer(pool, data):
    share, visits = pool
    least = data.draw(st.floats(0, 1))
    low, high = np.full(len(share), least * visits / len(share)), np.ones(len(share))
    pi = within(share, visits, low, high)
    index = data.draw(st.lists(st.integers(0, 3), min_size=len(share), max_size=len(share)))
    other = mixed(top_shares(floats(index).reshape(1, -1), ones(len(share)), visits), visits, least)
    # the way from the nearest point to any other that keeps the limits leads away from the share
    assert np.dot(pi - share, other - pi) >= -1e-9


def test_limits_below_which_the_visits_do_not_reach_are_refused():
    with pytest.raises(Invalid, match=r"1\.50"):
        within(floats(1 / 3, 1 / 3, 1 / 3), 1, floats(0.5, 0.5, 0.5), floats(1, 1, 1))


def test_more_visits_than_may_be_made_are_refused():
    with pytest.raises(Invalid, match=r"0\.80"):
        within(floats(0.5, 0.5), 1, floats(0, 0), floats(0.4, 0.4))


def test_limits_the_wrong_way_round_are_refused():
    with pytest.raises(Invalid, match="least"):
        within(floats(0.5, 0.5), 1, floats(0.6, 0), floats(0.5, 1))


def test_thirds_in_units_give_what_is_left_over_to_the_first():
    # 2³² = 3·1431655765 + 1
    assert in_units(floats(1 / 3, 1 / 3, 1 / 3), 1).tolist() == [1431655766, 1431655765, 1431655765]


def test_what_is_certain_is_exactly_one_in_units():
    assert in_units(floats(1, 0.5, 0.5, 0), 2).tolist() == [ONE, ONE // 2, ONE // 2, 0]


def test_what_rounding_gave_too_much_is_taken_from_the_smallest_remainder():
    # half a unit more than there is, within the tolerance of a sum; 2³² = 2·2³¹
    assert in_units(floats(0.5, 0.5 + 1.0 / ONE), 1).tolist() == [ONE // 2 - 1, ONE // 2 + 1]


@given(pools(), st.floats(0, 1))
def test_units_sum_to_whole_visits_exactly(pool, epsilon):
    share, visits = pool
    assert sum(in_units(mixed(share, visits, epsilon), visits).tolist()) == visits * ONE


@given(pools(), st.floats(0, 1))
def test_no_unit_count_is_further_than_one_from_its_probability(pool, epsilon):
    share, visits = pool
    pi = mixed(share, visits, epsilon)
    # Σπ of at most 8 terms is off by less than 2⁻⁵⁰, a small part of a unit
    assert (np.abs(in_units(pi, visits) - pi * ONE) < 1 + 1e-5).all()
