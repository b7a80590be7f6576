"""A gain from logged decisions: worked by hand, beside laws that hold for any numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.stats.weighted_gain import Gain, weighted_gain

WEIGHT = np.array([2.0, 0.0, 1.0, 1.0])
REWARD = np.array([1.0, 0.0, 0.0, 1.0])
CLUSTER = ("g1", "g1", "g2", "g2")

rows = st.lists(
    st.tuples(st.floats(0.1, 10), st.floats(0, 1), st.sampled_from("abcde")), min_size=2, max_size=30
).filter(lambda some: len({name for *_, name in some}) > 1)


def gain_of(some):
    weight, reward, cluster = zip(*some, strict=True)
    return weighted_gain(np.array(weight), np.array(reward), cluster)


def test_both_means_are_those_worked_by_hand():
    """Σwr/Σw = (2 + 1)/4 and r̄ = 2/4."""
    found = weighted_gain(WEIGHT, REWARD, CLUSTER)
    assert (found.logged, found.other) == (0.5, 0.75)
    assert found.difference == 0.25


def test_its_error_is_the_one_worked_by_hand():
    """w̄ = 1, so ψ = w(r − ¾) − (r − ½) = 0, ½, −¼, −¼; s = ½, −½; variance = 2/1 · (¼ + ¼)/4² = 1/16."""
    assert weighted_gain(WEIGHT, REWARD, CLUSTER).sd == pytest.approx(0.25)


def test_its_lower_bound_is_the_one_worked_by_hand():
    """Of Student's t with one degree of freedom (Cauchy's) three quarters lie below tan(π/4) = 1."""
    assert weighted_gain(WEIGHT, REWARD, CLUSTER).lower(0.75) == pytest.approx(0.25 - 0.25)


def test_the_effective_number_of_decisions_is_kish_s():
    """(Σw)²/Σw² = 16/6."""
    assert weighted_gain(WEIGHT, REWARD, CLUSTER).effective == pytest.approx(16 / 6)


def test_half_confidence_is_the_estimate_itself():
    found = Gain(0.1, 0.3, 0.7, 5, 9.0)
    assert found.lower(0.5) == pytest.approx(found.difference)


def test_nothing_is_said_of_one_cluster():
    assert weighted_gain(WEIGHT, REWARD, ("g",) * 4) is None


def test_nothing_is_said_where_the_other_way_would_never_have_chosen_so():
    assert weighted_gain(np.zeros(4), REWARD, CLUSTER) is None


@given(rows)
def test_the_same_way_of_choosing_gains_nothing_for_certain(some):
    found = gain_of([(1.0, reward, name) for _, reward, name in some])
    assert found.difference == pytest.approx(0, abs=1e-12)
    assert found.sd == pytest.approx(0, abs=1e-12)


@given(rows, st.floats(0.5, 8))
def test_the_scale_of_the_weights_does_not_matter(some, times):
    scaled = gain_of([(weight * times, reward, name) for weight, reward, name in some])
    before = gain_of(some)
    assert scaled.difference == pytest.approx(before.difference, abs=1e-9)
    assert scaled.sd == pytest.approx(before.sd, abs=1e-9)


def test_the_bound_holds_as_often_as_it_says():
    """2,000 synthetic studies of 40 groups that differ, with a true gain of 0.1 for the other way.

    Even chance between 0 and 1; the other way takes 1 with chance ¾; P(r = 1) is 0.3 + 0.4·a plus the group's
    own part, so the gain is (¾ − ½)·0.4. The share of bounds below the truth has an error of
    √(.8·.2/2000) = .009; four of them, and .02 for a delta-method at 40 groups.
    """
    draws = np.random.default_rng(5)
    cluster = [f"g{n // 6}" for n in range(240)]
    below = 0
    for _ in range(2_000):
        action = draws.integers(0, 2, 240)
        own = np.repeat(draws.uniform(-0.25, 0.25, 40), 6)
        reward = (draws.random(240) < 0.3 + 0.4 * action + own).astype(float)
        weight = np.where(action == 1, 0.75, 0.25) / 0.5
        below += weighted_gain(weight, reward, cluster).lower(0.8) <= 0.1
    assert below / 2_000 == pytest.approx(0.8, abs=4 * 0.009 + 0.02)
