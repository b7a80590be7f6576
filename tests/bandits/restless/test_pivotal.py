"""Exactly B, exactly as often as stated: all draws of small pools, and very many of a larger one."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtrc

from engagement.bandits.restless.inclusion import in_units
from engagement.bandits.restless.pivotal import Draws, drawn, keyed, line

ONE = 2**32
SECRET = b"a secret of sixteen or more bytes"
SHARES = np.array([0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9])
REDRAWS = 10_000
UNLIKELY = 1e-3
"""Of a correct sampler; the draws are keyed, so that the tests come out the same every time."""


def units(*quarters):
    return np.array(quarters, dtype=np.uint64) * (ONE // 4)


def draws(order, duel, turn=None):
    turn = range(len(order)) if turn is None else turn
    return Draws(*(np.array(list(part), dtype=np.int64) for part in (order, duel, turn)))


def redraws(shares):
    """Chosen units of many periods, and the first in line of each."""
    stored = in_units(shares, round(shares.sum()))
    names = [f"u{n}" for n in range(len(shares))]
    chosen, first = np.zeros((REDRAWS, len(shares)), bool), np.zeros(REDRAWS, np.int64)
    for period in range(REDRAWS):
        numbers = keyed(SECRET, "p", "plan", str(period), names)
        chosen[period] = drawn(stored, numbers)
        first[period] = line(stored, chosen[period], numbers)[0]
    return chosen, first


@pytest.fixture(scope="module")
def many():
    return redraws(SHARES)


@pytest.mark.parametrize("quarters", [(2, 1, 1), (3, 3, 2), (1, 2, 3, 2), (4, 3, 1, 0), (1, 1, 1, 1)])
def test_over_all_duels_each_unit_is_chosen_as_often_as_stated(quarters):
    # in quarters a duel is won with a multiple of 1/12, so 12 equally spaced numbers a unit are all there is
    twelfths = [(2 * k + 1) * 2**53 // 24 for k in range(12)]
    duels = list(product(twelfths, repeat=len(quarters)))
    count = sum(drawn(units(*quarters), draws(range(len(quarters)), duel)) for duel in duels)
    assert (count * 4).tolist() == [quarter * len(duels) for quarter in quarters]


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=9), st.integers(0, 2**31))
def test_exactly_as_many_are_chosen_as_the_shares_sum_to(shares, seed):
    missing = -sum(shares) % ONE
    stored = np.array([*shares, missing], dtype=np.uint64)
    rng = np.random.default_rng(seed)
    numbers = Draws(*rng.integers(0, 2**53, (3, len(stored))))
    assert drawn(stored, numbers).sum() * ONE == sum(stored.tolist())


@given(st.integers(0, 2**31))
def test_the_certain_are_always_chosen_and_the_impossible_never(seed):
    numbers = Draws(*np.random.default_rng(seed).integers(0, 2**53, (3, 5)))
    assert drawn(units(4, 2, 1, 1, 0), numbers)[[0, 4]].tolist() == [True, False]


def test_the_order_in_which_units_are_listed_changes_nothing():
    names = [f"u{n}" for n in range(len(SHARES))]
    stored, backwards = in_units(SHARES, 4), list(range(len(SHARES)))[::-1]
    forth = drawn(stored, keyed(SECRET, "p", "plan", "1", names))
    back = drawn(stored[backwards], keyed(SECRET, "p", "plan", "1", names[::-1]))
    assert forth.tolist() == back[backwards].tolist()


def test_frequencies_of_the_chosen_agree_with_the_shares(many):
    chosen, _ = many
    z = (chosen.sum(0) - REDRAWS * SHARES) / np.sqrt(REDRAWS * SHARES * (1 - SHARES))
    # twelve two-sided normal deviates, the largest beyond 4 with probability 12·6e-5 < UNLIKELY
    assert np.abs(z).max() < 4


def test_a_random_one_of_the_chosen_is_each_unit_with_its_share_of_the_visits(many):
    # the first in line is any of the four chosen: one of twelve classes a redraw, so a plain χ²
    _, first = many
    expected = REDRAWS * SHARES / 4
    chi2 = ((np.bincount(first, minlength=12) - expected) ** 2 / expected).sum()
    assert chdtrc(11, chi2) > UNLIKELY


def test_all_pairs_of_units_are_chosen_together_now_and_then(many):
    chosen, _ = many
    together = chosen.T.astype(np.int64) @ chosen
    assert all(together[i, j] > 0 for i, j in combinations(range(len(SHARES)), 2))


def test_equal_units_are_chosen_independently_of_their_names():
    pairs = {
        tuple(np.flatnonzero(drawn(units(2, 2, 2, 2), draws(order, duel))))
        for order in permutations(range(4))
        for duel in product([0, 2**53 - 1], repeat=4)
    }
    assert pairs == set(combinations(range(4), 2))


def test_those_chosen_stand_first_in_line_by_their_turn():
    chosen = np.array([False, True, False, True])
    turn = [1, 2**52, 2**52, 2**51]
    assert line(units(2, 2, 2, 2), chosen, draws(range(4), range(4), turn))[:2].tolist() == [3, 1]


def test_the_certain_stand_before_all_others():
    turn = [1, 2, 2**52, 2**51]
    chosen = np.array([True, False, True, True])
    assert line(units(2, 2, 4, 4), chosen, draws(range(4), range(4), turn)).tolist() == [3, 2, 0, 1]


def test_the_next_in_line_are_ordered_by_their_turn_over_their_odds():
    # turns ½ all: odds against are 3, 1 and ⅓
    chosen = np.array([False, False, False, True])
    turn = [2**52] * 4
    assert line(units(1, 2, 3, 2), chosen, draws(range(4), range(4), turn)).tolist() == [3, 2, 1, 0]


def test_an_early_turn_makes_up_for_small_odds():
    # ¼/¾·3 = 1 against ¾/¼·1 = 3
    numbers = draws(range(3), range(3), [2**51, 3 * 2**51, 0])
    assert line(units(1, 2, 1), np.array([False, False, True]), numbers).tolist() == [2, 0, 1]


def test_who_could_not_be_chosen_stands_last():
    numbers = draws(range(3), range(3), [0, 2**53 - 1, 0])
    assert line(units(0, 2, 2), np.array([False, False, True]), numbers).tolist() == [2, 1, 0]


@pytest.mark.parametrize("shares", [units(5, 3), units(1, 2)], ids=["above one", "no whole visits"])
def test_shares_that_are_no_inclusion_probabilities_are_refused(shares):
    with pytest.raises(ValueError, match="inclusion"):
        drawn(shares, draws(range(2), range(2)))


def test_another_period_has_other_numbers():
    first, second = (keyed(SECRET, "p", "plan", period, ["u"]) for period in ("1", "2"))
    assert {*first.order, *first.duel, *first.turn}.isdisjoint({*second.order, *second.duel, *second.turn})


def test_nobody_has_no_numbers():
    assert keyed(SECRET, "p", "plan", "1", []).order.shape == (0,)
