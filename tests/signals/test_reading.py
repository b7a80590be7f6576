import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.clinic import PRESSURE_CONTROLLED
from engagement.signals.community import POST_WRITTEN
from engagement.signals.goals import GOAL_MET, GOAL_NOT_FOLLOWED_UP, GOAL_PARTLY_MET
from engagement.signals.meetings import ATTENDANCE
from engagement.signals.reading import (
    Counted,
    counted,
    decay,
    followed_up,
    freshness,
    latest,
    share,
    together,
    weeks_read,
    weeks_since_contact,
    weighed,
)
from engagement.signals.self_report import MOTIVATION, WIN_SHARED
from engagement.signals.tally import EMPTY, WEEK_MS, Event, merged, of, week_of

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


def test_a_goal_missed_was_asked_about_and_one_not_followed_up_was_not():
    known = merged(attended((0, 0), signal=GOAL_MET), attended((0, 1), signal=GOAL_NOT_FOLLOWED_UP))

    assert followed_up(known, WEEK) == 0.5


def test_a_goal_met_in_part_was_asked_about():
    assert followed_up(attended((0, 1), signal=GOAL_PARTLY_MET), WEEK) == 1.0


def test_of_weeks_that_one_of_the_kinds_has_forgotten_nothing_is_said():
    # Goals not followed up are kept for eight weeks: what was so nine weeks ago, and before, is gone.
    known = merged(attended((9, 1), signal=GOAL_MET), attended((0, 1), (9, 1), signal=GOAL_NOT_FOLLOWED_UP))

    assert math.isnan(followed_up(known, WEEK - 8))


def test_the_latest_value_is_that_of_the_latest_report():
    assert latest(attended((9, 5), (2, 3), signal=MOTIVATION), MOTIVATION, NOW_MS) == 3.0


@pytest.mark.parametrize(("ago", "known"), [(25, True), (26, False)])
def test_the_latest_value_is_not_known_after_26_weeks(ago, known):
    assert math.isnan(latest(attended((ago, 3), signal=MOTIVATION), MOTIVATION, NOW_MS)) != known


def test_what_is_counted_goes_back_as_far_as_the_kind_keeps_weeks():
    assert counted(attended((0, 1), (4, 1), (4, 1), (5, 1), signal=POST_WRITTEN), POST_WRITTEN, WEEK) == 3.0


def test_what_was_not_reported_is_not_counted_as_none():
    assert math.isnan(counted(attended((5, 1), signal=POST_WRITTEN), POST_WRITTEN, WEEK))


def test_a_thing_is_half_as_fresh_after_its_half_life():
    assert freshness(attended((8, 1), signal=WIN_SHARED), [WIN_SHARED], NOW_MS) == 0.5


def test_the_freshest_of_several_kinds_counts():
    known = merged(attended((8, 1), signal=WIN_SHARED), attended((0, 1), signal=POST_WRITTEN))

    assert freshness(known, [WIN_SHARED, POST_WRITTEN], NOW_MS) == 1.0


def test_what_never_happened_is_not_stale_but_unknown():
    assert math.isnan(freshness(EMPTY, [WIN_SHARED], NOW_MS))


def test_what_is_dated_ahead_is_no_fresher_than_new():
    assert freshness(attended((-1, 1), signal=WIN_SHARED), [WIN_SHARED], NOW_MS) == 1.0


def test_what_is_weighed_is_the_share_with_how_much_it_rests_on():
    # attendance halves in eight weeks: 1 of 1 now and 0 of ½ then
    assert weighed(attended((0, 1), (8, 0)), ATTENDANCE, NOW_MS) == Counted(1.0, 1.5, 1, 2)


def test_a_kind_without_weeks_is_as_old_as_its_latest_report():
    # halves in thirteen weeks: 2 of 3, all as of thirteen weeks ago
    controlled = attended((13, 1), (20, 1), (25, 0), signal=PRESSURE_CONTROLLED)
    assert weighed(controlled, PRESSURE_CONTROLLED, NOW_MS) == Counted(1.0, 1.5, 2, 3)


def test_what_is_older_than_26_weeks_weighs_nothing():
    assert weighed(attended((26, 1), signal=PRESSURE_CONTROLLED), PRESSURE_CONTROLLED, NOW_MS) == Counted()
    assert weighed(attended((26, 1)), ATTENDANCE, NOW_MS) == Counted()


def test_several_kinds_are_weighed_together():
    assert together([Counted(1, 2, 1, 2), Counted(0.5, 0.5, 1, 1)]) == Counted(1.5, 2.5, 2, 3)
    assert together([]) == Counted()
