"""Signals arrive: each is stored once or refused alone, and what follows from it follows at once."""

import pytest
from sqlalchemy import select

from engagement.errors import Conflict, Invalid, NotFound
from engagement.signals import tally
from engagement.signals.goals import GOAL_MET
from engagement.signals.meetings import ATTENDANCE
from engagement.store import decisions, setup, signals, tables, units
from engagement.strategy.strategy import Outcome
from engagement.workflows.ingest import Receipt, ingest
from engagement.workflows.outcome import Posted, post_outcomes
from support.peer_groups import (
    a_program,
    ask,
    came,
    decided,
    held,
    met_goal,
    moment,
    said,
    seat,
    seat_members,
    with_strategy,
)

LATER = 60.0


def tell(here, *reports, day=LATER):
    return here.run(ingest, reports, day=day)


def tally_of(here, kind, name):
    return tally.decoded(here.read(units.read_tally, kind, name))


def attendance_of(here, kind, name):
    """(reports, of them yes) in a unit's tally."""
    found = tally.kind_of(tally_of(here, kind, name), ATTENDANCE.code)
    if found is None:
        return 0, 0
    weeks = found.weeks
    return sum(week.count for week in weeks), sum(week.total for week in weeks)


@pytest.fixture
def seated(here):
    """m0 and m1 in g0."""
    seat_members(here, 2)
    return here


def test_a_new_report_is_acknowledged_as_stored(seated):
    assert tell(seated, came("m0", 1, id="a")) == [Receipt("register", "a", "stored")]


def test_a_report_is_counted_for_the_member_and_for_the_group(seated):
    tell(seated, came("m0", 1, 0), came("m1", 1, 1))
    assert attendance_of(seated, "member", "m0") == (1, 0)
    assert attendance_of(seated, "group", "g0") == (2, 1)


def test_a_repeated_report_is_acknowledged_and_changes_nothing(seated):
    tell(seated, came("m0", 1, id="a"))
    assert tell(seated, came("m0", 1, id="a")) == [Receipt("register", "a", "repeated")]
    assert attendance_of(seated, "member", "m0") == (1, 1)


def test_a_report_repeated_within_a_batch_is_counted_once(seated):
    statuses = [receipt.status for receipt in tell(seated, came("m0", 1), came("m0", 1))]
    assert statuses == ["stored", "repeated"]
    assert attendance_of(seated, "member", "m0") == (1, 1)


def test_a_report_sent_again_after_a_move_is_a_repetition(seated):
    tell(seated, came("m0", 20))
    seat(seated, "g1,m0,1,2026-03-15", columns="group,member,seat,joined_on", day=30)
    assert [receipt.status for receipt in tell(seated, came("m0", 20))] == ["repeated"]


@pytest.mark.parametrize(
    "other",
    [
        came("m0", 1, 0, id="a"),
        came("m0", 2, id="a"),
        came("m1", 1, id="a"),
        met_goal("m0", 1, id="a"),
        came("m0", 1, id="a", reported_by="self"),
        came("m0", 1, id="a", corrects="b"),
        met_goal("m0", 1, id="a", chain="walk"),
    ],
    ids=["value", "time", "member", "kind", "reporter", "correction", "chain"],
)
def test_other_content_under_a_known_id_is_a_conflict_for_that_report_alone(seated, other):
    tell(seated, came("m0", 1, id="a"))
    refused, stored = tell(seated, other, came("m1", 3))
    assert isinstance(refused, Conflict)
    assert stored.status == "stored"
    assert attendance_of(seated, "group", "g0") == (2, 2)


def test_two_sources_may_use_the_same_id(seated):
    receipts = tell(seated, came("m0", 1, id="a"), came("m0", 1, id="a", source="app"))
    assert [receipt.status for receipt in receipts] == ["stored", "stored"]


@pytest.mark.parametrize(
    ("report", "error", "words"),
    [
        (came("m9", 1), NotFound, "no member `m9`"),
        (held("g9", 1), NotFound, "no group `g9`"),
        (said("came", 1, member="m0"), Invalid, "no signal 'came'"),
        (said("meeting_held", 1, member="m0"), Invalid, "said of a group, not of a member"),
        (said("attendance", 1, group="g0"), Invalid, "said of a member, not of a group"),
        (came("m0", 1, 2), Invalid, "from 0 to 1"),
        (said("left", 1, 0, member="m0"), Invalid, "from 1 to 1"),
        (said("attendance", 1), Invalid, "one member or one group"),
        (came("m0", 1, group="g0"), Invalid, "one member or one group"),
        (came("m0", 1, None), Invalid, "`corrects` names the report to take back"),
        (came("m0", 1, corrects_source="app"), Invalid, "needs `corrects`"),
        (came("m0", 1, id="a", corrects="a"), Invalid, "cannot correct itself"),
        (came("m0", -10_000), Invalid, "before the year 2000"),
        (came("m0", LATER + 0.01), Invalid, "ahead of the service's clock"),
        (said("goal_set", 1, "sugar", member="m0"), Invalid, "it can be other, food"),
        (said("goal_set", 1, 6, member="m0"), Invalid, "from 1 to 5"),
        (said("motivation", 1, 3, member="m0", reported_by="adviser"), Invalid, "cannot be known by adviser"),
        (came("m0", 1, chain="walk"), Invalid, "takes no `chain`"),
        (said("topic_agreed", 1, group="g0"), Invalid, "needs a `chain`"),
    ],
)
def test_a_report_that_cannot_be_true_is_refused_alone(seated, report, error, words):
    refused, stored = tell(seated, report, came("m1", 1))
    assert isinstance(refused, error)
    assert words in str(refused)
    assert stored.status == "stored"
    assert len(seated.read(signals.of_members, ["m0", "m1", "m9"])) == 1


def test_a_choice_is_stored_as_its_number_whichever_way_it_is_said(seated):
    tell(seated, said("goal_set", 1, "medicine", member="m0"), said("goal_set", 2, 4, member="m0"))
    assert [row.value for row in seated.read(signals.of_members, ["m0"])] == [4, 4]


def test_a_choice_said_again_by_its_number_is_the_same_report(seated):
    reports = [said("goal_set", 1, value, member="m0") for value in ("medicine", 4)]
    assert [receipt.status for receipt in tell(seated, *reports)] == ["stored", "repeated"]


def test_what_a_report_is_about_is_stored_with_it(seated):
    tell(seated, met_goal("m0", 1, chain="walk"), came("m0", 1))
    assert {row.kind: row.chain for row in seated.read(signals.of_members, ["m0"])} == {
        "goal_met": "walk",
        "attendance": None,
    }


def test_a_correction_may_say_that_another_goal_was_meant(seated):
    tell(seated, met_goal("m0", 1, id="a", chain="walk"))
    (receipt,) = tell(seated, met_goal("m0", 1, id="b", chain="pills", corrects="a"))
    assert receipt.status == "stored"


@pytest.mark.parametrize("kind", ["goal_not_followed_up", "goal_partly_met", "goal_dropped"])
def test_a_goal_neither_met_nor_missed_is_counted_as_neither(seated, kind):
    tell(seated, met_goal("m0", 1), said(kind, 2, member="m0"))
    weeks = tally.kind_of(tally_of(seated, "member", "m0"), GOAL_MET.code).weeks
    assert [(week.count, week.total) for week in weeks] == [(1, 1)]


def test_a_clock_that_is_ten_minutes_fast_is_forgiven(seated):
    (receipt,) = tell(seated, came("m0", LATER + 10 / 1440))
    assert isinstance(receipt, Receipt)


def test_a_correction_counts_in_the_place_of_what_it_names(seated):
    tell(seated, came("m0", 1, 1, id="a"))
    tell(seated, came("m0", 1, 0, id="b", corrects="a"))
    assert attendance_of(seated, "member", "m0") == (1, 0)
    assert attendance_of(seated, "group", "g0") == (1, 0)


def test_a_correction_without_value_takes_the_report_back(seated):
    tell(seated, came("m0", 1, id="a"))
    tell(seated, came("m0", 1, None, id="b", corrects="a"))
    assert tally_of(seated, "member", "m0") == tally.EMPTY
    assert tally_of(seated, "group", "g0") == tally.EMPTY


def test_a_correction_may_arrive_before_what_it_corrects(seated):
    tell(seated, came("m0", 1, 0, id="b", corrects="a"))
    tell(seated, came("m0", 1, 1, id="a"))
    assert attendance_of(seated, "member", "m0") == (1, 0)


def test_a_correction_may_be_corrected_in_turn(seated):
    tell(seated, came("m0", 1, 1, id="a"))
    tell(seated, came("m0", 1, 0, id="b", corrects="a"))
    tell(seated, came("m0", 1, 1, id="c", corrects="b"))
    assert attendance_of(seated, "member", "m0") == (1, 1)


def test_a_correction_may_name_another_source(seated):
    tell(seated, came("m0", 1, 1, id="a"))
    tell(seated, came("m0", 1, 0, id="a", source="staff", corrects="a", corrects_source="register"))
    assert attendance_of(seated, "member", "m0") == (1, 0)


@pytest.mark.parametrize(
    "other", [came("m1", 1, 0, id="b", corrects="a"), met_goal("m0", 1, id="b", corrects="a")]
)
def test_a_correction_speaks_of_the_same_unit_and_kind(seated, other):
    tell(seated, came("m0", 1, id="a"))
    (refused,) = tell(seated, other)
    assert isinstance(refused, Invalid)


@pytest.mark.parametrize(
    "other", [came("m1", 1, 0, id="c", corrects="a"), met_goal("m0", 1, id="c", corrects="a")]
)
def test_two_corrections_of_what_has_not_arrived_speak_of_the_same_unit_and_kind(seated, other):
    tell(seated, came("m0", 1, 0, id="b", corrects="a"))
    (refused,) = tell(seated, other)
    assert isinstance(refused, Invalid)


def test_a_report_whose_correction_speaks_of_another_unit_is_refused(seated):
    tell(seated, came("m1", 1, 0, id="b", corrects="a"))
    (refused,) = tell(seated, came("m0", 1, id="a"))
    assert isinstance(refused, Invalid)


@pytest.fixture
def moved(seated):
    """m0 sits in g0 from the start and in g1 from day 10."""
    seat(seated, "g1,m0,1,2026-03-20", columns="group,member,seat,joined_on")
    return seated


def test_a_report_is_credited_to_the_group_of_its_day(moved):
    tell(moved, came("m0", 9), came("m0", 10))
    assert attendance_of(moved, "group", "g0") == (1, 1)
    assert attendance_of(moved, "group", "g1") == (1, 1)


def test_a_correction_of_the_day_moves_the_report_to_the_other_group(moved):
    tell(moved, came("m0", 9, id="a"))
    tell(moved, came("m0", 12, id="b", corrects="a"))
    assert attendance_of(moved, "group", "g0") == (0, 0)
    assert attendance_of(moved, "group", "g1") == (1, 1)


def test_a_correction_that_loses_to_a_greater_one_leaves_its_group_too(moved):
    tell(moved, came("m0", 12, id="b", corrects="a"))
    tell(moved, came("m0", 9, id="c", corrects="a"))
    assert attendance_of(moved, "group", "g0") == (1, 1)
    assert attendance_of(moved, "group", "g1") == (0, 0)


def test_a_report_from_before_the_first_seat_counts_for_the_member_alone(seated):
    tell(seated, came("m0", -3))
    assert attendance_of(seated, "member", "m0") == (1, 1)
    assert attendance_of(seated, "group", "g0") == (0, 0)


@pytest.mark.parametrize("left_first", [True, False])
def test_who_comes_after_having_left_is_counted_where_they_last_sat(seated, left_first):
    reports = [said("left", 5, member="m0"), came("m0", 8)]
    for report in reports if left_first else reversed(reports):
        tell(seated, report)
    assert attendance_of(seated, "group", "g0") == (1, 1)


def test_who_stops_messages_is_recommended_nothing_on_the_very_next_call(seated):
    tell(seated, said("stopped_messages", 1, member="m0"), day=1)
    answer, other = ask(seated, "m0", "m1", day=1)
    assert (answer.withheld, answer.decision_id) == ("messages_declined", None)
    assert other.withheld is None


def stored_memberships(here, member):
    with here.db.read() as conn:
        m = tables.memberships.c
        return conn.execute(
            select(m.group_id, m.reason).where(m.program_id == here.id, m.member_id == member)
        ).all()


def group_on(here, member, day):
    return here.read(setup.memberships_on, [member], moment(day).date())[member].group


def test_who_has_left_sits_in_no_group_from_the_next_day_on(seated):
    tell(seated, said("left", 5, member="m0"))
    assert [group_on(seated, "m0", day) for day in (5, 6)] == ["g0", None]


@pytest.mark.parametrize("kind", ["moved", "died"])
def test_who_moved_away_or_died_sits_in_no_group_from_the_next_day_on(seated, kind):
    tell(seated, said(kind, 5, member="m0"))
    assert [group_on(seated, "m0", day) for day in (5, 6)] == ["g0", None]
    (ended,) = (row for row in stored_memberships(seated, "m0") if row.group_id is None)
    assert ended.reason == kind


def test_to_who_died_nothing_is_sent_on_the_very_next_call(seated):
    tell(seated, said("died", 1, member="m0"), day=1)
    (answer,) = ask(seated, "m0", day=1)
    assert (answer.withheld, answer.decision_id) == ("messages_declined", None)


@pytest.mark.parametrize(("kind", "earned"), [("moved", None), ("died", None), ("left", 0.0)])
def test_leaving_is_an_outcome_and_moving_or_dying_is_none(seated, kind, earned):
    (decision,) = decided(seated, "m0")
    tell(seated, said(kind, 3, member="m0"), came("m0", 9, 0))
    seated.fold()
    assert outcomes_of(seated, decision) == [(1, earned)]


def test_a_death_heard_of_late_takes_back_what_was_taken_for_staying_away(seated):
    (decision,) = decided(seated, "m0")
    tell(seated, came("m0", 9, 0))
    seated.fold()
    tell(seated, said("died", 3, member="m0"))
    assert outcomes_of(seated, decision) == [(1, 0.0), (2, None)]


def test_who_left_twice_has_left_on_the_earlier_day(seated):
    tell(seated, said("left", 9, member="m0"), said("left", 5, member="m0"))
    assert [group_on(seated, "m0", day) for day in (5, 6)] == ["g0", None]


def test_leaving_one_group_does_not_undo_the_seat_taken_the_day_after(moved):
    tell(moved, said("left", 9, member="m0"))
    assert group_on(moved, "m0", 10) == "g1"


def outcomes_of(here, decision):
    return [(row.revision, row.reward) for row in here.read(decisions.outcomes, [decision])[decision]]


def test_a_late_report_revises_an_outcome_that_had_matured(seated):
    (decision,) = decided(seated, "m0")
    seated.fold()
    tell(seated, came("m0", 3))
    assert outcomes_of(seated, decision) == [(1, None), (2, pytest.approx(2 / 3))]


def test_a_late_report_outside_the_window_revises_nothing(seated):
    (decision,) = decided(seated, "m0")
    seated.fold()
    tell(seated, came("m0", 36), came("m0", -1))
    assert outcomes_of(seated, decision) == [(1, None)]


def test_a_report_at_the_last_moment_of_the_longest_window_revises_the_outcome(db):
    here = a_program(db, with_strategy(outcome=Outcome(window_days=370)))
    seat_members(here, 1)
    (decision,) = decided(here, "m0")
    here.fold(day=371)
    tell(here, came("m0", 370, 0), day=372)
    assert outcomes_of(here, decision) == [(1, None), (2, 0.0)]


def test_a_late_report_about_the_group_revises_every_member_s_outcome(seated):
    made = decided(seated, "m0", "m1")
    seated.fold()
    tell(seated, held("g0", 3, 0))
    assert [outcomes_of(seated, decision) for decision in made] == [[(1, None), (2, 0.0)]] * 2


def test_a_late_correction_that_moves_a_report_out_of_the_window_revises_the_outcome(seated):
    (decision,) = decided(seated, "m0")
    tell(seated, came("m0", 3, 0, id="a"))
    seated.fold()
    tell(seated, came("m0", 50, 0, id="b", corrects="a"))
    assert outcomes_of(seated, decision) == [(1, 0.0), (2, None)]


def test_a_correction_that_loses_to_one_outside_the_window_is_not_counted_in_it(seated):
    (decision,) = decided(seated, "m0")
    tell(seated, came("m0", 50, 0, id="z", corrects="a"), came("m0", 3, 0, id="b", corrects="a"))
    seated.fold()
    assert outcomes_of(seated, decision) == [(1, None)]


def test_signals_do_not_revise_what_was_posted(seated):
    (decision,) = decided(seated, "m0")
    seated.run(post_outcomes, [(decision, Posted(1.0))], day=2)
    seated.fold()
    tell(seated, came("m0", 3, 0))
    assert outcomes_of(seated, decision) == [(1, 1.0)]
