"""Each available action in its turn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.records import Scores
from support.courses import course


def taken(available, made):
    rows, actions = len(made), len(available)
    scores = Scores("normal", np.zeros((rows, actions)), np.zeros((rows, actions)))
    rho = RoundRobin().probabilities(scores, np.tile(available, (rows, 1)), course(*[9.0] * rows, made=made))
    assert np.isin(rho, [0, 1]).all()
    return rho.argmax(axis=1).tolist()


def test_every_action_has_its_turn_and_the_first_follows_the_last():
    assert taken((True, True, True), range(5)) == [0, 1, 2, 0, 1]


def test_what_is_unavailable_has_no_turn():
    assert taken((True, False, True), range(4)) == [0, 2, 0, 2]


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 1000))
def test_in_any_round_each_available_action_is_taken_once(flags, first):
    available = (True, *flags)
    turns = taken(available, range(first, first + sum(available)))
    assert sorted(turns) == [k for k, flag in enumerate(available) if flag]


def test_a_row_without_actions_is_refused():
    with pytest.raises(ValueError, match="available"):
        taken((False, False), [0])
