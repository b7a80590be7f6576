"""Actions in an order written down beforehand."""

import msgspec
import numpy as np
import pytest

from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.records import Scores
from support.courses import course


def taken(order, made, available=(True, True, True)):
    """The action of each decision, by number."""
    rows = len(made)
    scores = Scores("normal", np.zeros((rows, 3)), np.zeros((rows, 3)))
    rho = FixedSchedule(order=order).probabilities(
        scores, np.tile(available, (rows, 1)), course(*[9.0] * rows, made=made)
    )
    assert np.isin(rho, [0, 1]).all()
    return rho.argmax(axis=1).tolist()


def test_the_schedule_is_followed_and_begins_again():
    assert taken((2, 0, 1), range(7)) == [2, 0, 1, 2, 0, 1, 2]


def test_none_stands_in_for_what_is_unavailable():
    assert taken((2, 0, 1), range(3), (True, True, False)) == [0, 0, 1]


@pytest.mark.parametrize("order", [(), (-1,), tuple([0] * 367)], ids=["empty", "negative", "too long"])
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"kind": "fixed_schedule", "order": list(order)}, FixedSchedule)


def test_a_row_without_actions_is_refused():
    with pytest.raises(ValueError, match="available"):
        taken((0,), [0], (False, False, False))
