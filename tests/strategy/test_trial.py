"""What a trial says of itself, and what it may no longer change."""

from datetime import date

import msgspec
import pytest

from engagement.strategy.trial import (
    Amendment,
    Parallel,
    Protocol,
    SteppedWedge,
    Trial,
    TrialCondition,
    WaitingList,
    overlapping,
    why_not,
)

START = date(2026, 4, 1)
ALONE = TrialCondition(id="alone", title="The adviser alone")
LEARNED = TrialCondition(id="learned", title="Learned", strategies=("learned",))
FIXED = TrialCondition(id="fixed", title="Fixed", strategies=("fixed",))


def a_trial(**more):
    given = {"id": "t", "title": "Which", "conditions": (ALONE, LEARNED), "starts_on": START} | more
    return Trial(**given)


def test_in_a_parallel_trial_every_condition_is_an_arm():
    arms = a_trial(design=Parallel((1, 2))).arms
    assert [(arm.id, arm.weight, arm.condition_on(date(2030, 1, 1))) for arm in arms] == [
        ("alone", 1, "alone"),
        ("learned", 2, "learned"),
    ]


def test_in_a_stepped_wedge_arms_differ_by_the_day_they_cross():
    steps = (date(2026, 7, 1), date(2026, 10, 1))
    arms = a_trial(design=SteppedWedge(steps, never=True)).arms
    days = (START, date(2026, 6, 30), date(2026, 7, 1), date(2026, 10, 1))
    assert {arm.id: [arm.condition_on(day) for day in days] for arm in arms} == {
        "step-1": ["alone", "alone", "learned", "learned"],
        "step-2": ["alone", "alone", "alone", "learned"],
        "never": ["alone"] * 4,
    }


def test_whoever_waits_crosses_on_the_day_the_list_ends():
    arms = {arm.id: arm for arm in a_trial(design=WaitingList(date(2027, 4, 1))).arms}
    assert arms["at-once"].condition_on(START) == "learned"
    assert [arms["waiting"].condition_on(day) for day in (START, date(2027, 3, 31), date(2027, 4, 1))] == [
        "alone",
        "alone",
        "learned",
    ]


def test_before_its_start_an_arm_is_where_it_will_start():
    assert a_trial().arm("learned").condition_on(date(2020, 1, 1)) == "learned"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conditions": (LEARNED, LEARNED)}, "condition `learned` is named twice"),
        (
            {"conditions": (LEARNED, TrialCondition(id="x", title="X", strategies=("learned",)))},
            "strategy `learned` is named twice",
        ),
        ({"design": Parallel((1, 2, 3))}, "`weights` are 3, conditions 2"),
        ({"design": Parallel((9, 9))}, "add up to more than 12"),
        ({"design": SteppedWedge((date(2026, 7, 1),))}, "with one step everybody crosses on one day"),
        ({"design": SteppedWedge((date(2026, 7, 1), date(2026, 7, 1)))}, "`steps` are days in order"),
        ({"design": SteppedWedge((START, date(2026, 7, 1)))}, "`steps` are days in order"),
        (
            {"conditions": (ALONE, LEARNED, FIXED), "design": WaitingList(date(2027, 4, 1))},
            "give two, in this order",
        ),
        ({"design": WaitingList(START)}, "`crosses_on` comes after `starts_on`"),
        ({"blocks": ()}, "`blocks` needs a size"),
        ({"strata": ("site", "site")}, "each fact of `strata` stands there once"),
        ({"enrols_until": date(2026, 3, 31)}, "`enrols_until` is before `starts_on`"),
        ({"protocol": Protocol(comparisons=(("alone", "other"),))}, "compares `other`"),
        ({"protocol": Protocol(comparisons=(("alone", "alone"),))}, "compares `alone` with itself"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(changes, words):
    with pytest.raises(ValueError, match=words):
        a_trial(**changes)


def test_every_condition_is_compared_with_the_first_unless_the_protocol_says_otherwise():
    three = a_trial(conditions=(ALONE, FIXED, LEARNED))
    assert three.comparisons == (("alone", "fixed"), ("alone", "learned"))
    named = msgspec.structs.replace(three, protocol=Protocol(comparisons=(("fixed", "learned"),)))
    assert named.comparisons == (("fixed", "learned"),)


def test_before_anybody_is_assigned_everything_may_change():
    assert why_not(a_trial(unit="catchment"), a_trial(), assigned=False, today=START) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": "catchment"},
        {"conditions": (ALONE, FIXED)},
        {"design": Parallel((2, 1))},
        {"strata": ()},
        {"blocks": (3,)},
        {"sites": ("s",)},
        {"starts_on": date(2026, 4, 2)},
    ],
)
def test_afterwards_the_design_is_frozen(changes):
    why = why_not(a_trial(**changes), a_trial(), assigned=True, today=START)
    assert why is not None
    assert why.startswith(f"`{next(iter(changes))}` is what the draw rests on")


@pytest.mark.parametrize("changes", [{"protocol": Protocol(horizon_months=24)}, {"enrols_until": START}])
def test_afterwards_the_protocol_changes_by_a_dated_amendment_alone(changes):
    before = a_trial()
    assert "say in `amendments`" in why_not(a_trial(**changes), before, assigned=True, today=START)
    told = a_trial(**changes, amendments=(Amendment(made_on=START, why="The funder asked for it."),))
    assert why_not(told, before, assigned=True, today=START) is None


def test_an_amendment_cannot_be_dated_back_or_taken_away():
    early = a_trial(amendments=(Amendment(made_on=date(2026, 3, 1), why="…"),))
    assert "`made_on` is 2026-04-01" in why_not(early, a_trial(), assigned=True, today=START)
    assert "stay as they are" in why_not(a_trial(), early, assigned=True, today=START)


def test_title_and_end_change_freely():
    assert why_not(a_trial(title="Other", ended=True), a_trial(), assigned=True, today=START) is None


def test_enrolment_is_from_the_start_to_its_last_day():
    trial = a_trial(enrols_until=date(2026, 4, 30))
    days = (date(2026, 3, 31), START, date(2026, 4, 30), date(2026, 5, 1))
    assert [trial.enrols_on(day) for day in days] == [False, True, True, False]
    assert not a_trial(ended=True).enrols_on(START)


@pytest.mark.parametrize(
    ("mine", "theirs", "meet"),
    [
        ({}, {"sites": ("a",), "conditions": (ALONE, FIXED)}, True),
        ({"sites": ("b",)}, {"sites": ("a",), "conditions": (ALONE, FIXED)}, False),
        ({"sites": ("b",)}, {"sites": ("a",)}, True),
        ({}, {"ended": True}, False),
    ],
)
def test_two_running_trials_share_neither_groups_nor_strategies(mine, theirs, meet):
    other = a_trial(id="other", **theirs)
    assert overlapping(a_trial(**mine), [other]) == (other if meet else None)
