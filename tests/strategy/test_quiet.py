"""Quiet hours: when they end, across midnight, by day and where the clocks change."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.strategy.quiet import QuietHours, deliver_from

NIGHT = QuietHours(starts=time(21), ends=time(8))
NOON = QuietHours(starts=time(12), ends=time(15, 30))
INDIA = "Asia/Kolkata"


def ms(text):
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("2026-03-10T20:59:59+05:30", "2026-03-10T20:59:59+05:30"),
        ("2026-03-10T21:00:00+05:30", "2026-03-11T08:00:00+05:30"),
        ("2026-03-11T00:00:00+05:30", "2026-03-11T08:00:00+05:30"),
        ("2026-03-11T07:59:59+05:30", "2026-03-11T08:00:00+05:30"),
        ("2026-03-11T08:00:00+05:30", "2026-03-11T08:00:00+05:30"),
    ],
)
def test_what_is_asked_at_night_waits_for_the_morning(asked, expected):
    assert deliver_from(NIGHT, ms(asked), INDIA) == ms(expected)


@pytest.mark.parametrize(("hour", "expected"), [("11:59", "11:59"), ("12:00", "15:30"), ("15:30", "15:30")])
def test_quiet_hours_may_lie_within_a_day(hour, expected):
    day = "2026-03-10T{}:00+05:30"
    assert deliver_from(NOON, ms(day.format(hour)), INDIA) == ms(day.format(expected))


def test_without_quiet_hours_nothing_waits():
    assert deliver_from(None, ms("2026-03-10T23:00:00+05:30"), INDIA) == ms("2026-03-10T23:00:00+05:30")


def test_the_morning_comes_an_hour_sooner_after_the_night_in_which_the_clocks_go_forward():
    # Berlin, 29 March 2026: from 22 o'clock (UTC+1) to 8 o'clock (UTC+2) are nine hours
    asked = ms("2026-03-28T22:00:00+01:00")
    assert deliver_from(NIGHT, asked, "Europe/Berlin") - asked == 9 * 3_600_000


@pytest.mark.parametrize(("asked", "ends"), [("02:10+02:00", "02:30+02:00"), ("02:10+01:00", "02:30+01:00")])
def test_in_an_hour_that_the_clocks_show_twice_it_is_quiet_until_its_own_end(asked, ends):
    # Berlin, 25 October 2026: three o'clock summer time is two o'clock winter time
    quiet = QuietHours(starts=time(22), ends=time(2, 30))
    assert deliver_from(quiet, ms(f"2026-10-25T{asked}"), "Europe/Berlin") == ms(f"2026-10-25T{ends}")


@given(
    st.times(), st.times(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
)
def test_what_is_delivered_is_never_delivered_in_quiet_hours_and_within_a_day(starts, ends, asked):
    if starts == ends:
        return
    quiet, now_ms = QuietHours(starts=starts, ends=ends), int(asked.timestamp() * 1000)
    begins = deliver_from(quiet, now_ms, "UTC")
    assert 0 <= begins - now_ms <= 24 * 3_600_000
    # a moment is a whole millisecond, so it may lie up to one before the time of the day
    assert begins == now_ms or abs(begins - _of_day(begins, ends)) <= 1


def _of_day(moment_ms, clock):
    day = datetime.fromtimestamp(moment_ms / 1000 + 0.001, UTC).date()
    return int(datetime.combine(day, clock, UTC).timestamp() * 1000)


def test_hours_without_a_length_are_refused():
    with pytest.raises(ValueError, match="end when they start"):
        QuietHours(starts=time(8), ends=time(8))
