"""Silence is not death: how groups stand, from what is in the ledger and nothing else."""

from datetime import date
from itertools import permutations

import msgspec
import pytest

from engagement.signals.expected import Report
from engagement.signals.rhythm import EveryWeeks
from engagement.signals.tally import DAY_MS, Event
from engagement.store import setup
from engagement.strategy.setup import Group
from engagement.strategy.standing import Heard, Revision
from engagement.workflows.engagement import of_group
from engagement.workflows.ingest import ingest
from engagement.workflows.revise import revise
from engagement.workflows.states import by_month, heard_of, look, states_of
from engagement.workflows.tallies import standing
from support.peer_groups import a_program, came, held, moment, ms, said, seat, seat_members

RHYTHM = EveryWeeks(first_on=moment(0).date())
"""Expected on days 0, 28, 56, 84 …"""
LATER = 28 * 6 + 22.0
"""A day on which nothing of the meeting of day 168 has been heard for 22 days."""


def group(here, name="g0", **fields):
    here.run(revise, [msgspec.structs.replace(Group(id=name, site="here", rhythm=RHYTHM), **fields)])


def states(here, day, *names):
    with here.db.read() as conn:
        return states_of(conn, here.kept, here.id, names, ms(day))


def state(here, day, name="g0"):
    return states(here, day, name)[name].state


def picture(here, day, name="g0"):
    with here.db.read() as conn:
        return of_group(conn, here.kept, here.id, name, "staff", ms(day), simulated=False)


@pytest.fixture
def two(here):
    """Groups g0 and g1 of eight; both met on day 0."""
    seat_members(here, 16)
    for name in ("g0", "g1"):
        group(here, name)
    here.run(ingest, [held("g0", 0), held("g1", 0)], day=0)
    return here


def test_one_that_reports_three_failures_is_dissolved_and_one_that_says_nothing_is_silent(two):
    two.run(ingest, [held("g0", day, 0) for day in (28, 56, 84)], day=84)
    seen = states(two, LATER, "g0", "g1")
    assert (seen["g0"].state, seen["g0"].since) == ("dissolved", moment(28).date())
    assert (seen["g1"].state, seen["g1"].last_known_meeting) == ("silent", moment(0).date())


def test_when_it_is_heard_that_the_silent_one_met_its_history_is_another(two):
    # March to September; the meetings of days 28 and 56 are unreported from days 50 and 78 on
    gone = [None] * 5
    before = [month.state for month in picture(two, LATER, "g1").months]
    assert before == [*gone, *["thriving"] * 2, *["silent"] * 5]
    two.run(ingest, [held("g1", 28), held("g1", 168)], day=LATER)
    seen = picture(two, LATER, "g1")
    # those of days 56 and 84 still are, the second from day 106 on, until that of day 168
    assert [month.state for month in seen.months] == [
        *gone, *["thriving"] * 3, "silent", "silent", "thriving", "thriving",
    ]  # fmt: skip
    assert seen.standing.state == "thriving"


def test_a_group_with_two_present_three_times_is_dissolved(two):
    reports = [came(name, day) for day in (28, 56, 84) for name in ("m0", "m1")]
    two.run(ingest, [*reports, *(held("g0", day) for day in (28, 56, 84))], day=84)
    assert state(two, 85) == "dissolved"


def test_a_postponed_meeting_does_not_count(two):
    reports = [held("g0", 28, 0), said("meeting_postponed", 56, group="g0"), held("g0", 84, 0)]
    two.run(ingest, reports, day=84)
    assert state(two, 85) == "dormant"


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_reports_may_come_in_any_order(two, order):
    reports = [held("g0", 28, 0), held("g0", 56, 0), held("g0", 84)]
    for place in order:
        two.run(ingest, [reports[place]], day=85)
    assert state(two, 86) == "thriving"


def test_a_correction_takes_a_failure_back(two):
    two.run(ingest, [held("g0", day, 0) for day in (28, 56, 84)], day=84)
    two.run(ingest, [held("g0", 56, 1, id="b", corrects="meeting_held/g0/56")], day=85)
    assert state(two, 86) == "wavering"


def test_a_member_s_report_corrected_into_another_group_is_heard_of_that_one(two):
    seat(two, "g1,m0,9,2026-03-25", columns="group,member,seat,joined_on")
    two.run(ingest, [came("m0", 5, id="a")], day=20)
    two.run(ingest, [came("m0", 20, id="b", corrects="a")], day=20)
    assert who_came(two, "g0") == []
    assert who_came(two, "g1") == [("m0", 1)]


def who_came(here, name):
    heard = here.read(heard_of, ["g0", "g1"], "Asia/Kolkata")[name]
    return [(report.who, report.value) for report in heard.reports if report.who]


def test_what_is_read_for_a_list_is_what_counts_of_everything(two):
    seat(two, "g1,m0,9,2026-03-25", columns="group,member,seat,joined_on")
    two.run(ingest, [came("m0", 5, id="a"), came("m1", 5, 0, id="c"), held("g0", 28)], day=28)
    corrections = [came("m0", 20, id="b", corrects="a"), came("m1", 5, None, id="d", corrects="c")]
    two.run(ingest, corrections, day=28)
    counts = [row for row in two.read(standing, [], ["g0"]) if row.group_id == "g0"]
    heard = two.read(heard_of, ["g0"], "Asia/Kolkata")["g0"]
    assert sorted(report.at_ms for report in heard.reports) == sorted(row.occurred_at for row in counts)
    assert len(counts) == 2


def test_a_list_and_a_picture_say_the_same(two):
    two.run(ingest, [held("g0", 28, 0)], day=28)
    for day in (1, 40, 60, LATER):
        assert states(two, day, "g0")["g0"] == picture(two, day).standing


def test_a_state_comes_with_its_words_place_and_members(two):
    two.run(ingest, [held("g0", 28, 0)], day=28)
    seen = states(two, 30, "g0")["g0"]
    assert (seen.members, seen.site, seen.phase) == (8, "here", "running")
    assert seen.sentence == f"Missed its last known meeting, of {moment(28).date()}"


def test_a_group_ended_by_the_program_asks_for_nothing(two):
    group(two, "g1", ended=True)
    assert state(two, LATER, "g1") == "ended"


def test_a_change_of_rhythm_leaves_what_was_expected_before_as_it_was(two):
    two.run(ingest, [held("g0", 28, 0)], day=28)
    weekly = Group(id="g0", site="here", rhythm=EveryWeeks(first_on=moment(35).date(), weeks=1))
    two.run(revise, [weekly], day=35)
    assert state(two, 36) == "wavering"
    two.run(ingest, [held("g0", day, 0) for day in (35, 42)], day=42)
    assert state(two, 43) == "dissolved"


def test_a_list_picks_out_a_state_counts_all_it_looked_at_and_says_where_to_go_on(two):
    group(two, "g2")
    two.run(ingest, [held("g0", 168)], day=168)

    def looked(*cut):
        with two.db.read() as conn:
            return look(conn, two.kept, two.id, *cut, ms(LATER))

    first, rest = looked("", 2, "silent"), looked("g1", 2, "silent")
    assert [row.thing.id for row, _ in first.found] == ["g1"]
    assert ((first.seen["thriving"], first.seen["silent"]), first.next) == ((1, 1), "g1")
    assert ([row.thing.id for row, _ in rest.found], rest.next) == (["g2"], None)


def test_many_groups_take_as_many_statements_as_one(two, statements):
    states(two, 1, "g0")  # the catalogue is kept from here on
    with statements() as one:
        states(two, 1, "g0")
    with statements() as both:
        states(two, 1, "g0", "g1")
    assert len(one) == len(both) <= 7


def test_groups_the_program_does_not_know_are_left_out(two):
    assert states(two, 1, "x") == {}


def test_revisions_are_read_with_the_day_they_were_entered(two):
    told = two.read(setup.history, "group", ["g0"])["g0"]
    assert [moment_ms // DAY_MS for _, moment_ms in told] == [ms(0) // DAY_MS] * 2


def test_programs_do_not_hear_of_each_other_s_groups(two):
    other = a_program(two.db)
    seat_members(other, 1)
    group(other)
    assert state(other, 0) == "new"


def test_the_index_of_a_month_gone_by_is_that_of_what_had_happened_by_then():
    # in March 1 of 9 came and 0 of 3 goals were met: 100 · (.4 + .4/9 + 0) = 44, a low index
    revisions = [Revision(Group(id="g", site="s"), moment(0).date())]
    heard = Heard(revisions, [Report(moment(30 * n).date(), ms(30 * n), 1, 1) for n in range(10)])
    poor = [(1, 1), *((2, n == 0) for n in range(9)), *((4, 0) for _ in range(3))]
    rich = [(1, 1), *((2, 1) for _ in range(9)), *((4, 1) for _ in range(3))]
    events = [
        Event(code, int(value), ms(day), "s", f"{day}/{number}")
        for day, said in ((0, poor), (270, rich))
        for number, (code, value) in enumerate(said)
    ]
    ends = [date(2026, 3, 31), date(2026, 12, 6)]
    assert by_month(heard, events, ends, "Asia/Kolkata") == ["wavering", "thriving"]
