from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.history import Month, months
from engagement.signals.tally import Event

HELD, ATTENDANCE, GOAL_SET, GOAL_MET = 1, 2, 3, 4


def at(year, month, day, hour=12):
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1000


def event(code, value, time_ms):
    return Event(code, value, time_ms, "app", f"{code}/{value}/{time_ms}")


def test_the_last_twelve_months_end_with_this_one():
    names = [(month.year, month.month) for month in months([], at(2025, 3, 15))]

    assert names == [(2024, month) for month in range(4, 13)] + [(2025, 1), (2025, 2), (2025, 3)]


def test_as_many_months_come_as_are_asked_for():
    assert len(months([], at(2025, 3, 15), count=3)) == 3


def test_a_month_counts_what_was_reported_in_it():
    reported = [
        event(HELD, 1, at(2025, 3, 2)),
        event(HELD, 0, at(2025, 3, 9)),
        event(HELD, 0, at(2025, 3, 16)),
        event(ATTENDANCE, 1, at(2025, 3, 2)),
        event(ATTENDANCE, 1, at(2025, 3, 3)),
        event(ATTENDANCE, 0, at(2025, 3, 4)),
        event(GOAL_SET, 1, at(2025, 3, 2)),
        event(GOAL_MET, 1, at(2025, 3, 2)),
        event(GOAL_MET, 0, at(2025, 3, 3)),
        event(GOAL_MET, 0, at(2025, 3, 4)),
    ]

    assert months(reported, at(2025, 3, 31), count=1) == (
        Month(2025, 3, held=1, not_held=2, came=2, expected=3, goals_set=1, goals_met=1, goals_missed=2),
    )


def test_a_month_begins_at_midnight_utc():
    february, march = months([event(HELD, 1, at(2025, 3, 1, hour=0))], at(2025, 3, 31), count=2)

    assert (february.held, march.held) == (0, 1)


def test_a_month_ends_just_before_midnight_utc():
    february, march = months([event(HELD, 1, at(2025, 3, 1, hour=0) - 1)], at(2025, 3, 31), count=2)

    assert (february.held, march.held) == (1, 0)


def test_december_is_followed_by_january():
    december, january = months([event(HELD, 1, at(2024, 12, 31))], at(2025, 1, 1), count=2)

    assert (december[:3], january[:3]) == ((2024, 12, 1), (2025, 1, 0))


@given(st.lists(st.integers(at(2024, 1, 1), at(2024, 12, 31)), unique=True))
def test_no_report_of_the_year_is_lost_or_counted_twice(times):
    year = months([event(HELD, 1, time_ms) for time_ms in times], at(2024, 12, 31))

    assert sum(month.held for month in year) == len(times)
