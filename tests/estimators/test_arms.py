"""Arms of a trial, by hand; and whether the power that is promised is there."""

from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtri

from engagement.estimators.arms import clusters_needed, compared, icc, lived
from engagement.estimators.survival import Lives


def lives(times, died):
    count = len(times)
    return Lives(np.array(times, np.float64), np.array(died, np.bool_), np.arange(count))


ALONE = lives([0, 3, 6, 14, 14, 14, 14, 14], [1, 1, 1, 0, 0, 0, 0, 0])
LEARNED = lives([5, 14, 14, 14, 14, 14, 14, 14], [1, 0, 0, 0, 0, 0, 0, 0])


def test_everybody_randomised_counts_and_who_died_before_the_end_has_lived_no_month():
    found = lived(ALONE, 12)
    assert (found.groups, found.alive.value) == (8, pytest.approx(5 / 8))
    assert found.months.value == pytest.approx((0 + 3 + 6 + 5 * 12) / 8)


def test_the_error_of_shares_that_nobody_left_is_the_binomial_one():
    """With everybody followed, the variance is p(1 − p)/n times n/(n − 1)."""
    assert lived(ALONE, 12).alive.sd == pytest.approx(sqrt(5 / 8 * 3 / 8 / 7))


def test_a_difference_is_of_the_second_less_the_first():
    arms = {"alone": lived(ALONE, 12), "learned": lived(LEARNED, 12)}
    (found,) = compared(arms, [("alone", "learned")], "alive", 0.05)
    assert found.difference.value == pytest.approx(7 / 8 - 5 / 8)
    assert found.difference.sd == pytest.approx(sqrt((5 / 8 * 3 / 8 + 7 / 8 / 8) / 7))
    assert found.verdict == "not_enough_data"


def test_several_comparisons_share_alpha():
    arms = {"alone": lived(ALONE, 12), "learned": lived(LEARNED, 12), "fixed": lived(LEARNED, 12)}
    one = compared(arms, [("alone", "learned")], "alive", 0.025)[0].interval
    two = compared(arms, [("alone", "learned"), ("alone", "fixed")], "alive", 0.05)[0].interval
    assert one == two


def test_a_horizon_nobody_has_reached_is_not_enough_data():
    arms = {"alone": lived(ALONE, 24), "learned": lived(LEARNED, 24)}
    (found,) = compared(arms, [("alone", "learned")], "months", 0.05, 2.0)
    assert (found.difference, found.verdict) == (None, "not_enough_data")


@pytest.mark.parametrize(
    ("first", "second", "smallest", "verdict"),
    [(0.2, 0.8, None, "better"), (0.8, 0.2, None, "worse"), (0.5, 0.5, 0.3, "no_difference_that_matters")],
)
def test_a_verdict_is_by_the_interval_alone(first, second, smallest, verdict):
    def arm(share):
        alive = round(100 * share)
        return lived(lives([1] * (100 - alive) + [13] * alive, [1] * (100 - alive) + [0] * alive), 12)

    (found,) = compared({"a": arm(first), "b": arm(second)}, [("a", "b")], "alive", 0.05, smallest)
    assert found.verdict == verdict


def test_the_clusters_that_are_needed_are_those_of_the_textbook():
    """Two shares of .5 with n each: sd² = 2·.25/n, so n = .5·((1.96 + .84)/δ)², 175 for δ = .15."""
    sd = sqrt(2 * 0.25 / 50)
    expected = 0.5 * ((ndtri(0.975) + ndtri(0.8)) / 0.15) ** 2
    assert clusters_needed(sd, 50, 0.15, 0.05) == int(np.ceil(expected)) == 175


def test_members_who_are_all_alike_within_their_group_have_an_icc_of_one():
    assert icc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1])) == 1.0


def test_an_icc_by_hand():
    """Groups (0, 1) and (1, 2): B = 1, W = ½, m₀ = 2, so (1 − ½)/(1 + ½)."""
    assert icc(np.array([0.0, 1.0, 1.0, 2.0]), np.array([5, 5, 9, 9])) == pytest.approx(1 / 3)


def test_of_one_group_nobody_can_say_how_alike_its_members_are():
    assert np.isnan(icc(np.array([0.0, 1.0]), np.array([0, 0])))
