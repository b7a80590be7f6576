"""How a member stands, from who came to which meeting."""

from datetime import date, timedelta

import pytest

from engagement.signals.attending import Attended, member_state
from engagement.signals.expected import Meeting

FIRST = date(2026, 1, 6)


def day(number):
    """Of a meeting every four weeks."""
    return FIRST + timedelta(weeks=4 * number)


def meetings(*statuses):
    return [
        Meeting(day(n), status, None, day(n) if status in ("held", "not_held") else None)
        for n, status in enumerate(statuses)
    ]


def came(told):
    """Per meeting: 1 came, 0 did not, anything else is not said."""
    return [Attended(day(n), word == "1") for n, word in enumerate(told) if word in "01"]


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("1", "active"),
        ("01", "active"),
        ("10", "wavering"),
        ("0", "wavering"),
        ("100", "dormant"),
        ("1000", "dormant"),
        ("1001", "active"),
    ],
)
def test_missed_meetings_in_a_row_say_how_a_member_stands(told, state):
    assert member_state(came(told), meetings(*["held"] * len(told))) == state


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("held", "held"), "active"),
        (("held", "held", "held"), "silent"),
        (("held", "unreported", "unreported"), "silent"),
        (("held", "unreported"), "active"),
        (("held", "not_held", "not_held"), "active"),
        (("held", "postponed", "postponed"), "active"),
        (("held", "expected", "expected"), "active"),
    ],
    ids=str,
)
def test_two_meetings_of_which_nobody_said_whether_they_were_there_make_a_member_silent(statuses, state):
    assert member_state(came("1"), meetings(*statuses)) == state


def test_what_is_not_said_of_a_meeting_breaks_no_run_and_makes_none_longer():
    assert member_state(came("0-0"), meetings("held", "held", "held")) == "dormant"
    assert member_state(came("1-0"), meetings("held", "held", "held")) == "wavering"


def test_of_whom_nothing_was_ever_said_is_silent():
    assert member_state([], meetings("held")) == "silent"
    assert member_state([], []) == "silent"


def test_the_last_word_on_a_day_counts():
    assert member_state([*came("0"), *came("1")], meetings("held")) == "active"
