"""All for the largest, shared by those that are equally large."""

import numpy as np
import pytest

from engagement.bandits.greedy import greedy


@pytest.mark.parametrize(
    ("value", "available", "shares"),
    [
        ([1, 3, 2], [True, True, True], [0, 1, 0]),
        ([1, 3, 3], [True, True, True], [0, 0.5, 0.5]),
        ([1, 3, 2], [True, False, True], [0, 0, 1]),
        ([-5, 0, 0], [True, False, False], [1, 0, 0]),
    ],
)
def test_the_largest_available_value_has_all(value, available, shares):
    assert greedy(np.array([value], float), np.array([available])).tolist() == [shares]


def test_a_row_without_actions_is_refused():
    with pytest.raises(ValueError, match="available"):
        greedy(np.zeros((1, 2)), np.zeros((1, 2), bool))
