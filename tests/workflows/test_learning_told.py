"""How a strategy learns: draws against their probabilities, versions, and strategies compared."""

from math import sqrt

import pytest

from engagement.errors import NotFound
from engagement.workflows.compared import ComparedWanted, compared
from engagement.workflows.learning_told import (
    ActionDrawn,
    LearningWanted,
    learning,
    replayed_newest,
    versions,
)
from engagement.workflows.outcome import Posted, post_outcomes
from support.peer_groups import FOLDED, Here, ask, ms, seat_members

DAY = FOLDED - 10


def read(here: Here, workflow, item, day: float = DAY):
    with here.db.read() as conn:
        (found,) = workflow(conn, here.kept, here.id, [item], ms(day))
    return found


def test_a_gap_is_counted_in_standard_deviations():
    """A fair coin thrown a hundred times that shows 60 heads is two standard deviations off."""
    assert ActionDrawn("heads", "Heads", 60, 50.0, sqrt(100 * 0.25)).gap == pytest.approx(2.0)
    assert ActionDrawn("sure", "Sure", 7, 7.0, 0.0).gap == 0.0


@pytest.fixture
def lived(here: Here) -> Here:
    members = seat_members(here, 8)
    ask(here, *members, strategy="counted")
    return here


def test_observed_and_expected_are_those_of_the_decisions(lived):
    answers = ask(lived, *(f"m{n}" for n in range(8)), strategy="counted")
    found = {row.action: row for row in read(lived, learning, LearningWanted("counted"), day=1.0).drawn}
    for name, row in found.items():
        shares = [next((c.probability for c in one.chances if c.action == name), 0.0) for one in answers]
        assert row.observed == sum(one.action.id == name for one in answers)
        assert row.expected == pytest.approx(sum(shares), abs=1e-6)
        assert row.sd == pytest.approx(sqrt(sum(share * (1 - share) for share in shares)), abs=1e-6)
    assert sum(row.observed for row in found.values()) == 8


def test_a_version_says_how_far_it_moved_the_belief(lived):
    """Posted rewards fold into a version; the first moves the belief away from its prior."""
    ids = [str(row.decision_id) for row in ask(lived, *(f"m{n}" for n in range(8)), strategy="posted")]
    lived.run(post_outcomes, [(name, Posted(1.0)) for name in ids], day=1.0)
    assert read(lived, versions, "posted", day=20.0) == ()
    lived.fold()
    (version,) = read(lived, versions, "posted", day=FOLDED + 0.01)
    assert (version.version, version.rows_in, version.rows_out) == (1, 8, 0)
    told = read(lived, learning, LearningWanted("posted"), day=FOLDED + 0.01)
    assert told.signs.version == 1


def test_the_newest_decisions_come_out_the_same(lived):
    found = read(lived, replayed_newest, None, day=1.0)
    assert (found.number, found.differ) == (8, 0)


def test_a_strategy_that_is_not_there_is_said_so(lived):
    assert isinstance(read(lived, learning, LearningWanted("nothing")), NotFound)
    assert isinstance(read(lived, compared, ComparedWanted("", "nothing")), NotFound)
    assert isinstance(read(lived, compared, ComparedWanted("nothing", "")), NotFound)


def test_without_a_trial_or_a_decision_nothing_is_compared(here):
    found = read(here, compared, ComparedWanted("", ""))
    assert (found.trial, found.actions, found.strategies, found.trials) == (None, None, (), ())


def test_with_decisions_their_actions_are_told_with_what_is_lacking(lived):
    found = read(lived, compared, ComparedWanted("", ""), day=FOLDED)
    assert found.strategies == ("counted",)
    assert {row.size for row in found.actions.effects} == {None}
    assert all(row.groups < row.needed for row in found.actions.effects)
