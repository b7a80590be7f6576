"""What became of each expected meeting: hand-made reports, and laws over any."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.expected import SILENT_AFTER, Meeting, Report, meetings
from engagement.signals.rhythm import EveryWeeks, Since, expected

HELD, ATTENDANCE, POSTPONED = 1, 2, 10
FIRST = date(2026, 1, 6)
PLAN = expected([Since(FIRST, EveryWeeks(first_on=FIRST))], date(2026, 12, 31))
LATE = date(2026, 12, 31)

reports = st.lists(
    st.builds(
        lambda day, code, value, who: Report(
            FIRST + timedelta(days=day),
            day,
            code,
            1 if code == POSTPONED else value,
            who if code == 2 else "",
        ),
        st.integers(-30, 330),
        st.sampled_from([HELD, ATTENDANCE, POSTPONED]),
        st.integers(0, 1),
        st.sampled_from("abcde"),
    ),
    max_size=25,
)


def heard(code, value=1, days=0, who="", at_ms=None):
    """A report so many days after the first expected meeting."""
    return Report(FIRST + timedelta(days=days), days if at_ms is None else at_ms, code, value, who)


def first(*said, today=LATE):
    """What became of the first meeting."""
    return meetings(PLAN, said, today)[0]


@pytest.mark.parametrize(
    ("said", "status", "came"),
    [
        ([heard(HELD)], "held", None),
        ([heard(HELD, 0)], "not_held", None),
        ([heard(POSTPONED)], "postponed", None),
        ([heard(ATTENDANCE, 1, who="a")], "held", 1),
        ([heard(ATTENDANCE, 0, who="a")], "unreported", None),
        ([heard(HELD), heard(ATTENDANCE, 0, who="a")], "held", 0),
        ([heard(HELD, 0), heard(POSTPONED)], "postponed", None),
        ([heard(POSTPONED), heard(HELD, 0, days=7)], "not_held", None),
        ([heard(POSTPONED), heard(HELD, 1, days=7)], "held", None),
        ([heard(HELD, 1), heard(HELD, 0, days=7)], "held", None),
        ([], "unreported", None),
    ],
)
def test_a_meeting_is_what_was_said_of_it(said, status, came):
    assert (first(*said).status, first(*said).came) == (status, came)


def test_a_member_named_twice_came_once():
    assert first(heard(HELD), *[heard(ATTENDANCE, 1, who="a")] * 3, heard(ATTENDANCE, 1, who="b")).came == 2


def test_of_two_days_in_one_window_the_fuller_one_counts():
    came = [heard(ATTENDANCE, 1, who=who) for who in "ab"] + [
        heard(ATTENDANCE, 1, days=9, who=who) for who in "cde"
    ]
    assert first(*came).came == 3


@pytest.mark.parametrize(("days_after", "status"), [(0, "expected"), (21, "expected"), (22, "unreported")])
def test_a_meeting_is_unreported_when_nothing_is_heard_within_21_days(days_after, status):
    assert first(today=FIRST + timedelta(days=days_after)).status == status


@pytest.mark.parametrize(
    ("days", "statuses"),
    [
        (-15, ["unreported", "unreported"]),
        (-14, ["held", "unreported"]),
        (14, ["held", "unreported"]),
        (15, ["unreported", "held"]),
    ],
)
def test_a_report_is_heard_of_the_nearest_meeting_within_half_the_rhythm(days, statuses):
    assert [meeting.status for meeting in meetings(PLAN, [heard(HELD, days=days)], LATE)[:2]] == statuses


def test_a_meeting_held_before_its_day_is_known_at_once():
    today = FIRST - timedelta(days=2)
    (early,) = meetings(PLAN, [heard(HELD, days=-3)], today)
    assert (early.status, early.day) == ("held", FIRST - timedelta(days=3))


@pytest.mark.parametrize(
    ("meeting", "missed"),
    [
        (Meeting(FIRST, "held", None), False),
        (Meeting(FIRST, "held", 3), False),
        (Meeting(FIRST, "held", 2), True),
        (Meeting(FIRST, "not_held"), True),
        (Meeting(FIRST, "postponed"), False),
        (Meeting(FIRST, "unreported"), False),
        (Meeting(FIRST, "expected"), False),
    ],
)
def test_missed_is_known_not_to_have_been_held_or_with_fewer_than_three(meeting, missed):
    assert meeting.missed is missed


@given(reports, st.randoms(use_true_random=False))
def test_the_order_of_arrival_never_matters(said, random):
    shuffled = list(said)
    random.shuffle(shuffled)
    assert meetings(PLAN, shuffled, LATE) == meetings(PLAN, said, LATE)


@given(reports, reports)
def test_what_is_heard_later_than_the_day_is_not_seen_on_it(said, later):
    today = FIRST + timedelta(days=100)
    past = [report for report in said if report.day <= today]
    assert meetings(PLAN, [*past, *(row for row in later if row.day > today)], today) == meetings(
        PLAN, past, today
    )


@given(reports)
def test_every_meeting_overdue_is_heard_of_or_unreported(said):
    for meeting in meetings(PLAN, said, LATE):
        overdue = LATE - meeting.on > SILENT_AFTER
        assert (meeting.heard_on is None) == (meeting.status in ("unreported", "expected"))
        assert meeting.status != ("expected" if overdue else "unreported")
