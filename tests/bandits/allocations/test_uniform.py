import numpy as np
import pytest

from engagement.bandits.allocations.uniform import Uniform
from engagement.records import Scores
from support.courses import ONE_ROW


def test_each_available_action_is_taken_equally_often_whatever_is_believed():
    scores = Scores("normal", np.array([[0, 9, 1.0]]), np.array([[0, 1, 1.0]]))
    rho = Uniform().probabilities(scores, np.array([[True, False, True]]), ONE_ROW)
    assert rho.tolist() == [[0.5, 0, 0.5]]


def test_a_row_without_actions_is_refused():
    scores = Scores("normal", np.zeros((1, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="available"):
        Uniform().probabilities(scores, np.array([[False, False]]), ONE_ROW)
