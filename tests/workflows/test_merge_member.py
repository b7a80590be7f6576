"""A member enrolled twice is one person again: the id kept counts for both, and the past stays as it was."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import Conflict, Invalid, NotFound
from engagement.signals import tally
from engagement.signals.catalogue import BY_KIND
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.tally import Event
from engagement.store import decisions, setup, units
from engagement.strategy.setup import Member, Membership
from engagement.workflows.engagement import of_member
from engagement.workflows.ingest import ingest
from engagement.workflows.merge_member import MemberMerge, Merging, merge_members
from engagement.workflows.rebuild import compare
from engagement.workflows.recommend import Ask, recommend
from engagement.workflows.revise import revise
from engagement.workflows.seat import seat as seat_them
from support.peer_groups import (
    a_program,
    ask,
    came,
    decided,
    held,
    met_goal,
    moment,
    ms,
    said,
    seat,
    seat_members,
)

CAME = 1 - 1 / 3
"""What coming earns without a word of the goal: all but the third that is the goal's."""


@pytest.fixture
def twice(here):
    """m0, m1 and m2 in seats 1 to 3 of g0; m1 is m0 once more. m9 sits in no group."""
    seat_members(here, 3)
    here.run(revise, [Member(id="m9")])
    return here


def merge(here, member="m1", into="m0", on=None, day=10):
    (result,) = here.run(merge_members, [Merging(member, MemberMerge(into=into, on=on))], day=day)
    return result


def tally_of(here, name, kind="member"):
    return tally.decoded(here.read(units.read_tally, kind, name))


def attended(*days_and_values):
    """The tally of these reports of attendance, as (id, day, value)."""
    code = BY_KIND[ATTENDANCE.kind].code
    return tally.of(Event(code, value, ms(day), "register", name) for name, day, value in days_and_values)


def sits(here, name, day):
    row = here.read(setup.memberships_on, [name], moment(day).date())[name]
    return row.group, row.seat


def test_the_tally_of_the_one_kept_is_that_of_both_histories(twice):
    twice.run(ingest, [came("m0", 1, id="a"), came("m1", 2, 0, id="b")], day=3)
    merge(twice)
    assert tally_of(twice, "m0") == attended(("a", 1, 1), ("b", 2, 0))


def test_the_tally_of_the_duplicate_is_empty_and_that_of_the_group_is_what_it_was(twice):
    twice.run(ingest, [came("m0", 1), came("m1", 2, 0)], day=3)
    before = tally_of(twice, "g0", "group")
    merge(twice)
    assert tally_of(twice, "m1") == tally.EMPTY
    assert tally_of(twice, "g0", "group") == before


def test_a_late_report_that_names_the_duplicate_counts_for_the_one_kept(twice):
    merge(twice)
    twice.run(ingest, [came("m1", 2, id="late")], day=20)
    assert tally_of(twice, "m0") == attended(("late", 2, 1))


@pytest.mark.parametrize("named", ["m0", "m1"])
def test_a_correction_under_either_id_replaces_what_named_the_duplicate(twice, named):
    twice.run(ingest, [came("m1", 2, id="a")], day=3)
    merge(twice)
    twice.run(ingest, [came(named, 2, 0, id="b", corrects="a")], day=20)
    assert tally_of(twice, "m0") == attended(("b", 2, 0))


def test_a_report_sent_again_after_the_merge_is_repeated(twice):
    twice.run(ingest, [came("m1", 2, id="a")], day=3)
    merge(twice)
    (receipt,) = twice.run(ingest, [came("m1", 2, id="a")], day=20)
    assert receipt.status == "repeated"


def test_the_seat_of_the_duplicate_ends_and_the_one_kept_keeps_theirs(twice):
    merge(twice)
    assert [sits(twice, "m1", day) for day in (9, 10)] == [("g0", 2), (None, None)]
    assert sits(twice, "m0", 10) == ("g0", 1)


def test_who_sat_nowhere_takes_the_next_seat_that_nobody_had(twice):
    told = merge(twice, into="m9")
    assert (told.group, told.seat, told.changed) == ("g0", 4, True)
    assert sits(twice, "m9", 10) == ("g0", 4)


def test_merging_again_changes_nothing(twice):
    first = merge(twice)
    assert merge(twice, day=12) == msgspec.structs.replace(first, changed=False)
    assert sits(twice, "m0", 12) == ("g0", 1)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"member": "m2", "into": "m2"}, Invalid, "into themselves"),
        ({"member": "m2", "into": "m7"}, NotFound, "no member `m7`"),
        ({"member": "m7", "into": "m2"}, NotFound, "no member `m7`"),
        ({"member": "m2", "into": "m1"}, Conflict, "`m1` was merged into `m0`"),
        ({"member": "m1", "into": "m2"}, Conflict, "`m1` was merged into `m0`"),
        ({"member": "m0", "into": "m2"}, Conflict, "merge `m2` into it instead"),
        ({"member": "m0", "into": "m1"}, Conflict, "`m1` was merged into `m0`"),
        ({"member": "m2", "into": "m0", "on": moment(11).date()}, Invalid, "future"),
        ({"member": "m2", "into": "m0", "on": moment(-1).date()}, Invalid, "membership from"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_words_and_changes_nothing(twice, asked, error, words):
    merge(twice)
    refused = merge(twice, **asked)
    assert isinstance(refused, error)
    assert words in str(refused)
    assert sits(twice, "m2", 11) == ("g0", 3)


def test_nothing_is_recommended_under_the_duplicate_s_id(twice):
    merge(twice)
    (refused,) = twice.run(recommend, [Ask(member="m1")], day=10)
    assert isinstance(refused, NotFound)
    assert "`m1` was merged into `m0`" in str(refused)


def test_the_duplicate_is_seated_nowhere_again(twice):
    merge(twice)
    asked = Membership(member="m1", group="g0", seat=2, starts_on=moment(12).date())
    (refused,) = twice.run(seat_them, [asked], day=12)
    assert isinstance(refused, Conflict)
    report = seat(twice, "g0,m1,2,2026-03-22", columns="group,member,seat,joined_on", day=12)
    assert [flaw.column for flaw in report.refused] == ["member"]


@pytest.mark.parametrize("reported_after", [False, True])
def test_a_safety_report_about_the_duplicate_closes_the_one_kept(twice, reported_after):
    if reported_after:
        merge(twice)
    twice.run(ingest, [said("harm", 5, member="m1")], day=10)
    if not reported_after:
        merge(twice)
    (answer,) = ask(twice, "m0", day=10)
    assert answer.withheld == "referred"


def test_messages_refused_under_either_id_stay_refused(twice):
    twice.run(ingest, [said("stopped_messages", 5, member="m1")], day=6)
    merge(twice)
    (answer,) = ask(twice, "m0", day=10)
    assert answer.withheld == "messages_declined"


def picture(here, name):
    with here.db.read() as conn:
        return of_member(conn, here.kept, here.id, name, "staff", ms(20), simulated=True)


def test_the_picture_of_the_one_kept_shows_both_histories(twice):
    twice.run(ingest, [came("m0", 1), came("m1", 2)], day=3)
    merge(twice)
    assert sum(month.came for month in picture(twice, "m0").months) == 2
    with pytest.raises(NotFound, match="`m1` was merged into `m0`"):
        picture(twice, "m1")


def test_a_decision_stays_and_its_outcome_is_of_the_person(twice):
    made = decided(twice, "m1")
    before = twice.read(decisions.by_id, made)
    merge(twice)
    twice.run(ingest, [came("m0", 12), held("g0", 12)], day=13)
    twice.fold()
    assert twice.read(decisions.by_id, made) == before
    assert [row.reward for row in twice.read(decisions.outcomes, made)[made[0]]] == [CAME]


def test_the_merge_itself_revises_no_outcome_and_a_late_report_does(twice):
    made = decided(twice, "m1")
    twice.run(ingest, [held("g0", 12), came("m1", 12, 0)], day=13)
    twice.fold()
    merge(twice, day=45)
    assert [row.reward for row in twice.read(decisions.outcomes, made)[made[0]]] == [0.0]
    twice.run(ingest, [came("m1", 12, 1, id="b", corrects="attendance/m1/12")], day=46)
    assert [row.reward for row in twice.read(decisions.outcomes, made)[made[0]]] == [0.0, CAME]


@pytest.mark.parametrize("named", ["m0", "m1"])
def test_a_late_report_under_either_id_revises_what_was_decided_under_the_other(twice, named):
    # of a goal: it concerns no group, through which the decision would be found as well
    made = decided(twice, "m1")
    twice.run(ingest, [held("g0", 12), came("m1", 12)], day=13)
    twice.fold()
    merge(twice, day=45)
    twice.run(ingest, [met_goal(named, 12.1)], day=46)
    assert [row.reward for row in twice.read(decisions.outcomes, made)[made[0]]] == [CAME, 1.0]


def test_other_programs_have_their_own_members(twice):
    other = a_program(twice.db)
    seat_members(other, 2)
    merge(twice)
    other.run(ingest, [came("m1", 2, id="a")], day=20)
    assert tally_of(other, "m1") == attended(("a", 2, 1))


def test_a_merge_elsewhere_costs_a_recommendation_no_statement(twice, statements):
    ask(twice, "m0", "m2")
    with statements() as before:
        ask(twice, "m0", "m2", day=1)
    merge(twice)
    with statements() as after:
        ask(twice, "m0", "m2", day=10)
    assert len(after) <= len(before)


REPORTS = st.lists(
    st.tuples(st.sampled_from(["m0", "m1"]), st.integers(1, 40), st.integers(0, 1), st.booleans()),
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=REPORTS)
def test_whatever_is_reported_before_and_after_the_tally_is_that_of_the_union(db, reports):
    here = a_program(db)
    seat_members(here, 2)
    told = [(came(name, day, value, id=f"r{n}"), late) for n, (name, day, value, late) in enumerate(reports)]
    here.run(ingest, [signal for signal, late in told if not late], day=41)
    merge(here, day=41)
    here.run(ingest, [signal for signal, late in told if late], day=42)
    expected = attended(*((f"r{n}", day, value) for n, (_, day, value, _) in enumerate(reports)))
    assert tally_of(here, "m0") == expected
    assert compare(here.db, here.kept, here.id) == []
