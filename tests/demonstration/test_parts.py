"""The pure parts of a demonstration: days, people, replies, reports, tables."""

import csv
import io
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.demonstration.course import begun
from engagement.demonstration.options import Options
from engagement.demonstration.people import People, drawn, rosters
from engagement.demonstration.replies import Replies, replies
from engagement.demonstration.reports import reports
from engagement.demonstration.summary import table
from engagement.simulation.calendar import last_day, meeting, moment, month_name
from engagement.simulation.peer_group import DEFAULT, Month, State, start
from engagement.strategy.life import FOLLOWS, Status
from engagement.workflows.answer import Reply

UNIFORM = st.floats(0, 1, exclude_max=True)


def test_months_go_on_over_the_year() -> None:
    assert [month_name(month) for month in (0, 11, 12, 25)] == ["2026-01", "2026-12", "2027-01", "2028-02"]


@pytest.mark.parametrize(("months", "day"), [(12, date(2026, 12, 31)), (14, date(2027, 2, 28))])
def test_a_program_ends_on_the_last_day_of_its_last_month(months: int, day: date) -> None:
    assert last_day(months) == day


@given(st.integers(0, 200), st.integers(0, 1000))
def test_every_group_meets_between_the_work_and_the_report(month: int, group: int) -> None:
    assert moment(month, 8) < meeting(month, group) < moment(month, 21)


def test_pseudonyms_are_all_different_and_follow_no_order() -> None:
    people = drawn(30, 8, seed=1)
    names = [name for group in people.members for name in group]
    assert len(set(names)) == 240
    assert names != sorted(names)


def test_a_large_roster_comes_in_texts_that_the_service_takes() -> None:
    people = drawn(130, 8, seed=1)
    texts = list(rosters(people, np.ones(130, np.bool_), 1, date(2026, 1, 1)))
    rows = [list(csv.DictReader(io.StringIO(text))) for text in texts]
    assert [len(part) for part in rows] == [1000, 40]
    assert {row["member"] for part in rows for row in part} == {
        name for group in people.members for name in group
    }


def test_one_seed_begins_one_world_and_another_seed_another() -> None:
    first, again, other = (begun(Options(seed=seed))[1] for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.leaning, other.leaning)


@pytest.mark.parametrize(
    ("needs_accept", "draws", "expected"),
    [
        (True, (0.81, 0.91, 0.0), Replies(Reply("accepted"), Reply("done"))),
        (True, (0.81, 0.92, 0.0), Replies(Reply("accepted"), Reply("not_done", "no_time"))),
        (True, (0.82, 0.0, 0.3), Replies(Reply("declined", "not_wanted"), None)),
        (True, (0.96, 0.0, 0.0), Replies(None, None)),
        (False, (0.83, 0.0, 0.0), Replies(None, Reply("done"))),
        (False, (0.84, 0.0, 0.99), Replies(None, Reply("not_done", "other"))),
        (False, (0.96, 0.0, 0.0), Replies(None, None)),
    ],
)
def test_replies_follow_their_shares(
    needs_accept: bool, draws: tuple[float, float, float], expected: Replies
) -> None:
    assert replies(needs_accept, draws) == expected


@given(st.booleans(), st.tuples(UNIFORM, UNIFORM, UNIFORM))
def test_the_service_takes_every_course_of_replies(
    needs_accept: bool, draws: tuple[float, float, float]
) -> None:
    stands: Status = "proposed"
    for said in replies(needs_accept, draws):
        if said is not None:
            assert said.status in FOLLOWS[stands]
            stands = said.status


PEOPLE = People(("a", "b"), (("a1", "a2"), ("b1", "b2")))


def state(**changed: object) -> State:
    """Two groups of two, all active."""
    return start(DEFAULT, 2, 2, np.random.default_rng(0))._replace(**changed)  # type: ignore[arg-type]  # its own fields


def happened(**changed: object) -> Month:
    """Both groups meet, the first seat of each comes, and nobody leaves."""
    quiet, two = np.zeros((2, 2), np.bool_), np.ones(2, np.bool_)
    usual = Month(two, np.array([[True, False]] * 2), quiet, quiet, quiet, two, two, np.zeros(2, np.bool_))
    return usual._replace(**changed)  # type: ignore[arg-type]  # its own fields


def told(
    before: State, month: Month, *draws: tuple[float, float, float]
) -> list[tuple[str, str, int | None]]:
    """(unit, kind, value) of everything reported."""
    found = reports(PEOPLE, 0, before, month, np.array(draws))
    return [
        (signal.group or signal.member or "", signal.kind, signal.value)
        for report in found.reports
        for signal in report.signals
    ]


ORDINARY = (0.5, 0.5, 0.5)


def test_a_meeting_is_reported_with_every_active_seat() -> None:
    before = state(active=np.array([[True, True], [True, False]]))
    assert told(before, happened(), ORDINARY, ORDINARY) == [
        ("a", "meeting_held", 1),
        ("a1", "attendance", 1),
        ("a2", "attendance", 0),
        ("b", "meeting_held", 1),
        ("b1", "attendance", 1),
    ]


def test_a_meeting_not_held_is_reported_without_seats() -> None:
    month = happened(held=np.zeros(2, np.bool_), attended=np.zeros((2, 2), np.bool_))
    assert told(state(), month, ORDINARY, ORDINARY) == [("a", "meeting_held", 0), ("b", "meeting_held", 0)]


def test_an_open_goal_is_followed_up_with_whoever_came() -> None:
    before = state(goal_open=np.ones((2, 2), np.bool_))
    month = happened(goal_met=np.array([[True, False], [False, False]]))
    goals = [row for row in told(before, month, ORDINARY, ORDINARY) if row[1] == "goal_met"]
    assert goals == [("a1", "goal_met", 1), ("b1", "goal_met", 0)]


def test_one_held_meeting_in_twenty_is_never_reported() -> None:
    assert told(state(), happened(), (0.049, 0.5, 0.5), (0.05, 0.5, 0.5))[0] == ("b", "meeting_held", 1)


def test_one_report_in_ten_is_late_by_up_to_45_days() -> None:
    found = reports(PEOPLE, 0, state(), happened(), np.array([(0.5, 0.099, 0.999), (0.5, 0.10, 0.999)]))
    assert [(report.due - moment(0, 21)).days for report in found.reports] == [45, 0, 0]
    assert (found.late, found.unreported) == (1, 0)


def test_whoever_leaves_is_reported_but_not_a_group_that_dissolves() -> None:
    month = happened(left=np.ones((2, 2), np.bool_), dissolved=np.array([False, True]))
    left = [row for row in told(state(), month, ORDINARY, ORDINARY) if row[1] == "left"]
    assert left == [("a1", "left", 1), ("a2", "left", 1)]


def test_a_dissolved_group_is_never_heard_of_again() -> None:
    before = state(alive=np.array([True, False]), active=np.array([[True, True], [False, False]]))
    month = happened(held=np.array([True, False]), attended=np.array([[True, False], [False, False]]))
    assert {row[0] for row in told(before, month, ORDINARY, ORDINARY)} == {"a", "a1", "a2"}


def test_tables_stand_flush() -> None:
    assert table(["what", "n"], [["one", "1"], ["eleven", "11"]]) == [
        "  what     n",
        "  one      1",
        "  eleven  11",
    ]
