"""The life of a decision, step by step."""

from typing import get_args

import pytest

from engagement.strategy.life import FOLLOWS, RELEASED, Status, is_open, status

ALLOWED = """
             accepted declined replaced done not_done expired
proposed     yes      yes      yes      yes  yes      yes
accepted     no       yes      yes      yes  yes      yes
expired      no       no       no       yes  yes      no
not_done     no       no       no       yes  no       no
declined     no       no       no       no   no       no
replaced     no       no       no       no   no       no
done         no       no       no       no   no       no
"""
HEAD, *LINES = (line.split() for line in ALLOWED.strip().splitlines())
STEPS = [
    (line[0], after, word == "yes") for line in LINES for after, word in zip(HEAD, line[1:], strict=True)
]


@pytest.mark.parametrize(("before", "after", "allowed"), STEPS)
def test_what_may_follow_what(before, after, allowed):
    assert (after in FOLLOWS[before]) == allowed


def test_every_status_stands_in_the_table():
    assert {line[0] for line in LINES} == set(get_args(Status)) == set(FOLLOWS)


@pytest.mark.parametrize(
    ("answers", "now_ms", "expected"),
    [
        ((), 99, "proposed"),
        ((), 100, "expired"),
        (("accepted",), 99, "accepted"),
        (("accepted",), 100, "expired"),
        (("accepted", "done"), 100, "done"),
        (("declined",), 100, "declined"),
        (("expired",), 99, "expired"),
        (("expired", "not_done"), 500, "not_done"),
    ],
)
def test_a_decision_that_expires_at_100_stands_at(answers, now_ms, expected):
    assert status(answers, 100, now_ms) == expected


@pytest.mark.parametrize("answers", [(), ("accepted",)])
def test_a_decision_is_open_until_it_expires(answers):
    assert [is_open(answers, 100, now_ms) for now_ms in (99, 100)] == [True, False]


@pytest.mark.parametrize("answer", ["declined", "replaced", "done", "not_done", "expired"])
def test_an_answered_decision_is_not_open(answer):
    assert not is_open((answer,), 100, 0)


def test_what_was_reserved_is_free_again_unless_the_action_is_on_its_way_or_done():
    assert set(get_args(Status)) - RELEASED == {"proposed", "accepted", "done"}
