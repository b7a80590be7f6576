import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.goals import GOAL_MET
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.reading import decay, share, weeks_read, weeks_since_contact
from engagement.signals.tally import EMPTY, WEEK_MS, Event, of, week_of

NOW_MS = 100 * WEEK_MS
WEEK = week_of(NOW_MS)


def attended(*weeks_ago_and_value, signal=ATTENDANCE):
    return of(
        Event(signal.code, value, NOW_MS - ago * WEEK_MS, "app", f"{number}")
        for number, (ago, value) in enumerate(weeks_ago_and_value)
    )


def test_a_report_counts_half_after_its_half_life():
    assert decay(8, half_life_days=56.0) == 0.5


def test_a_new_report_counts_whole():
    assert decay(0, half_life_days=56.0) == 1.0


def test_a_share_weighs_the_newer_report_more():
    # Attendance has a half-life of 8 weeks: (1·1 + ½·0) / (1 + ½).
    assert share(attended((0, 1), (8, 0)), ATTENDANCE, WEEK) == pytest.approx(2 / 3, abs=1e-15)


def test_nothing_reported_is_not_a_share():
    assert math.isnan(share(EMPTY, ATTENDANCE, WEEK))


def test_another_kinds_reports_are_not_read():
    assert math.isnan(share(attended((0, 1), signal=GOAL_MET), ATTENDANCE, WEEK))


def test_the_26th_week_back_is_read():
    assert share(attended((25, 1)), ATTENDANCE, WEEK) == 1.0


def test_the_27th_week_back_is_not_known_any_more():
    assert math.isnan(share(attended((26, 1)), ATTENDANCE, WEEK))


def test_a_later_report_is_not_seen_from_an_earlier_moment():
    assert share(attended((0, 0), (8, 1)), ATTENDANCE, WEEK - 8) == 1.0


def test_ages_are_counted_from_the_moment_of_reading():
    assert [age for age, _ in weeks_read(attended((2, 1), (5, 0)), ATTENDANCE, WEEK + 1)] == [3, 6]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), min_size=1), st.integers(0, 30))
def test_a_known_share_lies_between_none_and_all(reports, later):
    read = share(attended(*reports), ATTENDANCE, WEEK + later)

    assert math.isnan(read) or 0.0 <= read <= 1.0


def test_contact_is_counted_in_weeks():
    assert weeks_since_contact(attended((3, 1)), NOW_MS) == 3.0


def test_staying_away_is_not_contact():
    assert weeks_since_contact(attended((0, 0), (5, 1)), NOW_MS) == 5.0


def test_no_contact_ever_is_not_known():
    assert math.isnan(weeks_since_contact(attended((0, 0)), NOW_MS))


def test_contact_is_remembered_beyond_26_weeks():
    assert weeks_since_contact(attended((60, 1), (0, 0)), NOW_MS) == 60.0


def test_a_contact_dated_ahead_is_now():
    assert weeks_since_contact(attended((-2, 1)), NOW_MS) == 0.0
