"""Thompson's first draw, or the next different one."""

import numpy as np
import pytest

from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.top_two import TopTwo
from engagement.records import Scores
from support.courses import ONE_ROW

ALL = np.array([[True, True, True]])


def shares(mean, sd, **fields):
    return TopTwo(**fields).probabilities(
        Scores("normal", np.array([mean]), np.array([sd])), ALL, np.ones(1)
    )[0]


def test_of_two_actions_the_second_draw_is_the_other():
    scores = Scores("normal", np.array([[0, 1.0]]), np.array([[0, 2.0]]))
    rho = TopTwo(leader=0.7).probabilities(scores, ALL[:, :2], ONE_ROW)
    # Φ(.5) = .6914625 for the better: .7·.6914625 + .3·.3085375
    assert rho[0, 1] == pytest.approx(0.576584987, abs=1e-6)


def test_three_alike_stay_alike():
    assert shares([0, 0, 0], [1, 1, 1]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_it_is_what_two_draws_do():
    p = Thompson().probabilities(
        Scores("normal", np.array([[0, 0.5, 1.0]]), np.array([[0, 1.0, 0.7]])), ALL, np.ones(1)
    )[0]
    again = [sum(p[j] * p[k] / (1 - p[j]) for j in range(3) if j != k) for k in range(3)]
    expected = 0.6 * p + 0.4 * np.array(again)
    assert shares([0, 0.5, 1.0], [0, 1.0, 0.7], leader=0.6) == pytest.approx(expected)


def test_an_action_that_has_all_keeps_all():
    assert shares([0, 0, 1.0], [0, 0, 0]).tolist() == [0, 0, 1]


@pytest.mark.parametrize("leader", [-0.1, 1.1, np.nan])
def test_a_leader_that_is_no_probability_is_refused(leader):
    with pytest.raises(ValueError, match="probability"):
        TopTwo(leader)
