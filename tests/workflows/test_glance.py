"""The groups of a program at a glance, and one group's course, on meetings counted on one's fingers."""

import pytest

from engagement.errors import NotFound
from engagement.signals.reasons import REASONS
from engagement.workflows.answer import Reply, answer
from engagement.workflows.glance import GlanceWanted, glances
from engagement.workflows.group_course import CourseWanted, courses
from engagement.workflows.group_open import open_in
from engagement.workflows.ingest import ingest
from support.peer_groups import Here, ask, came, decided, held, met_goal, ms, said, seat

FIVE = 5


def at(month: int) -> float:
    """The day of the month's meeting: the tenth of March, and so on."""
    return 30.5 * month


@pytest.fixture
def two(here: Here) -> Here:
    """g0 met five times, then two meetings were not held; g1 met seven times with two, which is a miss."""
    seat(here, *(f"g{n},m{n}{place},{place}" for n in range(2) for place in range(1, 5)))
    for month in range(FIVE):
        here.run(ingest, [came(f"m0{place}", at(month)) for place in range(1, 5)], day=at(7))
    here.run(ingest, [held("g0", at(5), 0), held("g0", at(6), 0)], day=at(7))
    for month in range(7):
        rows = [came(f"m1{place}", at(month), int(place <= 4 - 2 * (month == 6))) for place in range(1, 5)]
        here.run(ingest, rows, day=at(7))
    return here


def glanced(here: Here, audience: str = "staff", day: float = at(6) + 1) -> dict:
    with here.db.read() as conn:
        (found,) = glances(conn, here.kept, here.id, [GlanceWanted("", audience)], ms(day))
    assert found.next is None
    return {row.group: row for row in found.groups}


def course(here: Here, group: str, audience: str = "staff", day: float = at(6) + 1):
    with here.db.read() as conn:
        (found,) = courses(conn, here.kept, here.id, [CourseWanted(group, audience)], ms(day))
    return found


def test_a_group_that_missed_two_meetings_is_dormant_and_still_alive(two):
    group = glanced(two)["g0"]
    assert group.state.state == "dormant"
    assert [month.held for month in group.months[-7:]] == [1, 1, 1, 1, 1, 0, 0]
    assert [month.missed for month in group.months[-7:]] == [0, 0, 0, 0, 0, 1, 1]
    assert [month.came for month in group.months[-7:]] == [4, 4, 4, 4, 4, None, None]
    assert all(month.alive for month in group.months[-7:])


def test_months_before_a_group_was_there_say_nothing(two):
    assert {month.alive for month in glanced(two)["g0"].months[:-7]} == {None}


def test_a_meeting_of_two_is_held_and_makes_a_group_waver(two):
    group = glanced(two)["g1"]
    assert group.state.state == "wavering"
    assert (group.months[-1].held, group.months[-1].came, group.months[-1].expected) == (1, 2, 4)


def test_reasons_are_those_of_the_last_three_months_and_not_for_neighbours(two):
    word = {name: number for number, name in enumerate(REASONS, 1)}
    told = [
        said("absence_reason", at(month), word[reason], member=f"m0{place}")
        for month, place, reason in [(0, 1, "money"), (5, 2, "time"), (6, 3, "time"), (6, 4, "work")]
    ]
    two.run(ingest, told, day=at(7))
    why = glanced(two)["g0"].why
    assert [(row.reason, row.count, row.of) for row in why] == [("time", 2, 3), ("work", 1, 3)]
    assert glanced(two, "adviser")["g0"].why == ()


def test_a_health_worker_is_told_the_reasons_of_those_alone_who_share_with_her(two):
    reasons = [
        said("absence_reason", at(6), REASONS.index(reason) + 1, member=member)
        for member, reason in (("m02", "time"), ("m03", "time"), ("m04", "work"))
    ]
    two.run(ingest, reasons, day=at(7))
    seat(two, "g0,m03,3,yes", columns="group,member,seat,health_worker", day=at(7))
    why = glanced(two, "health_worker")["g0"].why
    assert [(row.reason, row.count, row.of) for row in why] == [("time", 1, 1)]
    seats = course(two, "g0", "health_worker").seats
    assert [(row.member, row.reason) for row in seats if row.reason] == [("m03", "time")]


def test_what_is_open_is_told_and_what_is_answered_is_not(two):
    ids = decided(two, "m01", "m02", day=at(6), strategy="learned")
    with two.db.read() as conn:
        rows = open_in(conn, two.kept, two.id, "g0", ms(at(6) + 0.1))
    drawn = {row.decision_id for row in rows}
    assert drawn <= set(ids)
    suggested = glanced(two, day=at(6) + 0.1)["g0"].suggested
    if not drawn:
        assert suggested is None
        return
    assert suggested.decision_id in drawn
    assert suggested.others == len(drawn) - 1
    two.run(answer, [(name, Reply("done")) for name in drawn], day=at(6) + 0.1)
    assert glanced(two, day=at(6) + 0.2)["g0"].suggested is None


def test_many_groups_take_as_many_statements_as_one(here, statements):
    seat(here, "g0,m0,1")
    with statements() as one:
        glanced(here, day=1.0)
    seat(here, *(f"g{n},n{n},1" for n in range(1, 5)))
    with statements() as five:
        glanced(here, day=1.0)
    assert len(five) == len(one)


def test_the_groups_beyond_a_part_come_with_the_next(here):
    seat(here, *(f"g{n},m{n},1" for n in range(7)))
    with here.db.read() as conn:
        (first,) = glances(conn, here.kept, here.id, [GlanceWanted("", "staff")], ms(1))
        (rest,) = glances(conn, here.kept, here.id, [GlanceWanted(first.next, "staff")], ms(1))
    assert [row.group for row in (*first.groups, *rest.groups)] == [f"g{n}" for n in range(7)]
    assert rest.next is None


def test_a_course_has_the_states_and_goals_of_each_month(two):
    two.run(ingest, [met_goal("m01", at(1)), met_goal("m02", at(1), 0)], day=at(7))
    found = course(two, "g0")
    assert [month.state for month in found.months[-7:]] == ["thriving"] * 5 + ["wavering", "dormant"]
    assert (found.months[-6].goals_met, found.months[-6].goals_missed) == (1, 1)
    assert found.met(after=False) == (5, 7)


def test_a_goal_is_a_line_from_its_month_to_that_of_its_ending(two):
    two.run(
        ingest,
        [
            said("goal_set", at(1), 3, member="m01", chain="walk"),
            said("goal_met", at(3), 1, member="m01", chain="walk"),
            said("goal_set", at(4), 2, member="m02", chain="salt"),
        ],
        day=at(7),
    )
    walk, salt = course(two, "g0").goals
    assert (walk.seat, walk.category, walk.to_month - walk.from_month, walk.ending) == (
        1,
        "activity",
        2,
        "met",
    )
    assert (salt.seat, salt.category, salt.to_month, salt.ending) == (2, "food", None, None)


def test_who_came_is_told_by_seat_and_not_to_everybody(two):
    found = course(two, "g1")
    assert [(row.seat, row.meetings[-1]) for row in found.seats] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert len(found.meetings) == 6
    neighbour = course(two, "g1", "group")
    assert neighbour.seats == neighbour.meetings == neighbour.goals == ()


def test_an_action_counts_in_its_month_once_it_was_carried_out(two):
    given = [row for row in ask(two, "m01", "m02", "m03", day=at(6)) if row.action.id != "none"]
    assert course(two, "g0").actions == ()
    two.run(answer, [(str(row.decision_id), Reply("done")) for row in given], day=at(6))
    assert sum(row.count for row in course(two, "g0").actions) == len(given)
    assert {row.month for row in course(two, "g0").actions} <= {23}


def test_a_group_that_is_not_there_has_no_course(two):
    assert isinstance(course(two, "nowhere"), NotFound)
