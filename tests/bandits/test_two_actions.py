"""How sure it is that one of two actions does more."""

import numpy as np
import pytest

from engagement.bandits.two_actions import chance_of_gain
from engagement.records import Scores


@pytest.mark.parametrize(
    ("mean", "sd", "chance"),
    [
        ((0.0, 0.1), (0.0, 0.1), 0.841345),  # Φ(1), of any table
        ((0.2, 0.0), (0.06, 0.08), 0.022750),  # Φ(−2): the sd of the difference is 0.1
        ((0.3, 0.3), (0.1, 0.2), 0.5),
        ((0.1, 0.9), (0.0, 0.0), 0.5),  # both certain: nothing is said
    ],
)
def test_the_chance_of_a_gain_is_that_of_two_independent_normals(mean, sd, chance):
    scores = Scores("normal", np.array([mean]), np.array([sd]))
    assert chance_of_gain(scores) == pytest.approx([chance], abs=1e-6)
