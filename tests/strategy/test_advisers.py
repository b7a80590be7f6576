"""When an adviser is tired, and how much may then be asked of her. Days count from 1970."""

from itertools import permutations

import pytest

from engagement.signals.advising import Advising
from engagement.signals.tally import DAY_MS
from engagement.strategy.advisers import Advisers, Replied, tired

RULES = Advisers()
ACTIVE_BEFORE = Advising("active", trained=True, refresher_due_ms=None, step_at_ms=5 * DAY_MS)
NOW = 100


def state(*replies: tuple[int, str], step: Advising = ACTIVE_BEFORE, leads_since: int = 0, now: int = NOW):
    told = [Replied(status, day * DAY_MS) for day, status in replies]
    found = tired(RULES, step, told, leads_since * DAY_MS, now * DAY_MS)
    return found and (found.since_ms // DAY_MS, found.refusals)


NO = [(80, "declined"), (85, "declined"), (90, "declined")]


def test_three_refusals_in_a_row_mark_her_tired_since_the_third():
    assert state(*NO) == (90, 3)
    assert state(*NO, (95, "declined")) == (90, 4)


@pytest.mark.parametrize("order", list(permutations(NO)))
def test_it_does_not_matter_in_which_order_they_were_told(order):
    assert state(*order) == (90, 3)


def test_two_are_not_enough():
    assert state(*NO[:2]) is None


@pytest.mark.parametrize("ending", ["done", "accepted", "replaced"])
def test_doing_something_again_ends_it(ending):
    assert state(*NO, (95, ending)) is None
    assert state((79, ending), *NO) == (90, 3)


@pytest.mark.parametrize("passing", ["not_done", "expired", "proposed"])
def test_what_did_not_happen_is_no_refusal_and_no_end(passing):
    assert state(NO[0], (82, passing), *NO[1:]) == (90, 3)
    assert state(*NO[:2], (90, passing)) is None


def test_what_lies_before_she_led_the_group_was_not_hers():
    assert state(*NO, leads_since=81) is None


def test_refusals_of_long_ago_wear_off():
    assert state(*NO, now=80 + RULES.refusals_days) == (90, 3)
    assert state(*NO, now=81 + RULES.refusals_days) is None


def test_an_answer_dated_ahead_does_not_count_yet():
    assert state(*NO, now=89) is None


def said(step: str, day: int) -> Advising:
    return Advising(step, trained=True, refresher_due_ms=None, step_at_ms=day * DAY_MS)


def test_the_word_active_ends_it():
    assert state(*NO, step=said("active", 91)) is None


def test_the_word_tired_is_enough_and_holds():
    assert state(step=said("tired", 91)) == (91, 0)
    assert state((95, "done"), step=said("tired", 91)) == (91, 0)


def test_a_tired_adviser_s_month_is_halved_in_whole_minutes():
    assert [RULES.minutes(61, tired=tired) for tired in (False, True)] == [61, 30]
