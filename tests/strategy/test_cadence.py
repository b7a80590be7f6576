"""Decision points of the calendar: their names, and the moment at which the next one begins."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.strategy.cadence import (
    budget_period,
    calendar,
    decisions_to_come,
    local_date,
    midnight_ms,
    week_number,
)

KOLKATA, BERLIN = "Asia/Kolkata", "Europe/Berlin"


def ms(text):
    """An ISO moment with its offset, in milliseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("moment", "zone", "cadence", "name", "ends"),
    [
        ("2026-03-05T12:00+05:30", KOLKATA, "day", "2026-03-05", "2026-03-06T00:00+05:30"),
        ("2026-03-05T12:00+05:30", KOLKATA, "week", "2026-W10", "2026-03-09T00:00+05:30"),
        ("2026-03-05T12:00+05:30", KOLKATA, "month", "2026-03", "2026-04-01T00:00+05:30"),
        ("2026-12-31T23:59+05:30", KOLKATA, "month", "2026-12", "2027-01-01T00:00+05:30"),
        ("2026-01-31T12:00+05:30", KOLKATA, "month", "2026-01", "2026-02-01T00:00+05:30"),
        # 2026 begins on a Thursday, so it has a week 53, which ends on Sunday 2027-01-03
        ("2026-12-31T12:00+05:30", KOLKATA, "week", "2026-W53", "2027-01-04T00:00+05:30"),
        ("2027-01-03T23:59+05:30", KOLKATA, "week", "2026-W53", "2027-01-04T00:00+05:30"),
        ("2027-01-04T00:00+05:30", KOLKATA, "week", "2027-W01", "2027-01-11T00:00+05:30"),
        # 29 March 2026 has 23 hours in Berlin, 25 October has 25
        ("2026-03-29T01:00+01:00", BERLIN, "day", "2026-03-29", "2026-03-30T00:00+02:00"),
        ("2026-10-25T01:00+02:00", BERLIN, "day", "2026-10-25", "2026-10-26T00:00+01:00"),
        ("2026-03-23T12:00+01:00", BERLIN, "week", "2026-W13", "2026-03-30T00:00+02:00"),
        ("2026-10-01T00:00+02:00", BERLIN, "month", "2026-10", "2026-11-01T00:00+01:00"),
    ],
)
def test_a_decision_point_has_this_name_and_end(moment, zone, cadence, name, ends):
    found = calendar(ms(moment), zone, cadence)
    assert (found.decision_point, found.ends_ms) == (name, ms(ends))


def test_a_day_begins_at_local_midnight():
    assert local_date(ms("2026-03-05T18:30+00:00"), KOLKATA) == date(2026, 3, 6)


def test_a_millisecond_before_midnight_is_still_the_day_before():
    assert local_date(ms("2026-03-05T18:30+00:00") - 1, KOLKATA) == date(2026, 3, 5)


def test_where_clocks_jump_over_midnight_the_day_begins_with_the_jump():
    # Beirut went from 00:00 to 01:00 on 27 March 2022: the day began at 22:00 UTC
    assert midnight_ms(date(2022, 3, 27), "Asia/Beirut") == ms("2022-03-26T22:00+00:00")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(
        (
            *(KOLKATA, BERLIN, "Asia/Kathmandu", "Asia/Beirut", "America/Sao_Paulo"),
            *("America/Havana", "Pacific/Apia", "Africa/Cairo", "UTC"),
        )
    ),
    st.sampled_from(["day", "week", "month"]),
)
def test_a_point_ends_at_the_first_moment_of_the_next(moment, zone, cadence):
    now_ms = int(moment.timestamp() * 1000)
    here = calendar(now_ms, zone, cadence)
    assert now_ms < here.ends_ms
    assert calendar(here.ends_ms - 1, zone, cadence).decision_point == here.decision_point
    assert calendar(here.ends_ms, zone, cadence).decision_point != here.decision_point


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_weeks_name_is_that_of_iso_8601(day):
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(KOLKATA))
    found = calendar(int(moment.timestamp() * 1000), KOLKATA, "week")
    assert found.decision_point == f"{day:%G-W%V}"
    monday = datetime.fromtimestamp(found.ends_ms / 1000, ZoneInfo(KOLKATA)).date()
    assert monday - timedelta(days=monday.weekday()) == monday


@pytest.mark.parametrize(
    ("day", "period", "name"),
    [
        (date(2026, 3, 31), "month", "2026-03"),
        (date(2026, 1, 1), "quarter", "2026-Q1"),
        (date(2026, 3, 31), "quarter", "2026-Q1"),
        (date(2026, 4, 1), "quarter", "2026-Q2"),
        (date(2026, 9, 30), "quarter", "2026-Q3"),
        (date(2026, 12, 31), "quarter", "2026-Q4"),
        (date(2026, 12, 31), "year", "2026"),
        (date(2026, 12, 31), "program", "program"),
    ],
)
def test_money_of_a_day_comes_from_this_period(day, period, name):
    assert budget_period(day, period) == name


@pytest.mark.parametrize(
    ("ends_on", "cadence", "count"),
    [
        (None, "month", 120),
        (date(2026, 3, 10), "day", 365),  # the year after the end
        (date(2026, 3, 17), "week", 53),  # 372 days are 53.1 weeks
        (date(2027, 3, 10), "month", 23),  # 730 days are 23.98 months of 30.44 days
        (date(2025, 3, 20), "week", 1),  # ten days are left of the year after the end
        (date(2024, 1, 1), "month", 1),
    ],
)
def test_decisions_are_counted_until_a_year_after_the_end(ends_on, cadence, count):
    assert decisions_to_come(date(2026, 3, 10), ends_on, cadence) == count


def test_weeks_are_counted_from_monday_to_sunday():
    # 1 January 1970 was a Thursday, 5 January the first Monday
    days = ("1970-01-01", "1970-01-04T23:59:59", "1970-01-05", "1970-01-11", "1970-01-12")
    assert [week_number(ms(f"{day}T00:00+00:00" if len(day) == 10 else f"{day}+00:00")) for day in days] == [
        0, 0, 1, 1, 2,
    ]  # fmt: skip
