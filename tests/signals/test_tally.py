from collections import defaultdict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.catalogue import BY_CODE, CATALOGUE
from engagement.signals.tally import (
    DAY_MS,
    EMPTY,
    WEEK_MS,
    Event,
    Week,
    added,
    decoded,
    encoded,
    kind_of,
    merged,
    of,
    week_of,
)

ATTENDANCE, GOAL_SET, GOAL_MET, POSTPONED, MEDICINE, MOTIVATION = 2, 3, 4, 10, 18, 31
MONDAY_MS = 4 * DAY_MS  # 1970-01-05
CODES = [signal.code for signal in CATALOGUE]
OF_A_MEMBER = [signal for signal in CATALOGUE if signal.level == "member"]
OF_A_GROUP = [signal for signal in CATALOGUE if signal.level == "group"]
OF_A_GROUPS_MEMBERS = [signal for signal in CATALOGUE if signal.in_group]
ROW_BYTES = 2048

times = st.integers(0, 60 * 7).map(lambda days: MONDAY_MS + days * DAY_MS)
unnumbered = st.tuples(st.sampled_from(CODES), st.integers(0, 3), times, st.sampled_from(["app", "paper"]))
histories = st.lists(unnumbered, max_size=60).map(
    lambda rows: [Event(*row, id=str(number)) for number, row in enumerate(rows)]
)


def event(code, value, day, name="1", source="app"):
    return Event(code, value, MONDAY_MS + day * DAY_MS, source, name)


def naive(events, code):
    """The pieces of one kind but the tie, by the words of the definition and from the whole history."""
    mine = [e for e in events if e.code == code]
    newest = max(week_of(e.occurred_at_ms) for e in mine)
    weeks = defaultdict(lambda: (0, 0))
    for e in mine:
        age = newest - week_of(e.occurred_at_ms)
        key = age if age < BY_CODE[code].weeks else "older"
        weeks[key] = (weeks[key][0] + 1, weeks[key][1] + e.value)
    older = weeks.pop("older", (0, 0))
    last = max((e.occurred_at_ms for e in mine if e.value > 0), default=None)
    kept = 6 if code in {1, ATTENDANCE, GOAL_MET, POSTPONED} else 1
    latest = sorted((e.occurred_at_ms for e in mine), reverse=True)[:kept]
    return newest, {age: weeks[age] for age in sorted(weeks)}, older, last, latest


@given(histories)
def test_a_tally_is_what_the_whole_history_says(events):
    tally = of(events)

    for code in {e.code for e in events}:
        kind = kind_of(tally, code)
        weeks = {week.age: (week.count, week.total) for week in kind.weeks}
        latest = [report.occurred_at_ms for report in kind.latest]
        older = (kind.older_count, kind.older_total)
        assert (kind.newest, weeks, older, kind.last_ms, latest) == naive(events, code)


@given(histories)
def test_latest_values_are_those_of_the_latest_times(events):
    distinct = list({(e.code, e.occurred_at_ms): e for e in events}.values())
    expected = {
        code: [e.value for e in sorted(distinct, key=lambda e: -e.occurred_at_ms) if e.code == code]
        for code in {e.code for e in distinct}
    }

    for kind in of(distinct).kinds:
        assert [report.value for report in kind.latest] == expected[kind.code][: len(kind.latest)]


@given(histories, st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_change_a_byte(events, random):
    shuffled = random.sample(events, len(events))

    assert encoded(of(shuffled)) == encoded(of(events))


@given(histories, st.data())
def test_grouping_does_not_change_a_byte(events, data):
    sides = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=len(events), max_size=len(events)))
    a, b, c = (of(e for e, side in zip(events, sides, strict=True) if side == part) for part in range(3))

    assert encoded(merged(c, merged(a, b))) == encoded(merged(merged(b, c), a)) == encoded(of(events))


@given(histories, st.data())
def test_delay_does_not_change_a_byte(events, data):
    late = data.draw(st.integers(0, len(events)))
    stored = encoded(of(events[late:]))

    assert encoded(added(decoded(stored), events[:late])) == encoded(of(events))


@given(histories)
def test_a_stored_tally_comes_back(events):
    assert decoded(encoded(of(events))) == of(events)


def test_nothing_added_leaves_a_tally_as_it_is():
    assert merged(of([event(ATTENDANCE, 1, 0)]), EMPTY) == of([event(ATTENDANCE, 1, 0)])


def test_a_week_starts_on_monday():
    assert week_of(MONDAY_MS) == week_of(MONDAY_MS - 1) + 1


def test_a_week_lasts_until_sunday_night():
    assert week_of(MONDAY_MS + WEEK_MS - 1) == week_of(MONDAY_MS)


def test_reports_of_a_week_are_summed():
    tally = of([event(ATTENDANCE, 1, 0, "1"), event(ATTENDANCE, 0, 6, "2"), event(ATTENDANCE, 1, 7, "3")])

    assert kind_of(tally, ATTENDANCE).weeks == (Week(0, 1, 1), Week(1, 2, 1))


def test_the_26th_week_is_still_held_apart():
    tally = of([event(ATTENDANCE, 1, 0, "1"), event(ATTENDANCE, 1, 25 * 7, "2")])

    assert kind_of(tally, ATTENDANCE).weeks == (Week(0, 1, 1), Week(25, 1, 1))


def test_the_27th_week_joins_the_older():
    tally = of([event(ATTENDANCE, 1, 0, "1"), event(ATTENDANCE, 0, 26 * 7, "2")])

    assert (kind_of(tally, ATTENDANCE).older_count, kind_of(tally, ATTENDANCE).older_total) == (1, 1)


def test_it_last_happened_when_it_was_last_a_yes():
    tally = of([event(ATTENDANCE, 1, 3, "1"), event(ATTENDANCE, 0, 9, "2")])

    assert kind_of(tally, ATTENDANCE).last_ms == MONDAY_MS + 3 * DAY_MS


def test_what_never_happened_has_no_last_time():
    assert kind_of(of([event(ATTENDANCE, 0, 3)]), ATTENDANCE).last_ms is None


def test_the_latest_six_values_of_a_meeting_are_kept():
    days = [(day, int(day >= 4)) for day in range(8)]
    tally = of(event(ATTENDANCE, value, day, str(day)) for day, value in days)

    assert [report.value for report in kind_of(tally, ATTENDANCE).latest] == [1, 1, 1, 1, 0, 0]


def test_of_other_kinds_one_latest_value_is_kept():
    tally = of(event(GOAL_SET, 1, day, str(day)) for day in range(8))

    assert len(kind_of(tally, GOAL_SET).latest) == 1


def test_a_tie_in_time_is_not_won_by_the_yes_alone():
    winners = {
        kind_of(of([event(ATTENDANCE, 1, 0, f"{n}a"), event(ATTENDANCE, 0, 0, f"{n}b")]), ATTENDANCE)
        .latest[0]
        .value
        for n in range(40)  # all forty alike would be chance 2⁻³⁹
    }

    assert winners == {0, 1}


def test_source_and_id_are_told_apart_in_a_tie():
    a = of([event(ATTENDANCE, 1, 0, name="bc", source="a")])
    b = of([event(ATTENDANCE, 1, 0, name="c", source="ab")])

    assert a != b


def test_a_kind_without_reports_is_not_stored():
    assert encoded(EMPTY) == b"\x91\x90"  # MessagePack: an array of one, an empty array


@pytest.mark.parametrize("stored", [b"", b"\x90", b"\x91\x91\x90"])
def test_other_bytes_are_refused(stored):
    with pytest.raises(msgspec.DecodeError):
        decoded(stored)


def weekly(signals, doublings=0, weeks=52):
    """A tally with the highest value of each kind in each of so many weeks, doubled so many times."""
    start = 1_700_000_000_000  # today's times take the full nine bytes
    tally = of(
        Event(signal.code, signal.high, start + week * WEEK_MS, "app", f"{signal.code}/{week}")
        for signal in signals
        for week in range(weeks)
    )
    for _ in range(doublings):
        tally = merged(tally, tally)
    return tally


def test_the_weeks_of_a_kind_that_is_not_read_by_week_are_summed_up():
    tally = of(event(MOTIVATION, value, 7 * value, str(value)) for value in (1, 2, 3))

    assert (kind_of(tally, MOTIVATION).weeks, kind_of(tally, MOTIVATION).older_count) == ((), 3)


@pytest.mark.parametrize(("week", "apart"), [(7, True), (8, False)])
def test_a_kind_keeps_as_many_weeks_apart_as_its_record_says(week, apart):
    tally = of([event(MEDICINE, 1, 0, "1"), event(MEDICINE, 1, week * 7, "2")])

    assert (len(kind_of(tally, MEDICINE).weeks) == 2) == apart


@pytest.mark.parametrize("reported", [OF_A_MEMBER, OF_A_GROUP + OF_A_GROUPS_MEMBERS], ids=["member", "group"])
def test_every_kind_weekly_for_a_year_fits_a_row_with_room_for_ten_more(reported):
    # One more that keeps no weeks and always happens: its latest report 15 bytes, the sums 4, how long it
    # has been quiet 1, code and headers of arrays 4.
    one_more = 15 + 4 + 1 + 4

    assert len(encoded(weekly(reported))) + 10 * one_more <= ROW_BYTES


@pytest.mark.parametrize("reported", [OF_A_MEMBER, OF_A_GROUP + OF_A_GROUPS_MEMBERS], ids=["member", "group"])
def test_every_kind_daily_and_more_fits_a_row(reported):
    assert len(encoded(weekly(reported, doublings=6))) <= ROW_BYTES


def test_a_year_that_ended_in_silence_fits_a_row():
    # The farther back the last yes, the more bytes its distance takes: here a year, in every kind.
    start = 1_700_000_000_000
    tally = of(
        Event(signal.code, 1 if week == 0 or signal.low == 1 else 0, start + week * WEEK_MS, "app", f"{week}")
        for signal in OF_A_MEMBER
        for week in range(52)
    )

    assert len(encoded(tally)) <= ROW_BYTES


def test_a_virtual_group_of_a_thousand_fits_a_row():
    tally = merged(weekly(OF_A_GROUPS_MEMBERS, doublings=10), weekly(OF_A_GROUP))

    assert len(encoded(tally)) <= ROW_BYTES
