"""When a group is expected to meet: days worked out on a calendar, and laws for any rhythm."""

from datetime import date, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.rhythm import (
    WEEKDAYS,
    WEEKS_OF_MONTH,
    AnyRhythm,
    EveryMonth,
    EveryWeeks,
    Since,
    expected,
    first_expected,
    timeline,
)

JANUARY = date(2026, 1, 1)  # a Thursday
dates = st.dates(date(2024, 1, 1), date(2028, 12, 31))
monthly = st.one_of(
    st.builds(EveryMonth, first_on=st.none() | dates),
    st.builds(
        EveryMonth,
        first_on=st.none() | dates,
        week=st.sampled_from(WEEKS_OF_MONTH),
        weekday=st.sampled_from(WEEKDAYS),
    ),
)
rhythms = st.one_of(monthly, st.builds(EveryWeeks, first_on=dates, weeks=st.integers(1, 26)))
changes = st.lists(st.builds(Since, dates, st.none() | rhythms), max_size=5)


def days(rhythm, until, start=JANUARY):
    return [meeting.on.isoformat()[5:] for meeting in expected([Since(start, rhythm)], until)]


def test_every_four_weeks_falls_on_the_weekday_of_the_first_meeting():
    every = EveryWeeks(first_on=date(2026, 1, 6))
    assert days(every, date(2026, 4, 1)) == ["01-06", "02-03", "03-03", "03-31"]


def test_a_rhythm_that_began_earlier_is_not_begun_anew():
    every = EveryWeeks(first_on=date(2025, 12, 30), weeks=2)
    assert days(every, date(2026, 1, 31)) == ["01-13", "01-27"]


@pytest.mark.parametrize(
    ("week", "weekday", "in_january_to_may"),
    [
        ("first", "thursday", ["01-01", "02-05", "03-05", "04-02", "05-07"]),
        ("second", "saturday", ["01-10", "02-14", "03-14", "04-11", "05-09"]),
        ("last", "friday", ["01-30", "02-27", "03-27", "04-24", "05-29"]),
        ("last", "saturday", ["01-31", "02-28", "03-28", "04-25", "05-30"]),
    ],
)
def test_the_nth_weekday_of_each_month_is_that_of_the_calendar(week, weekday, in_january_to_may):
    assert days(EveryMonth(week=week, weekday=weekday), date(2026, 5, 31)) == in_january_to_may


def test_a_meeting_on_any_day_of_a_month_is_expected_by_its_end_and_heard_of_within_it():
    january, february = expected([Since(date(2026, 1, 20), EveryMonth())], date(2026, 3, 1))
    assert january == (date(2026, 1, 31), date(2026, 1, 1), date(2026, 1, 31))
    assert february == (date(2026, 2, 28), date(2026, 2, 1), date(2026, 2, 28))


def test_what_is_heard_halfway_between_two_meetings_is_heard_of_the_earlier():
    first, second = expected(
        [Since(JANUARY, EveryWeeks(first_on=date(2026, 1, 1), weeks=2))], date(2026, 1, 15)
    )
    assert (first.closes, second.opens) == (date(2026, 1, 8), date(2026, 1, 9))


def test_of_no_rhythm_nothing_is_expected():
    assert expected([Since(JANUARY, None)], date(2027, 1, 1)) == ()
    assert expected([], date(2027, 1, 1)) == ()


def test_a_change_leaves_the_days_before_it_as_they_were():
    before = Since(JANUARY, EveryMonth(week="second", weekday="saturday"))
    after = Since(date(2026, 3, 1), EveryWeeks(first_on=date(2026, 3, 4), weeks=3))
    found = [meeting.on.isoformat()[5:] for meeting in expected(timeline([before, after]), date(2026, 4, 1))]
    assert found == ["01-10", "02-14", "03-04", "03-25"]


def test_a_later_change_of_an_earlier_day_takes_the_place_of_all_behind_it():
    first, second, third = (
        Since(JANUARY, EveryMonth()),
        Since(date(2026, 5, 1), None),
        Since(date(2026, 3, 1), EveryWeeks(first_on=date(2026, 3, 4))),
    )
    assert timeline([first, second, third]) == (first, third)


@pytest.mark.parametrize(
    ("heard_on", "first"),
    [(date(2026, 1, 12), date(2026, 1, 10)), (date(2026, 1, 27), date(2026, 1, 10))],
)
def test_the_first_expected_meeting_is_the_one_that_the_first_report_speaks_of(heard_on, first):
    assert first_expected(EveryMonth(week="second", weekday="saturday"), heard_on) == first


@pytest.mark.parametrize("day", [date.min, date(1969, 12, 31), date(3000, 1, 1), date.max])
@pytest.mark.parametrize("kind", [EveryWeeks, EveryMonth])
def test_a_group_begins_on_a_day_from_which_one_can_count_back_and_ahead(kind, day):
    with pytest.raises(ValueError, match="between 1970 and 2999"):
        kind(first_on=day)


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2999, 12, 31)])
@pytest.mark.parametrize(
    "rhythm", [{"every": "weeks", "weeks": 26}, {"every": "month", "week": "first", "weekday": "monday"}]
)
def test_meetings_are_counted_from_the_first_such_day_and_the_last(rhythm, day):
    held = msgspec.convert(rhythm | {"first_on": day}, EveryWeeks | EveryMonth)
    assert expected([Since(day, held)], day + timedelta(days=200))


@pytest.mark.parametrize("half", [{"week": "second"}, {"weekday": "saturday"}])
def test_a_week_and_a_weekday_come_together(half):
    with pytest.raises(msgspec.ValidationError, match="come together"):
        msgspec.convert({"every": "month"} | half, AnyRhythm)


@given(changes, dates)
def test_windows_lie_around_their_days_in_order_and_apart(said, until):
    found = expected(timeline(sorted(said, key=lambda since: since.day)), until)
    assert all(meeting.opens <= meeting.on <= meeting.closes for meeting in found)
    assert all(earlier.on < later.on for earlier, later in pairwise(found))
    assert all(earlier.closes < later.opens for earlier, later in pairwise(found))


@given(changes, dates, st.integers(0, 400))
def test_the_plan_of_a_longer_span_begins_with_that_of_a_shorter(said, until, more):
    shorter = expected(timeline(said), until)
    longer = expected(timeline(said), until + timedelta(days=more))
    assert [meeting.on for meeting in longer[: len(shorter)]] == [meeting.on for meeting in shorter]


@given(rhythms, dates, st.integers(0, 500))
def test_no_meeting_lies_outside_the_span_or_before_the_first_day(rhythm, start, length):
    until = start + timedelta(days=length)
    for meeting in expected([Since(start, rhythm)], until):
        assert max(start, rhythm.first_on or start) <= meeting.on <= until
