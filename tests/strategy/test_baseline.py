"""What decides where the belief does not looks at nothing but what is available."""

import numpy as np
import pytest

from engagement.strategy.baseline import EvenChance, FixedOrder

NAMES = ("none", "a", "b")


@pytest.mark.parametrize(
    ("order", "available", "expected"),
    [
        (("b", "a"), [1, 1, 1], [0, 0, 1]),
        (("b", "a"), [1, 1, 0], [0, 1, 0]),
        (("b",), [1, 1, 0], [1, 0, 0]),
        ((), [1, 1, 1], [1, 0, 0]),
    ],
)
def test_a_fixed_order_takes_the_first_available_action_else_none(order, available, expected):
    found = FixedOrder(order).probabilities(NAMES, np.array([available], bool))
    assert found.tolist() == [expected]


def test_a_fixed_order_is_followed_row_by_row():
    found = FixedOrder(("b", "a")).probabilities(NAMES, np.array([[1, 1, 1], [1, 1, 0]], bool))
    assert found.tolist() == [[0, 0, 1], [0, 1, 0]]


def test_an_even_chance_is_over_what_is_available():
    found = EvenChance().probabilities(NAMES, np.array([[1, 0, 1], [1, 0, 0]], bool))
    assert found.tolist() == [[0.5, 0, 0.5], [1, 0, 0]]
