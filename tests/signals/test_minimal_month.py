"""The minimal month as it is typed: every way to write it says the same, and what cannot be read is named."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.minimal_month import MOST_CHARACTERS, MinimalMonth, NamedDay, Seats, read

FULL = MinimalMonth(True, None, Seats(frozenset({1, 3, 4, 6, 8})), Seats(frozenset({3, 6})))


@pytest.mark.parametrize(
    "text",
    [
        "1 | 1 3 4 6 8 | 3 6",
        "1|1 3 4 6 8|3 6",
        "  1   |  8,6, 4 ,3  1 | 6  3 ",
        "1 | 1.3.4.6.8 | 3.6 |",
        "१ | १ ३ ४ ६ ८ | ३ ६",
        "౧ | ౧ ౩ ౪ ౬ ౮ | ౩ ౬",
        "1#1*3*4*6*8#3*6#",
        "1 । 1 3 4 6 8 । 3 6",
        "1 I 1 3 4 6 8 I 3 6",
        "1 l 1 3 4 6 8 l 3 6",
        "1, 1 3 4 6 8, 3 6",
        "1\n1 3 4 6 8\n3 6",
        "1 | 01 3 4 6 8 8 | 3 6 | ",
    ],
)
def test_however_it_is_spaced_and_in_whatever_digits_it_says_the_same(text: str) -> None:
    assert read(text) == FULL


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", MinimalMonth(False)),
        ("1", MinimalMonth(True)),
        ("1 | 1 3", MinimalMonth(True, None, Seats(frozenset({1, 3})))),
        ("1 || 3", MinimalMonth(True, None, None, Seats(frozenset({3})))),
        ("1 | 0 | none", MinimalMonth(True, None, Seats(frozenset()), Seats(frozenset()))),
        ("1##3#", MinimalMonth(True, None, None, Seats(frozenset({3})))),
        ("1#1*#0#", MinimalMonth(True, None, Seats(frozenset({1})), Seats(frozenset()))),
    ],
)
def test_what_is_left_open_stays_unknown_and_nobody_is_not_unknown(text: str, said: MinimalMonth) -> None:
    assert read(text) == said


def test_a_fourth_part_names_who_missed_the_goal() -> None:
    assert read("1 | 1 3 4 | 3 | 4").missed == Seats(frozenset({4}))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12/4 | 1 | 1 3", NamedDay(12, 4, None)),
        ("12/04/2026 | 1", NamedDay(12, 4, 2026)),
        ("12-4-26 | 0", NamedDay(12, 4, 2026)),
        ("2026-04-12 | 1", NamedDay(12, 4, 2026)),
        ("१२.४ | १", NamedDay(12, 4, None)),
    ],
)
def test_the_day_may_stand_first(text: str, day: NamedDay) -> None:
    assert read(text).day == day
    assert read(text).flaw is None


def test_a_day_without_its_year_is_the_last_such_day() -> None:
    today = date(2026, 1, 20)
    assert NamedDay(14, 1, None).before(today) == date(2026, 1, 14)
    assert NamedDay(27, 12, None).before(today) == date(2025, 12, 27)
    assert NamedDay(31, 4, None).before(today) is None
    assert NamedDay(1, 2, 2026).before(today) == date(2026, 2, 1)  # whether that is to come, others judge


def test_what_is_no_seat_is_named_and_makes_the_list_less_than_whole() -> None:
    said = read("1 | 1 x3 99999 4 | 3")
    assert said.came == Seats(frozenset({1, 4}), ("x3", "99999"))
    assert said.came is not None
    assert not said.came.whole
    assert said.met == Seats(frozenset({3}))


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "empty"),
        ("  \n ", "empty"),
        ("|", "held"),
        ("we met", "parts"),
        ("yes", "held"),
        ("2 | 1 3", "held"),
        ("12/4", "held"),
        ("1 1 3 4", "parts"),
        ("1 | 1 | 1 | 1 | 1", "parts"),
        ("0 | 1 3", "contradiction"),
        ("1 | 1 3 | 3 | 3", "contradiction"),
        ("1" * (MOST_CHARACTERS + 1), "too_long"),
    ],
)
def test_a_text_of_which_nothing_can_be_used_says_why(text: str, flaw: str) -> None:
    assert read(text) == MinimalMonth(flaw=flaw)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    said = read(text)
    assert (said.held is None) == (said.flaw is not None)


@given(
    st.frozensets(st.integers(1, 60), min_size=1),
    st.frozensets(st.integers(1, 60), min_size=1),
    st.sampled_from([" ", ",", " , ", "  ", "*"]),
    st.sampled_from(["|", " | ", "#", "\n"]),
)
def test_what_was_written_is_read(came: frozenset[int], met: frozenset[int], seat: str, part: str) -> None:
    text = part.join(["1", seat.join(map(str, sorted(came))), seat.join(map(str, sorted(met)))])
    assert read(text) == MinimalMonth(True, None, Seats(came), Seats(met))
