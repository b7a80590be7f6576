"""What a visit to a unit is worth: with and without an end in sight, and unheard of."""

import numpy as np
import pytest

from engagement.bandits.restless.index import LONGEST_SILENCE, Phases, of_cells, worth
from engagement.bandits.restless.whittle import whittle

REWARD = np.array([0.0, 1.0])
# the second cluster is the first after its end: whoever does well stays so, and nobody recovers
BEFORE = [[[0.75, 0.25], [0.5, 0.5]], [[0.25, 0.75], [0.5, 0.5]]]
AFTER = [[[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]]
CHAINS = np.array([[BEFORE, AFTER]])
ENDLESS = Phases(np.array([np.inf, np.inf]), np.array([0, 0]))
# not indexable, as markovianbandit-pkg 0.4 finds too
STRANGE = np.array([[[[4, 6, 0], [9, 1, 0], [7, 0, 3]], [[5, 0, 5], [0, 10, 0], [5, 1, 4]]]]) / 10
THIRDS = np.array([0, 0.5, 1])


def cells(unheard):
    return np.array([0]), np.array([1]), np.array([unheard])


def test_with_no_end_in_sight_the_index_is_the_endless_one():
    assert (
        worth(CHAINS, REWARD, 0.9, ENDLESS).value[0].tolist()
        == whittle(CHAINS[0], REWARD, 0.9).value.tolist()
    )


def test_in_the_last_period_the_index_counts_what_lasts_after_the_end():
    # β = ½. Afterwards, from 1: U = ½·(½ + ½U), U = 1/3; from 0 nothing.
    # A visit in 0: β·(¾ − ¼)·(1 + U) = ¼·4/3
    phases = Phases(np.array([1.0, np.inf]), np.array([1, 0]))
    assert worth(CHAINS, REWARD, 0.5, phases).value[0, 0] == pytest.approx([1 / 3, 0])


def test_an_end_of_one_cluster_changes_no_other():
    phases = Phases(np.array([3.0, np.inf]), np.array([1, 0]))
    endless = worth(CHAINS, REWARD, 0.9, ENDLESS).value[0, 1]
    assert worth(CHAINS, REWARD, 0.9, phases).value[0, 1].tolist() == endless.tolist()


def test_where_there_is_no_index_the_gain_of_the_next_period_stands_in():
    # β·½·differences of the mean next state: (5 + …) by hand: ½·(1.0 − .6), ½·(1.0 − .1), ½·(.9 − .6)
    phases = Phases(np.array([np.inf]), np.array([0]))
    found = worth(STRANGE[None], THIRDS, 0.9, phases)
    assert found.value[0, 0] == pytest.approx([0.9 * 0.2, 0.9 * 0.45, 0.9 * 0.15])


def test_how_often_something_stands_in_is_told():
    phases = Phases(np.array([np.inf, np.inf]), np.array([0, 0]))
    usual = np.array([[[8, 1, 1], [3, 4, 3], [1, 3, 6]], [[6, 2, 2], [2, 4, 4], [1, 2, 7]]]) / 10
    assert worth(np.stack([STRANGE[0], usual])[None], THIRDS, 0.9, phases).replaced.tolist() == [
        [True, False]
    ]


def test_a_unit_heard_of_has_the_index_of_its_state():
    assert of_cells(np.array([[[4.0, 8.0]]]), CHAINS, *cells(0)).tolist() == [[8]]


def test_a_unit_unheard_of_has_the_mean_over_where_it_may_be():
    # from 1, after one unseen period, in either state with ½
    assert of_cells(np.array([[[4.0, 8.0]]]), CHAINS, *cells(1)).tolist() == [[6]]


def test_two_unseen_periods_are_two_steps():
    # from 1: ½ to each; then to 1 from 0 with ¼, from 1 with ½: 3/8 in 1
    assert of_cells(np.array([[[0.0, 8.0]]]), CHAINS, *cells(2)).tolist() == [[3]]


def test_a_very_long_silence_is_as_long_as_the_longest():
    value = np.array([[[4.0, 8.0]]])
    longest = of_cells(value, CHAINS, *cells(LONGEST_SILENCE))
    assert of_cells(value, CHAINS, *cells(LONGEST_SILENCE + 5)).tolist() == longest.tolist()


@pytest.mark.parametrize(("discount", "left"), [(1.0, np.inf), (0.9, 0.0)])
def test_an_endless_sum_and_a_phase_that_is_over_are_refused(discount, left):
    with pytest.raises(ValueError, match="discount"):
        worth(CHAINS, REWARD, discount, Phases(np.array([left, np.inf]), np.array([0, 0])))
