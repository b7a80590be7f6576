"""What a week leaves of a result, by hand."""

import numpy as np
import pytest

from engagement.bandits.expected import Expected
from engagement.bandits.fading import check_half_life, folded, kept_a_week, sums
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.errors import Unusable
from engagement.records import ROOT
from support.rows import point, rows

HALVING = BetaBernoulli(half_life_weeks=1)


def test_a_half_life_of_four_weeks_leaves_a_half_after_four():
    assert kept_a_week(4) ** 4 == pytest.approx(0.5)


def test_without_a_half_life_a_week_leaves_everything():
    assert kept_a_week(None) == 1


def test_a_result_of_the_week_before_counts_half():
    # successes ½ + 1, failures, and the newest week
    node = HALVING.fold({}, rows([0, 0], [1, 1], period=[4, 5]), 1)[ROOT]
    assert node.tolist() == [1.5, 0, 5]


def test_what_was_learned_before_fades_when_a_week_begins():
    nodes = HALVING.fold({}, rows([0], [1], period=[4]), 1)
    assert HALVING.fold(nodes, rows([0], [0], period=[6]), 1)[ROOT].tolist() == [0.25, 1, 6]


def test_a_result_that_comes_late_counts_what_its_age_leaves():
    nodes = HALVING.fold({}, rows([0], [0], period=[6]), 1)
    assert HALVING.fold(nodes, rows([0], [1], period=[4]), 1)[ROOT].tolist() == [0.25, 1, 6]


def test_within_a_week_nothing_fades():
    nodes = HALVING.fold({}, rows([0], [1], period=[4]), 1)
    assert HALVING.fold(nodes, rows([0], [1], period=[4]), 1)[ROOT].tolist() == [2, 0, 4]


def test_weeks_are_counted_from_any_week_also_a_negative_one():
    assert HALVING.fold({}, rows([0, 0], [1, 1], period=[-3, -2]), 1)[ROOT].tolist() == [1.5, 0, -2]


def test_what_is_expected_never_fades():
    belief = BetaBernoulli(half_life_weeks=1, expected=(Expected("none", 0.6, 20),))
    long_ago = belief.fold({}, rows([0], [0], period=[0]), 1)
    nodes = belief.fold(long_ago, rows([0], [1], period=[100]), 1)
    # 1 + 12 + 1 successes of 1 + 20 + 1 + 1, and 2⁻¹⁰⁰ of a failure
    assert belief.scores(nodes, point(), 1).mean[0, 0] == pytest.approx(14 / 23)


def test_sums_that_last_have_no_week():
    node = folded({}, rows([0], [1]), 1, 1.0, lambda batch: batch.weight)[ROOT]
    assert node.tolist() == [1]


def test_a_node_without_its_week_is_unusable():
    with pytest.raises(Unusable, match="should hold 3 numbers"):
        sums({ROOT: np.zeros(2)}, 2, 0.5)


@pytest.mark.parametrize("weeks", [0.9, 0, -1, float("nan"), float("inf")])
def test_a_half_life_that_is_none_is_refused(weeks):
    with pytest.raises(ValueError, match="at least one week"):
        check_half_life(weeks)
