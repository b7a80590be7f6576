"""Outcomes that the calling app posts."""

import pytest

from engagement.errors import NotFound
from engagement.store import beliefs, decisions
from engagement.workflows.outcome import Earned, Posted, post_outcomes
from support.peer_groups import decided, seat_members

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def post(here, decision, *rewards, day=2.0):
    return here.run(post_outcomes, [(decision, Posted(reward)) for reward in rewards], day=day)


def outcomes_of(here, decision):
    return [
        (row.revision, row.reward, row.source) for row in here.read(decisions.outcomes, [decision])[decision]
    ]


@pytest.fixture
def decision(here):
    """One decision whose outcome is posted."""
    seat_members(here, 1)
    return decided(here, "m0", strategy="posted")[0]


def test_an_outcome_is_stored_as_its_first_revision(here, decision):
    assert post(here, decision, 0.5) == [Earned(decision, 1, 0.5, changed=True)]
    assert outcomes_of(here, decision) == [(1, 0.5, "posted")]


def test_the_same_outcome_again_changes_nothing(here, decision):
    post(here, decision, 0.5)
    assert post(here, decision, 0.5) == [Earned(decision, 1, 0.5, changed=False)]
    assert len(outcomes_of(here, decision)) == 1


def test_another_outcome_is_a_revision(here, decision):
    assert [earned.revision for earned in post(here, decision, 0.5, 1.0, 0.5)] == [1, 2, 3]


def test_an_unknown_decision_harms_no_other(here, decision):
    refused, earned = here.run(post_outcomes, [(UNKNOWN, Posted(1.0)), (decision, Posted(1.0))])
    assert isinstance(refused, NotFound)
    assert earned.changed


def test_what_is_posted_takes_the_place_of_what_signals_said(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.fold()
    post(here, decision, 1.0, day=50)
    assert outcomes_of(here, decision) == [(1, None, "signals"), (2, 1.0, "posted")]


def test_silence_posted_over_silence_is_on_record(here):
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.fold()
    post(here, decision, None, day=50)
    assert outcomes_of(here, decision) == [(1, None, "signals"), (2, None, "posted")]


def test_an_outcome_posted_before_the_window_has_passed_is_not_learned_yet(here, decision):
    post(here, decision, 1.0)
    assert here.fold(34.9) == []
    (folded,) = here.fold(35)
    assert (folded.strategy_id, folded.header.rows_in) == ("posted", 1)


def test_only_the_last_of_several_provisional_outcomes_is_learned(here, decision):
    post(here, decision, 1.0, 0.0, 0.25)
    here.fold()
    assert here.read(beliefs.entries_of_version, "posted", 1) == [beliefs.Entry(decision, 3, 1, 0.25)]


def test_where_nobody_posts_there_is_silence(here, decision):
    here.fold()
    assert outcomes_of(here, decision) == [(1, None, "signals")]


def test_a_late_post_is_learned_as_a_correction(here, decision):
    here.fold()
    post(here, decision, 1.0, day=50)
    (folded,) = here.fold(51)
    assert folded.header[2:5] == (1, 0, 0)  # nothing to take out: silence had put nothing in
