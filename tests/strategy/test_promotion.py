"""The rule of a shadow: each condition met and not met, on numbers worked by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from engagement.strategy.promotion import GainWanted, Rule, Watched, judge

UNTIL = date(2026, 6, 30)
AFTER = UNTIL + timedelta(days=1)
ONE = 2**32
EVEN = np.array([ONE // 2, ONE // 2], np.uint64)
MOSTLY = np.array([ONE // 4, 3 * ONE // 4], np.uint64)
CERTAIN = np.array([ONE, 0], np.uint64)
LOW, HIGH = 0, 2**53 - 1
"""Draws that pick the first action and the last."""
SMALL = Rule(outcomes=4, groups=2)


def row(action=1, reward=1.0, *, group="g1", draw=HIGH, logged=EVEN, beside=MOSTLY):
    return Watched(group, action, draw, logged, beside, reward)


ROWS = [row(1, 1.0), row(0, 0.0, draw=LOW), row(1, 0.0, group="g2"), row(1, 1.0, group="g2")]
"""Two groups of two. Weights of the gain: ¾/½ = 1.5 where 1 was chosen, ½ where 0."""


def of(name, judged):
    return next(condition for condition in judged.conditions if condition.name == name)


def test_a_rule_is_met_when_every_condition_is():
    judged = judge(SMALL, UNTIL, AFTER, ROWS)
    assert [(one.name, one.met) for one in judged.conditions] == [
        ("day", True),
        ("outcomes", True),
        ("groups", True),
        ("belief", True),
    ]
    assert judged.met


def test_on_its_last_day_a_rule_is_not_met_yet():
    judged = judge(SMALL, UNTIL, UNTIL, ROWS)
    assert not of("day", judged).met
    assert not judged.met


@pytest.mark.parametrize(
    ("name", "rule"),
    [("outcomes", Rule(outcomes=5, groups=2)), ("groups", Rule(outcomes=4, groups=3))],
)
def test_too_few_outcomes_or_groups_do_not_meet_it(name, rule):
    judged = judge(rule, UNTIL, AFTER, ROWS)
    assert [one.name for one in judged.conditions if not one.met] == [name]
    assert not judged.met


def test_silence_is_no_outcome():
    judged = judge(SMALL, UNTIL, AFTER, [*ROWS[:3], row(reward=None, group="g3")])
    assert (judged.decisions, judged.outcomes, judged.groups) == (4, 3, 2)


@pytest.mark.parametrize(("most", "met"), [(0.25, True), (0.24, False)])
def test_unusable_beliefs_are_counted_against_it(most, met):
    rows = [*ROWS[:3], row(beside=None, group="g2")]
    judged = judge(Rule(outcomes=4, groups=2, most_unusable=most), UNTIL, AFTER, rows)
    assert judged.unusable == 0.25
    assert judged.met == met


def test_agreement_is_how_often_the_same_draw_picks_the_same():
    """The draw 0.3 picks 0 from an even chance and 1 from (¼, ¾); the others agree."""
    rows = [*ROWS[:3], row(0, draw=3 * 2**53 // 10, group="g2")]
    assert judge(SMALL, UNTIL, AFTER, rows).agreement == 0.75


def test_without_any_decision_nothing_is_met_and_nothing_fails():
    judged = judge(Rule(gain=GainWanted()), UNTIL, AFTER, [])
    assert (judged.decisions, judged.agreement, judged.gain, judged.met) == (0, None, None, False)


def test_the_gain_is_the_one_worked_by_hand():
    """Σwr/Σw = 3/5 with w = 1.5, ½, 1.5, 1.5; r̄ = ½."""
    judged = judge(Rule(outcomes=4, groups=2, gain=GainWanted()), UNTIL, AFTER, ROWS)
    assert judged.gain.belief == pytest.approx(0.6)
    assert judged.gain.baseline == 0.5
    assert judged.gain.difference == pytest.approx(0.1)
    assert judged.gain.groups == 2


def test_a_gain_is_measured_only_where_the_rule_asks_for_one():
    assert judge(SMALL, UNTIL, AFTER, ROWS).gain is None


@pytest.mark.parametrize(("minimum", "met"), [(0.09, True), (0.11, False)])
def test_a_gain_below_the_minimum_does_not_meet_it(minimum, met):
    """With a confidence of one half the bound is the estimate, 0.1."""
    rule = Rule(outcomes=4, groups=2, gain=GainWanted(minimum, confidence=0.5))
    assert judge(rule, UNTIL, AFTER, ROWS).met == met


def test_more_confidence_asks_for_more():
    """ψ = w(r − .6)/1.25 − (r − ½) = −.02, .26, −.22, −.02, s = ±.24; sd = √(2·.1152)/4 = .12.

    With one degree of freedom three quarters lie below 1: the bound at .75 is .1 − .12 < 0.
    """
    rule = Rule(outcomes=4, groups=2, gain=GainWanted(0.0, confidence=0.75))
    judged = judge(rule, UNTIL, AFTER, ROWS)
    assert judged.gain.sd == pytest.approx(0.12)
    assert not of("gain", judged).met


def test_decisions_without_a_choice_have_no_part_in_the_gain():
    rule = Rule(outcomes=4, groups=2, gain=GainWanted())
    alone = row(0, 0.0, logged=CERTAIN, beside=CERTAIN, draw=LOW)
    assert judge(rule, UNTIL, AFTER, [*ROWS, alone]).gain == judge(rule, UNTIL, AFTER, ROWS).gain


def test_where_the_baseline_never_tries_what_the_belief_would_no_gain_is_claimed():
    never = np.array([ONE // 2, ONE // 2, 0], np.uint64)
    would = np.array([0, ONE // 2, ONE // 2], np.uint64)
    rows = [one._replace(logged=never, beside=would) for one in ROWS]
    judged = judge(Rule(outcomes=4, groups=2, gain=GainWanted(-1.0, 0.5)), UNTIL, AFTER, rows)
    assert judged.gain is None
    assert "cannot be measured" in of("gain", judged).words
    assert not judged.met
