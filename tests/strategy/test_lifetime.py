"""How long a group lived after the end, by dates that can be counted on one's fingers."""

from datetime import date, timedelta

import pytest

from engagement.signals.expected import Report
from engagement.signals.meetings import MEETING_HELD
from engagement.signals.rhythm import EveryMonth, EveryWeeks
from engagement.strategy.lifetime import Lived, lifetime, span, stay
from engagement.strategy.setup import DAYS_A_MONTH, Group
from engagement.strategy.standing import Heard, Revision

FIRST = date(2026, 1, 6)
ENDS_ON = date(2026, 3, 3)
RHYTHM = EveryWeeks(first_on=FIRST)
CUT = date(2027, 1, 6)


def heard(reports):
    """reports : of the meetings of the rhythm in order: 1 held, 0 not held, None unheard of"""
    group = Group(id="g", site="s", rhythm=RHYTHM)
    return Heard(
        [Revision(group, FIRST)],
        [
            Report(day, number, MEETING_HELD.code, value)
            for number, value in enumerate(reports)
            if value is not None
            for day in [FIRST + timedelta(weeks=4 * number)]
        ],
    )


def months(meeting):
    """From the end of the program to a meeting by its number."""
    return (FIRST + timedelta(weeks=4 * meeting) - ENDS_ON).days / DAYS_A_MONTH


LAST = (CUT - timedelta(weeks=12) - ENDS_ON).days / DAYS_A_MONTH


def test_a_group_that_always_met_is_censored_three_meetings_before_the_cut():
    found = lifetime(heard([1] * 14), ENDS_ON, CUT)
    assert found == (Lived(LAST, died=False),) * 3 + (False,)


def test_dissolution_is_dated_at_the_first_failed_meeting():
    found = lifetime(heard([1] * 6 + [0] * 3), ENDS_ON, CUT)
    assert found.seen == found.best == found.worst == Lived(months(6), died=True)


def test_a_group_that_dissolved_before_the_end_has_lived_no_month_after_it():
    assert lifetime(heard([0] * 3), ENDS_ON, CUT).seen == Lived(0.0, died=True)


def test_what_began_too_late_to_be_seen_whole_is_no_death():
    """Three failures that begin after the last day looked at: another group might have two of them by now."""
    found = lifetime(heard([1] * 11 + [0] * 3), ENDS_ON, CUT)
    assert found.seen == Lived(LAST, died=False)


def test_a_silent_group_is_censored_where_it_was_last_known_with_bounds():
    found = lifetime(heard([1] * 5 + [None] * 9), ENDS_ON, CUT)
    assert found.silent
    assert found.seen == Lived(months(4), died=False)
    assert (found.best, found.worst) == (Lived(LAST, died=False), Lived(months(4), died=True))


def test_a_death_behind_a_silence_may_have_come_anywhere_within_it():
    found = lifetime(heard([1] * 4 + [None] * 2 + [0] * 3), ENDS_ON, CUT)
    assert found.seen == Lived(months(6), died=True)
    assert found.worst == Lived(months(3), died=True)


def test_a_group_heard_of_again_was_never_dead():
    found = lifetime(heard([1] * 5 + [None] * 5 + [1] * 4), ENDS_ON, CUT)
    assert (found.seen, found.silent) == (Lived(LAST, died=False), False)


@pytest.mark.parametrize(("rhythm", "days"), [(EveryWeeks(first_on=FIRST, weeks=2), 42), (EveryMonth(), 92)])
def test_the_span_of_three_meetings_follows_the_rhythm(rhythm, days):
    assert span(rhythm).days == days


MET = [FIRST + timedelta(weeks=4 * number) for number in range(14)]
WATCHED = Lived(LAST, died=False)


def test_a_member_is_gone_from_the_first_of_three_meetings_held_without_them():
    assert stay(set(MET[:8]), MET, ENDS_ON, WATCHED) == Lived(months(8), died=True)


def test_who_came_again_was_not_gone():
    assert stay({*MET[:4], MET[12]}, MET, ENDS_ON, WATCHED) == WATCHED


def test_two_meetings_missed_at_last_say_nothing_yet():
    assert stay(set(MET[:12]), MET, ENDS_ON, WATCHED) == WATCHED


def test_no_member_stays_longer_than_the_group_lives():
    dissolved = Lived(months(5), died=True)
    assert stay(set(MET[:8]), MET, ENDS_ON, dissolved) == dissolved


def test_who_never_came_or_left_before_the_end_stayed_no_month_after_it():
    assert stay(set(), MET, ENDS_ON, WATCHED) == Lived(0.0, died=True)
    assert stay({MET[0]}, MET, ENDS_ON, WATCHED) == Lived(0.0, died=True)
