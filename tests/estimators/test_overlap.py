"""How far a log reaches, by hand."""

from math import inf

import numpy as np
import pytest

from engagement.estimators.overlap import overlap
from support.samples import sample


def test_equal_weights_count_fully_and_one_heavy_row_hardly():
    log = sample([0, 0, 0, 1], [1, 0, 1, 0], [0.5, 0.5, 0.5, 0.1], [[0.5, 0.5]] * 4)
    found = overlap(log)
    # weights 1, 1, 1, 5: 8²/28
    assert found.effective == pytest.approx(64 / 28)
    assert (found.largest, found.decisions, found.groups) == (5.0, 4, 4)
    assert found.heaviest == pytest.approx(5 / 8)


def test_how_many_more_would_do_follows_from_the_effective_number():
    log = sample([0] * 50, [1] * 50, [0.5] * 50, [[0.5, 0.5]] * 50)
    assert overlap(log).further == 50  # 50 count as 50; 100 are wanted
    assert not overlap(log).enough
    twice = sample([0] * 100, [1] * 100, [0.5] * 100, [[0.5, 0.5]] * 100)
    assert overlap(twice).enough


def test_few_groups_are_few_however_many_their_decisions():
    log = sample([0] * 400, [1] * 400, [0.5] * 400, [[0.5, 0.5]] * 400, cluster=np.arange(400) % 4)
    assert overlap(log).effective_groups == pytest.approx(4)
    assert overlap(log).further == 600  # ten groups are wanted: two and a half times as many


def test_no_log_of_this_kind_helps_where_what_is_asked_about_was_never_possible():
    possible = [[True, False]] * 200
    log = sample([0] * 200, [1] * 200, [1.0] * 200, [[0.9, 0.1]] * 200, possible=possible)
    found = overlap(log)
    assert found.unsupported == pytest.approx(0.1)
    assert found.further == inf


def test_weights_of_nothing_reach_nothing():
    log = sample([0, 0], [1, 1], [0.5, 0.5], [[0.0, 1.0]] * 2)
    assert (overlap(log).effective, overlap(log).further) == (0.0, inf)
