"""Shares by the exponential of the mean."""

import numpy as np
import pytest

from engagement.bandits.allocations.softmax import Softmax
from engagement.records import Scores
from support.courses import ONE_ROW


def test_an_action_that_looks_one_temperature_better_is_taken_e_times_as_often():
    scores = Scores("normal", np.array([[0, 0.2, 5.0]]), np.ones((1, 3)))
    rho = Softmax(temperature=0.2).probabilities(scores, np.array([[True, True, False]]), ONE_ROW)
    # the other one has the share 1/(1 + e) = .2689
    assert rho[0] == pytest.approx([0.268941421, 0.731058579, 0])


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.inf, np.nan])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="positive"):
        Softmax(temperature)
