"""What a decision earned where the member did not stay in its group."""

import pytest

from engagement.store import decisions
from engagement.strategy.setup import Membership
from engagement.workflows.ingest import ingest
from engagement.workflows.seat import seat as take_seat
from support.peer_groups import FOLDED, came, decided, held, moment, seat


def earned(here, decision):
    here.fold(FOLDED)
    (row,) = here.read(decisions.outcomes, [decision])[decision]
    return row.reward


@pytest.fixture
def decision(here):
    """Of a member of g, beside a second group h."""
    seat(here, "g,m,1", "h,n,1")
    return decided(here, "m")[0]


def moves(here, day, group, place, reason="moved"):
    row = Membership(member="m", starts_on=moment(day).date(), group=group, seat=place, reason=reason)
    here.run(take_seat, [row], day=day)


def test_who_stayed_missed_the_meeting_that_was_not_held(here, decision):
    here.run(ingest, [held("g", 10, 0)], day=10)
    assert earned(here, decision) == 0


def test_who_moved_has_not_missed_the_old_group_s_meeting(here, decision):
    moves(here, 5, "h", 2)
    here.run(ingest, [held("g", 10, 0)], day=10)
    assert earned(here, decision) is None


def test_who_moved_and_came_in_the_new_group_came(here, decision):
    moves(here, 5, "h", 2)
    here.run(ingest, [held("g", 10, 0), came("m", 12)], day=12)
    assert earned(here, decision) == pytest.approx(2 / 3)


@pytest.mark.parametrize("reason", ["left", "died"])
def test_who_sits_nowhere_any_more_has_not_missed_a_later_meeting(here, decision, reason):
    moves(here, 5, None, None, reason)
    here.run(ingest, [held("g", 10, 0)], day=10)
    assert earned(here, decision) is None


def test_a_meeting_missed_before_moving_was_missed(here, decision):
    here.run(ingest, [held("g", 4, 0)], day=4)
    moves(here, 5, "h", 2)
    assert earned(here, decision) == 0
