"""Values as other systems write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from engagement.errors import Invalid
from engagement.workflows.foreign_values import moment_of, value_of, words_of

IST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        (1772703000000, datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("1772703000000", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("2026-03-05T09:30:00.000000Z", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("2026-03-05T15:00:00+05:30", datetime(2026, 3, 5, 9, 30, tzinfo=UTC)),
        ("2026-03-05T15:00:00", datetime(2026, 3, 5, 15, 0, tzinfo=IST)),
        (" 2026-03-05 ", datetime(2026, 3, 5, 12, 0, tzinfo=IST)),
    ],
)
def test_a_time_is_understood_in_every_way_that_senders_write_it(raw, moment):
    assert moment_of(raw, "Asia/Kolkata") == moment


@pytest.mark.parametrize(
    "raw",
    [None, "", "soon", "05/03/2026", "9" * 400, "0001-01-01", "9999-12-31T23:59:59Z", [1], {"a": 1}, -1],
)
def test_what_is_no_time_is_refused_and_not_guessed(raw):
    with pytest.raises(Invalid):
        moment_of(raw, "Asia/Kolkata")


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("attendance", "Yes", 1),
        ("attendance", False, 0),
        ("attendance", "0.0", 0),
        ("attendance", "", None),
        ("attendance", None, None),
        ("distress", "no", None),  # an event that did not happen is no report
        ("distress", 1, 1),
        ("motivation", "4", 4),
        ("motivation", 4.0, 4),
        ("goal_set", "food", "food"),
        ("goal_set", "2", 2),
        ("absence_reason", " ill ", "ill"),
    ],
)
def test_an_answer_means_what_its_kind_can_mean(kind, raw, value):
    assert value_of(kind, raw, {}) == value


def test_the_apps_own_words_are_translated_and_some_say_nothing():
    values = {"went": "1", "did_not_go": "0", "not_due": ""}
    assert [value_of("clinic_follow_up", word, values) for word in ("went", "did_not_go", "not_due")] == [
        1,
        0,
        None,
    ]


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("attendance", "maybe"),
        ("motivation", "4.5"),
        ("motivation", "inf"),
        ("motivation", "²"),
        ("goal_set", "x" * 65),
    ],
)
def test_what_means_nothing_is_refused(kind, raw):
    with pytest.raises(Invalid):
        value_of(kind, raw, {})


def test_an_answer_of_many_parts_is_no_word():
    with pytest.raises(Invalid, match="no single answer"):
        words_of(["yes", "no"])
