"""Shares of a fixed bank, against probabilities known in closed form, and their stated error."""

import numpy as np
import pytest
from scipy.special import ndtr

from engagement.stats.best_of import best_of_normals
from engagement.stats.best_of_correlated import POINTS, bank, best_of_correlated, lower_factor

ROOT_MEAN_SQUARE, LARGEST = 0.005, 0.04
"""The stated error is .004 and seldom above .03, over problems like those below."""


def one_row(mean, covariance, available=None):
    mean = np.array([mean], float)
    flags = np.ones(mean.shape, bool) if available is None else np.array([available])
    return best_of_correlated(mean, np.array([covariance], float), flags)[0]


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.9])
def test_two_scores_are_ordered_as_their_difference_is(correlation):
    # s_1 − s_0 ~ N(.3, 1 + 4 − 2·2·correlation)
    covariance = [[1, 2 * correlation], [2 * correlation, 4]]
    expected = ndtr(0.3 / np.sqrt(5 - 4 * correlation))
    assert one_row([0, 0.3], covariance)[1] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("others", [2, 5, 11])
def test_a_certain_score_beats_half_correlated_ones_once_in_their_number_and_one(others):
    # P(all of n standard normals with correlation ½ are negative) = 1/(n + 1): each is Z_j − Z_0
    covariance = np.zeros((others + 1, others + 1))
    covariance[1:, 1:] = 0.5 + 0.5 * np.eye(others)
    assert one_row(np.zeros(others + 1), covariance)[0] == pytest.approx(1 / (others + 1), abs=0.02)


def test_what_all_scores_share_decides_nothing_so_the_error_is_seen_against_independent_scores():
    rng = np.random.default_rng(21)
    errors = []
    for actions in (3, 6, 12, 16):
        mean, sd = rng.normal(0, 0.15, (200, actions)), rng.uniform(0.02, 0.3, (200, actions))
        shared = rng.uniform(0, 0.3, (200, 1, 1)) ** 2
        covariance = shared + np.square(sd)[:, :, None] * np.eye(actions)
        everything = np.ones(mean.shape, bool)
        exact = best_of_normals(mean, sd, everything)
        errors.append((best_of_correlated(mean, covariance, everything) - exact).ravel())
    error = np.concatenate(errors)
    assert np.sqrt(np.mean(error**2)) < ROOT_MEAN_SQUARE
    assert np.abs(error).max() < LARGEST


def test_scores_that_are_the_same_share_equally():
    # the second is the first, whatever that is, and both lie far above the third
    assert one_row([2, 2, 0], [[0.1, 0.1, 0], [0.1, 0.1, 0], [0, 0, 0]]).tolist() == [0.5, 0.5, 0]


def test_among_certain_scores_the_largest_has_it_all():
    assert one_row([0, 3, 2], np.zeros((3, 3))).tolist() == [0, 1, 0]


def test_an_unavailable_action_gets_exactly_nothing():
    shares = one_row([0, 0, 9], np.eye(3), [True, True, False])
    assert shares == pytest.approx([0.5, 0.5, 0], abs=0.01)
    assert shares[2] == 0


def some_rows(rows, actions=5):
    rng = np.random.default_rng(3)
    root = rng.normal(size=(1000, actions, actions - 1))
    root[::3, 0] = 0
    available = rng.random((1000, actions)) < 0.7
    available[:, 0] = True
    return (
        rng.normal(size=(1000, actions))[:rows],
        (root @ np.swapaxes(root, 1, 2))[:rows],
        available[:rows],
    )


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_a_row_has_the_same_bytes_in_any_batch(rows):
    # at 5 actions a chunk has 51 rows, so the chunks end elsewhere too
    few, many = (best_of_correlated(*some_rows(n)) for n in (rows, 1000))
    assert few.tobytes() == many[:rows].tobytes()


def test_rows_sum_to_one():
    # a mean of 1021 numbers, each with a rounding of 2⁻⁵³
    assert best_of_correlated(*some_rows(200)).sum(axis=1) == pytest.approx(np.ones(200), abs=1e-12)


def test_the_factor_of_a_singular_covariance_gives_it_back():
    _, covariance, _ = some_rows(100)
    factor = lower_factor(covariance)
    assert factor @ np.swapaxes(factor, 1, 2) == pytest.approx(covariance, abs=1e-7)
    assert not np.triu(factor, 1).any()


def test_each_coordinate_of_the_bank_is_spread_evenly():
    # whatever the shift, one point in each of the 1021 equally likely parts of the line
    places = np.sort(ndtr(bank(16)), axis=0) * POINTS
    assert np.diff(places, axis=0) == pytest.approx(1, abs=1e-6)


def test_the_bank_of_few_is_part_of_the_bank_of_many():
    assert (bank(3) == bank(16)[:, :3]).all()


@pytest.mark.parametrize(
    ("mean", "covariance", "available"),
    [
        ([[0, 0]], [[[1, 0], [0, 1], [0, 0]]], [[True, True]]),
        ([[0, 0]], [[[1, 0], [0, 1]]], [[False, False]]),
        ([[0, np.nan]], [[[1, 0], [0, 1]]], [[True, True]]),
        ([[0, 0]], [[[1, 0.5], [0, 1]]], [[True, True]]),
        ([[0, 0]], [[[1, 2], [2, 1]]], [[True, True]]),
        ([[0, 0]], [[[1, 0], [0, np.inf]]], [[True, True]]),
    ],
    ids=["shapes", "nothing available", "mean not a number", "asymmetric", "indefinite", "infinite"],
)
def test_what_is_no_covariance_or_score_is_refused(mean, covariance, available):
    with pytest.raises(ValueError, match=r"mean|available|covariance"):
        best_of_correlated(np.array(mean, float), np.array(covariance, float), np.array(available))
