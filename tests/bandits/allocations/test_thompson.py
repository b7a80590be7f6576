import numpy as np
import pytest

from engagement.bandits.allocations.thompson import Thompson
from engagement.records import Scores
from support.courses import ONE_ROW

BOTH = np.array([[True, True]])


def test_an_effect_is_tried_as_often_as_it_is_believed_positive():
    # P(N(1, 2²) > 0) = Φ(.5) = .6914625
    scores = Scores("normal", np.array([[0, 1.0]]), np.array([[0, 2.0]]))
    assert Thompson().probabilities(scores, BOTH, ONE_ROW)[0, 1] == pytest.approx(0.6914625, abs=1e-6)


def test_beta_scores_are_compared_as_betas():
    # Beta(1, 1) against Beta(2, 1): ∫ x² dx = ⅓; as normals it would be .327
    mean = np.array([[1 / 2, 2 / 3]])
    sd = np.sqrt(np.array([[1 / 12, 1 / 18]]))
    rho = Thompson().probabilities(Scores("beta", mean, sd), BOTH, ONE_ROW)
    assert rho[0, 0] == pytest.approx(1 / 3, abs=1e-6)
