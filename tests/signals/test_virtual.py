"""The months of a virtual community: who wrote, and which questions were answered in time."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.states import Mood, standing
from engagement.signals.virtual import ANSWER_MS, Month, Written, meetings, months, mood

START = date(2026, 1, 1)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
STEADY = Mood(None, "unknown")


def wrote(kind, who, day=1.0):
    """Something written so many days after the start."""
    return Written(START + timedelta(days=int(day)), int(day * DAY_MS), kind, who)


def january(*written, today=date(2026, 2, 10)):
    return months(written, START, today)[0]


@pytest.mark.parametrize(
    ("by", "hours", "answered"),
    [("b", 1, 1), ("b", 48, 1), ("b", 49, 0), ("a", 1, 0), ("b", -1, 0)],
)
def test_a_question_is_answered_by_somebody_else_within_48_hours(by, hours, answered):
    found = january(wrote("question_asked", "a", 5), wrote("question_answered", by, 5 + hours / 24))
    assert (found.questions, found.answered) == (1, answered)


def test_an_answer_of_the_next_month_counts_for_a_question_of_the_last_day():
    found = january(wrote("question_asked", "a", 30.5), wrote("question_answered", "b", 31.5))
    assert (found.writers, found.questions, found.answered) == (1, 1, 1)


def test_a_member_who_writes_often_is_one_writer():
    assert (
        january(
            *[wrote("post_written", "a", day) for day in range(9)], wrote("question_answered", "b")
        ).writers
        == 2
    )


def test_a_month_is_counted_once_its_last_question_has_had_its_time():
    assert months([], START, date(2026, 2, 1)) == ()
    assert len(months([], START, date(2026, 2, 2))) == 1


@pytest.mark.parametrize(
    ("month", "status"),
    [
        (Month(START, 10, 0, 0), "held"),
        (Month(START, 9, 0, 0), "not_held"),
        (Month(START, 10, 4, 2), "held"),
        (Month(START, 10, 4, 1), "not_held"),
        (Month(START, 0, 0, 0), "unreported"),
    ],
)
def test_a_month_is_alive_with_enough_writers_and_questions_answered(month, status):
    assert meetings([month], 10, date(2026, 6, 1))[0].status == status


def test_a_month_of_which_nothing_is_heard_yet_is_still_expected():
    assert meetings([Month(START, 0, 0, 0)], 10, START + timedelta(days=21))[0].status == "expected"


@pytest.mark.parametrize(
    ("writers", "state"),
    [
        ([12, 12], "thriving"),
        ([12, 3], "wavering"),
        ([12, 3, 3], "dormant"),
        ([12, 3, 3, 3], "dissolved"),
        ([12, 0, 0, 0], "silent"),
    ],
)
def test_a_community_is_dissolved_after_three_months_missed_and_never_by_silence(writers, state):
    ends = [date(2026, month, 28) for month in range(1, len(writers) + 1)]
    counts = [Month(end, count, 0, 0) for end, count in zip(ends, writers, strict=True)]
    assert standing(meetings(counts, 10, date(2026, 12, 31)), STEADY).state == state


@given(
    st.lists(
        st.builds(
            wrote,
            st.sampled_from(["post_written", "question_asked", "question_answered"]),
            st.sampled_from("abc"),
            st.floats(0, 80),
        )
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_things_arrive_never_matters(written, random):
    shuffled = list(written)
    random.shuffle(shuffled)
    assert months(shuffled, START, date(2026, 4, 1)) == months(written, START, date(2026, 4, 1))


def test_the_time_for_an_answer_is_two_days():
    assert ANSWER_MS == 2 * DAY_MS


@pytest.mark.parametrize(
    ("writers", "trend"),
    [
        ([], "unknown"),
        ([30], "unknown"),
        ([30, 20], "steady"),
        ([30, 19], "falling"),
        ([30, 0, 19, 0], "falling"),  # months of which nothing was heard say nothing
        ([20, 30], "steady"),
        ([19, 30], "rising"),
    ],
)
def test_a_community_is_falling_when_a_third_fewer_write_than_the_month_before(writers, trend):
    assert mood([Month(START, count, 0, 0) for count in writers]) == Mood(None, trend)
