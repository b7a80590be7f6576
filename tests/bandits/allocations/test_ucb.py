"""The highest plausible mean."""

import numpy as np
import pytest

from engagement.bandits.allocations.ucb import Ucb
from engagement.records import Scores
from support.courses import ONE_ROW

ALL = np.array([[True, True, True]])


def shares(mean, sd, available=ALL, **fields):
    scores = Scores("normal", np.array([mean], float), np.array([sd], float))
    return Ucb(**fields).probabilities(scores, available, ONE_ROW)[0].tolist()


def test_what_is_less_known_is_tried_although_it_looks_worse():
    # 0, .2 + 2·.05 = .3, .1 + 2·.2 = .5
    assert shares([0, 0.2, 0.1], [0, 0.05, 0.2], sds=2.0) == [0, 0, 1]


def test_without_sds_it_is_greedy():
    assert shares([0, 0.2, 0.1], [0, 0.05, 0.2], sds=0.0) == [0, 1, 0]


def test_equal_bounds_share():
    assert shares([0.5, 0.25, 0.25], [0, 0.25, 0.25]) == [1 / 3] * 3


def test_what_is_unavailable_is_not_taken():
    assert shares([0, 0.2, 0.1], [0, 0.05, 0.2], np.array([[True, True, False]])) == [0, 1, 0]


@pytest.mark.parametrize("sds", [-1.0, np.inf, np.nan])
def test_a_number_of_sds_that_is_none_is_refused(sds):
    with pytest.raises(ValueError, match="standard deviations"):
        Ucb(sds)
