"""A group's rhythm from its revisions, and its state from all that was heard."""

from datetime import date, timedelta

import msgspec
import pytest

from engagement.signals.expected import Report
from engagement.signals.rhythm import EveryMonth, EveryWeeks, Since
from engagement.signals.states import Mood
from engagement.signals.virtual import Written
from engagement.strategy.setup import Group
from engagement.strategy.standing import Heard, Revision, alive_later, meetings_on, rhythms, standing_on

HELD = 1
STEADY = Mood(None, "unknown")
ENTERED = date(2026, 1, 20)
MARCH = date(2026, 3, 1)
GROUP = Group(id="g", site="s")
SATURDAYS = EveryMonth(week="second", weekday="saturday")
FORTNIGHTLY = EveryWeeks(first_on=date(2026, 3, 14), weeks=2)


def changed(**fields):
    return msgspec.structs.replace(GROUP, **fields)


def held(day, value=1):
    return Report(day, day.toordinal(), HELD, value)


def test_a_group_is_expected_to_meet_from_the_day_it_was_entered():
    assert rhythms([Revision(GROUP, ENTERED)], None) == (Since(ENTERED, EveryMonth()),)


def test_what_was_heard_earlier_moves_the_beginning_back_to_that_meeting():
    group = changed(rhythm=SATURDAYS)
    begun = rhythms([Revision(group, ENTERED)], date(2025, 11, 10))
    assert begun == (Since(date(2025, 11, 8), SATURDAYS),)


@pytest.mark.parametrize(
    ("rhythm", "day"), [(SATURDAYS, MARCH), (FORTNIGHTLY, date(2026, 3, 14))], ids=["entered", "first"]
)
def test_a_new_rhythm_holds_from_its_first_day_or_else_from_when_it_was_entered(rhythm, day):
    said = [Revision(GROUP, ENTERED), Revision(changed(rhythm=rhythm), MARCH)]
    assert rhythms(said, None) == (Since(ENTERED, EveryMonth()), Since(day, rhythm))


def test_another_change_of_the_group_is_no_change_of_its_rhythm():
    said = [Revision(GROUP, ENTERED), Revision(changed(language="te"), MARCH)]
    assert rhythms(said, None) == (Since(ENTERED, EveryMonth()),)


def test_of_a_group_that_has_ended_no_meeting_is_expected_until_it_goes_on():
    april = date(2026, 4, 1)
    said = [Revision(GROUP, ENTERED), Revision(changed(ended=True), MARCH), Revision(GROUP, april)]
    assert rhythms(said, None) == (
        Since(ENTERED, EveryMonth()),
        Since(MARCH, None),
        Since(april, EveryMonth()),
    )


@pytest.mark.parametrize(("day", "state"), [(MARCH, "ended"), (MARCH - timedelta(days=1), "thriving")])
def test_it_has_ended_from_the_day_that_was_entered(day, state):
    heard = Heard([Revision(GROUP, ENTERED), Revision(changed(ended=True), MARCH)], [held(ENTERED)])
    assert standing_on(heard, day, STEADY).state == state


def test_a_late_report_changes_the_state_of_days_gone_by():
    silent = Heard([Revision(GROUP, ENTERED)], [held(date(2026, 1, 25))])
    told = silent._replace(reports=[*silent.reports, held(date(2026, 3, 20))])
    june = date(2026, 6, 30)
    assert standing_on(silent, june, STEADY).state == "silent"
    assert standing_on(told, date(2026, 3, 31), STEADY).state == "thriving"
    assert standing_on(told, june, STEADY).since == date(2026, 4, 30)


def test_a_virtual_group_lives_by_what_its_members_write():
    group = changed(type="virtual", peer_k=2)
    written = [
        Written(date(2026, month, 5), month * 10**10, "post_written", who)
        for month, writers in enumerate(["ab", "abc", "a"], start=1)
        for who in writers
    ]
    heard = Heard([Revision(group, date(2026, 1, 1))], (), written)
    statuses = [meeting.status for meeting in meetings_on(heard, date(2026, 4, 5))]
    assert statuses == ["held", "held", "not_held"]
    assert standing_on(heard, date(2026, 4, 5), STEADY).state == "wavering"


MISSED = [held(date(2026, month, 28), 0) for month in (2, 3, 4)]


@pytest.mark.parametrize(
    ("reports", "alive"),
    [
        ([held(date(2026, 1, 31)), *MISSED], False),
        ([held(date(2026, 1, 31)), *MISSED[:2]], True),  # dormant, and nobody says that it has dissolved
        ([held(date(2026, 1, 31)), held(date(2026, 4, 28))], True),
        ([held(date(2026, 1, 31))], None),  # nothing was heard of three meetings
        ([], None),
    ],
    ids=["dissolved", "dormant", "met", "silent", "new"],
)
def test_whether_a_group_lives_three_months_later_is_known_where_its_meetings_are(reports, alive):
    heard = Heard([Revision(GROUP, ENTERED)], reports)
    assert alive_later(heard, date(2026, 2, 1), date(2026, 8, 1)) is alive


def test_nobody_knows_before_the_three_months_are_over():
    heard = Heard([Revision(GROUP, ENTERED)], [held(date(2026, 1, 31)), held(date(2026, 4, 28))])
    assert alive_later(heard, date(2026, 2, 1), date(2026, 5, 2)) is None
    assert alive_later(heard, date(2026, 2, 1), date(2026, 5, 3)) is True


def test_what_happens_after_three_months_does_not_change_whether_it_lived_then():
    later = [held(date(2026, month, 28), 0) for month in (5, 6, 7)]
    heard = Heard([Revision(GROUP, ENTERED)], [held(date(2026, 1, 31)), held(date(2026, 4, 28)), *later])
    assert alive_later(heard, date(2026, 2, 1), date(2026, 8, 1)) is True


def test_of_a_group_that_the_program_has_ended_nobody_knows_whether_it_would_live():
    ended = Revision(changed(ended=True), MARCH)
    heard = Heard([Revision(GROUP, ENTERED), ended], [held(date(2026, 1, 31))])
    assert alive_later(heard, date(2026, 2, 1), date(2026, 8, 1)) is None


def test_a_virtual_group_wavers_when_fewer_and_fewer_write_whatever_its_meetings_say():
    group = changed(type="virtual", peer_k=2)
    written = [
        Written(date(2026, month, 5), month * 10**10, "post_written", who)
        for month, writers in enumerate(["abcd", "ab"], start=1)
        for who in writers
    ]
    heard = Heard([Revision(group, date(2026, 1, 1))], (), written)
    assert standing_on(heard, date(2026, 3, 5), Mood(90.0, "rising")).state == "wavering"
