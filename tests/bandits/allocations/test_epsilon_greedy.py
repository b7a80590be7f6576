"""Greedy with a share of chance."""

import numpy as np
import pytest

from engagement.bandits.allocations.epsilon_greedy import EpsilonGreedy
from engagement.records import Scores
from support.courses import ONE_ROW

ALL = np.array([[True, True, True]])


def shares(means, available=ALL, **fields):
    scores = Scores("normal", np.array([means]), np.ones((1, 3)))
    return EpsilonGreedy(**fields).probabilities(scores, available, ONE_ROW)[0].tolist()


def test_the_best_looking_has_all_but_epsilon_and_its_part_of_that():
    assert shares([0, 0.2, 0.1], epsilon=0.3) == pytest.approx([0.1, 0.8, 0.1])


def test_actions_that_look_alike_share():
    assert shares([0, 0.2, 0.2], epsilon=0.3) == pytest.approx([0.1, 0.45, 0.45])


def test_what_is_unavailable_is_not_the_best():
    assert shares([0, 0.2, 0.1], np.array([[True, False, True]]), epsilon=0.2) == pytest.approx([0.1, 0, 0.9])


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan])
def test_an_epsilon_that_is_no_probability_is_refused(epsilon):
    with pytest.raises(ValueError, match="probability"):
        EpsilonGreedy(epsilon)
