"""Moving a site's end: what it would change, and that it changes nothing it was not seen to.

Today is 10 March 2026; a handover lasts 92 days unless said otherwise.
"""

from datetime import date, timedelta

import msgspec
import pytest

from engagement.errors import NotFound, PreconditionFailed
from engagement.store import setup
from engagement.strategy.setup import Site, phase
from engagement.workflows.extension import ActionMoved, NewEnd, move_ends, preview_ends
from engagement.workflows.revise import revise
from support.peer_groups import CALL, PLAN, a_program, seat_members

SOON, LATE = date(2026, 3, 31), date(2026, 12, 31)


@pytest.fixture
def ending(db):
    """A program that ends soon at its only site, where a call is paid by the program."""
    call = msgspec.structs.replace(CALL, cost_minor=5, payer="program")
    here = a_program(db, msgspec.structs.replace(PLAN, actions=(call, *PLAN.actions[1:])))
    seat_members(here, 9)
    here.run(revise, [Site(id="here", title="Here", ends_on=SOON)])
    return here


def looked(here, ends_on, site="here"):
    (found,) = here.run(preview_ends, [NewEnd(site, ends_on)])
    return found


def moved(here, ends_on, revision=None, day=1.0):
    (found,) = here.run(move_ends, [NewEnd("here", ends_on, revision)], day=day)
    return found


def revisions(here):
    with here.db.read() as conn:
        return len(setup.history(conn, here.id, "site", ["here"])["here"])


def test_an_extension_takes_groups_out_of_the_handover_and_lets_actions_go_on(ending):
    found = looked(ending, LATE)
    assert (found.was.phase, found.will_be.phase, found.groups) == ("handover", "running", 2)
    assert found.actions == (ActionMoved("call", "The adviser calls", SOON, LATE),)
    assert found.changes


@pytest.mark.parametrize("days", [1, 2, 92])
def test_the_handover_begins_on_the_first_day_of_which_the_phase_says_so(ending, days):
    ending.run(revise, [Site(id="here", title="Here", ends_on=SOON, handover_days=days)])
    begins = looked(ending, LATE).will_be.handover_from
    site = Site(id="here", title="Here", ends_on=LATE, handover_days=days)
    assert (phase(site, begins), phase(site, begins - timedelta(days=1))) == ("handover", "running")


def test_looking_stores_nothing(ending):
    before = revisions(ending)
    looked(ending, LATE)
    assert revisions(ending) == before


def test_the_end_moves_once_however_often_it_is_sent(ending):
    seen = looked(ending, LATE).revision
    first, second = moved(ending, LATE, seen), moved(ending, LATE, seen)
    assert (first.thing.ends_on, second) == (LATE, first)
    assert revisions(ending) == seen + 1


def test_it_does_not_move_where_somebody_else_moved_it_meanwhile(ending):
    seen = looked(ending, LATE).revision
    moved(ending, date(2026, 6, 30))
    assert isinstance(moved(ending, LATE, seen), PreconditionFailed)
    assert looked(ending, LATE).was.ends_on == date(2026, 6, 30)


def test_an_end_may_be_taken_away(ending):
    assert looked(ending, None).will_be.phase == "running"
    assert moved(ending, None).thing.ends_on is None


def test_the_end_of_today_changes_nothing(ending):
    assert not looked(ending, SOON).changes


def test_a_site_of_nowhere_is_refused(ending):
    assert isinstance(looked(ending, LATE, "nowhere"), NotFound)
