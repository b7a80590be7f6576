"""The minimum service: what must be certain this week so that no promise is broken later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import Invalid
from engagement.strategy.promise import NEVER, most_certain, promised


def of(due, visits, epsilon=0.0, lot=None):
    """What is promised to units with these weeks left; the lot is their order unless given."""
    order = np.arange(len(due)) if lot is None else np.array(lot)
    return promised(np.array(due, np.int64), visits, epsilon, order)


def test_who_is_due_this_week_is_certain():
    assert of([1, 9, 9], 1).due[0] == 1


def test_who_is_overdue_is_certain():
    assert of([-3, 9, 9], 1).forced == 1


def test_without_a_promise_nothing_is_certain_and_nobody_has_a_least_chance():
    made = of([NEVER, NEVER], 1)
    assert (made.forced, made.due.tolist()) == (0, [np.inf, np.inf])


def test_three_due_in_two_weeks_with_one_visit_a_week_cannot_be_served():
    with pytest.raises(Invalid, match="needs 2 visits this week, and the health workers have time for 1"):
        of([2, 2, 2, NEVER], 1)


def test_four_due_in_two_weeks_with_two_visits_a_week_make_both_of_this_week_certain():
    assert of([2, 2, 2, 2, NEVER], 2).forced == 2


def test_three_due_in_two_weeks_with_two_visits_a_week_make_one_certain():
    """Three must be gone in two weeks and next week takes two of them: one has to go now."""
    assert of([2, 2, 2, NEVER], 2).forced == 1


def test_between_units_due_alike_the_lot_decides():
    assert of([2, 2, 2, NEVER], 2, lot=[2, 0, 1, 3]).due.tolist()[1] == 1


def test_who_is_due_first_goes_before_whom_the_lot_favours():
    assert of([3, 1, 3], 1, lot=[0, 2, 1]).due[1] == 1


def test_who_is_not_certain_keeps_its_weeks():
    assert of([4, 6, NEVER, NEVER], 2).due.tolist() == [4, 6, np.inf, np.inf]


def test_the_part_left_to_chance_cannot_be_promised():
    """10 visits, 40 units, ε = .2: certain ones c leave 10 − c for 40 − c units that keep .05 each: c = 8."""
    assert most_certain(40, 10, 0.2) == 8


def test_beside_promises_that_fit_chance_keeps_its_part():
    assert of([1, 1, 1, *[NEVER] * 7], 5, epsilon=0.2).epsilon == 0.2


def test_where_promises_need_more_chance_gives_way_as_far_as_they_do():
    """10 units, 5 visits, 4 certain: the fifth is shared by the other 6, 1/6 each, which is ε·5/10."""
    assert of([1, 1, 1, 1, *[NEVER] * 6], 5, epsilon=0.8).epsilon == pytest.approx(1 / 3)


def test_where_all_visits_are_promised_nothing_is_left_to_chance():
    assert of([1, NEVER, NEVER], 1, epsilon=0.1).epsilon == 0


def test_where_there_is_a_visit_for_everybody_all_are_certain():
    assert most_certain(3, 3, 1.0) == 3


@given(st.integers(1, 8), st.integers(1, 12), st.integers(1, 40), st.sampled_from([0.0, 0.1, 0.3]), st.data())
def test_a_promise_that_can_be_kept_is_kept_whoever_else_is_drawn(weeks, visits, units, epsilon, data):
    """No more units than weeks times visits; what is not certain in a week is anybody's."""
    if units > weeks * visits:
        return
    left = np.full(units, weeks)
    for _ in range(2 * weeks + 1):
        made = promised(left, min(visits, units), epsilon, np.arange(units))
        others = np.flatnonzero(made.due > 1)
        rest = data.draw(st.permutations(others.tolist()))[: min(visits, units) - made.forced]
        gone = [*np.flatnonzero(made.due <= 1).tolist(), *rest]
        assert set(np.flatnonzero(left <= 1)) <= set(gone)
        left = left - 1
        left[gone] = weeks
