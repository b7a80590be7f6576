"""What was gained for what was spent, by hand."""

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.estimators.cost import Account, cost_of_gain, net_benefit, plane, spread, worth_it


def account(cost, gain):
    return Account(np.array(cost, np.float64), np.array(gain, np.float64), np.arange(len(cost)))


CHEAP = account([0, 0, 0, 0], [2, 4, 6, 8])
DEAR = account([10, 30, 20, 20], [8, 8, 9, 7])


def test_cost_of_a_month_is_all_cost_over_all_months():
    found = cost_of_gain(DEAR)
    assert found.value == pytest.approx(80 / 32)
    influence = (np.array([10, 30, 20, 20]) - 2.5 * np.array([8, 8, 9, 7])) / 32
    assert found.sd == pytest.approx(np.sqrt(4 / 3 * (influence**2).sum()))


def test_nothing_gained_has_no_price():
    with pytest.raises(Invalid):
        cost_of_gain(account([1, 2], [0, 0]))


def test_net_benefit_is_what_the_gain_is_worth_less_what_it_cost():
    assert net_benefit(CHEAP, DEAR, 10.0).value == pytest.approx(10 * (8 - 5) - 20)


def test_the_plane_has_the_observed_ratio_and_surrounds_it():
    found = plane(CHEAP, DEAR, np.random.default_rng(7))
    assert found.ratio == pytest.approx(20 / 3)
    assert spread(found.gain).low < 3 < spread(found.gain).high
    assert spread(found.cost).low < 20 < spread(found.cost).high
    assert found.dominates == 0.0


def test_who_gains_nothing_has_no_ratio():
    assert plane(DEAR, CHEAP, np.random.default_rng(7)).ratio is None


def test_acceptability_goes_from_never_to_nearly_always():
    found = plane(CHEAP, DEAR, np.random.default_rng(7))
    shares = worth_it(found, np.array([0.0, 6.0, 1000.0]))
    assert shares[0] == 0.0
    assert shares[2] > 0.95
    assert 0 < shares[1] < shares[2]


def test_clusters_are_redrawn_whole():
    """Two clusters of two equal groups: a redraw is one, both or the other, so three means are possible."""
    one = Account(np.zeros(4), np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    zero = Account(np.zeros(2), np.zeros(2), np.arange(2))
    assert set(plane(zero, one, np.random.default_rng(7)).gain) == {1.0, 2.0, 3.0}
