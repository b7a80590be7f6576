"""The picture of a member or a group, as far as its reader may see it."""

import pytest

from engagement.errors import NotFound
from engagement.signals.signal import AUDIENCES
from engagement.workflows.engagement import GoalSeen, of_group, of_member
from engagement.workflows.ingest import ingest
from support.peer_groups import came, held, met_goal, moment, ms, said, seat, seat_members


def picture(here, of, name, audience="staff", day=20.0):
    with here.db.read() as conn:
        return of(conn, here.kept, here.id, name, audience, ms(day), simulated=False)


@pytest.fixture
def lively(here):
    """g0 met in March; m0 came and met the goal, m1 did not come."""
    seat_members(here, 2)
    here.run(ingest, [held("g0", 5), came("m0", 5), met_goal("m0", 5), came("m1", 5, 0)], day=6)
    return here


def month(seen):
    (found,) = (row for row in seen.months if row.month == "2026-03")
    return found.held, found.came, found.expected, found.goals_met


def test_a_member_s_months_count_their_own_reports(lively):
    assert month(picture(lively, of_member, "m0")) == (0, 1, 1, 1)


def test_a_group_s_months_count_everybody_s(lively):
    assert month(picture(lively, of_group, "g0")) == (1, 1, 2, 1)


def test_what_was_corrected_counts_as_corrected(lively):
    lively.run(ingest, [came("m1", 5, 1, id="b", corrects="attendance/m1/5")], day=7)
    assert month(picture(lively, of_group, "g0")) == (1, 2, 2, 1)


def test_a_report_corrected_into_another_group_leaves_this_one(lively):
    seat(lively, "g1,m0,1,2026-03-20", columns="group,member,seat,joined_on")
    lively.run(ingest, [came("m0", 12, id="b", corrects="attendance/m0/5")], day=13)
    assert month(picture(lively, of_group, "g0")) == (1, 0, 1, 1)
    assert month(picture(lively, of_group, "g1")) == (0, 1, 1, 0)


def test_the_picture_says_where_a_member_sits_and_in_which_phase_a_group_is(lively):
    assert picture(lively, of_member, "m0").group == "g0"
    assert picture(lively, of_group, "g0").phase == "running"


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_reader_sees_a_figure_for_the_whole_only_with_all_of_its_parts(lively, audience):
    all_of_it, seen = (picture(lively, of_member, "m0", who) for who in ("research", audience))
    assert (seen.index is not None) == (len(seen.parts) == len(all_of_it.parts))
    assert (seen.trend == "unknown") or len(seen.parts) == len(all_of_it.parts)


def test_nobody_sees_less_than_those_nearer_to_the_group(lively):
    seen = [len(picture(lively, of_member, "m0", audience).parts) for audience in AUDIENCES]
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


GOALS = [
    said("goal_set", 5, "medicine", member="m0", chain="pills", id="pills"),
    said("goal_set", 5, "food", member="m0", chain="salt", id="salt"),
    met_goal("m0", 12, chain="salt"),
]


def test_a_picture_shows_the_goals_that_nobody_has_asked_about(lively):
    lively.run(ingest, GOALS, day=13)
    assert picture(lively, of_member, "m0").open_goals == (GoalSeen("pills", "medicine", moment(5)),)


def test_goals_are_for_the_adviser_and_not_for_the_group(lively):
    lively.run(ingest, GOALS, day=13)
    shown = [bool(picture(lively, of_member, "m0", audience).open_goals) for audience in AUDIENCES]
    assert shown == [False, True, True, True, True]


def test_an_end_that_was_taken_back_leaves_the_goal_open(lively):
    back = met_goal("m0", 12, None, id="back", chain="salt", corrects="goal_met/m0/12")
    lively.run(ingest, [*GOALS, back], day=13)
    assert [goal.chain for goal in picture(lively, of_member, "m0").open_goals] == ["pills", "salt"]


@pytest.fixture
def led(here):
    """a0 advises g0, where m0 sits too. The adviser is tired, and a refresher is due."""
    seat(here, "g0,a0,1,adviser", "g0,m0,2,member", columns="group,member,seat,role")
    reports = [held("g0", 5), said("reminder_passed_on", 4, group="g0")]
    reports += [said("adviser_step", 5, "tired", member="a0"), said("refresher_due", 5, 30, member="a0")]
    here.run(ingest, reports, day=6)
    return here


def test_an_adviser_s_picture_shows_what_they_do_in_the_group_and_where_they_stand(led):
    found = picture(led, of_member, "a0").advising
    assert (found.index, [part.name for part in found.parts]) == (100.0, ["held", "reminded", "asked"])
    assert (found.step, found.refresher_due_at) == ("tired", moment(35))


@pytest.mark.parametrize("audience", AUDIENCES)
def test_that_an_adviser_is_tired_is_for_staff(led, audience):
    found = picture(led, of_member, "a0", audience).advising
    assert (found.step is not None) == (audience in {"staff", "research"})
    assert (found.refresher_due_at is not None) == (audience in {"staff", "research"})


def test_only_an_adviser_advises(led):
    assert picture(led, of_member, "m0").advising is None
    assert picture(led, of_group, "g0").advising is None


def test_of_a_member_nobody_spoke_of_nothing_is_known(here):
    seat_members(here, 1)
    silent = picture(here, of_member, "m0")
    assert (silent.index, silent.sentence) == (None, "Nothing is known yet")
    assert month(silent) == (0, 0, 0, 0)


def test_who_has_left_sits_in_no_group(lively):
    lively.run(ingest, [said("left", 6, member="m0")], day=6)
    assert picture(lively, of_member, "m0", day=8).group is None


@pytest.mark.parametrize("of", [of_member, of_group])
def test_of_whom_the_program_does_not_know_there_is_no_picture(lively, of):
    with pytest.raises(NotFound):
        picture(lively, of, "x")
