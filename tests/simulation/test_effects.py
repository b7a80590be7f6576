"""The effects shipped are the ones documented, and the special worlds do what their names say."""

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.simulation.effects import (
    ACTION_EFFECTS,
    CHW_JOINS,
    FUND_SEED,
    GOAL_REMINDER,
    MOVE_MEETING,
    NONE,
    RECOGNITION,
    SMALL_PRIZE,
    TEMPLATE_EFFECTS,
    TRANSPORT_TOKEN,
    WIN_STORY,
    Effect,
    framed,
    harmful_once_stopped,
    opposite_in_rural,
    tabulate,
    without_effects,
)


def test_the_example_program_has_six_actions_after_none() -> None:
    assert [effect.action for effect in ACTION_EFFECTS] == [
        "none",
        "goal_reminder",
        "win_story",
        "move_meeting",
        "recognition",
        "transport_token",
        "chw_joins",
    ]


@pytest.mark.parametrize(
    ("effect", "barrier", "low", "high"),
    [
        (GOAL_REMINDER, "motivation", 0.25, 0.6),
        (WIN_STORY, "awareness", 0.25, 0.6),
        (MOVE_MEETING, "time", 0.3, 0.8),
        (RECOGNITION, "motivation", 0.2, 0.5),
        (TRANSPORT_TOKEN, "money", 0.3, 0.6),
        (SMALL_PRIZE, "money", 0.5, 1.0),
    ],
)
def test_an_effect_on_its_barrier_lies_in_the_documented_range(
    effect: Effect, barrier: str, low: float, high: float
) -> None:
    assert effect.barrier == barrier
    assert low <= effect.logit_matching <= high


def test_a_health_worker_lifts_the_wavering_by_the_documented_range() -> None:
    assert 0.10 <= CHW_JOINS.lift <= 0.25


def test_a_fund_adds_the_documented_range_to_meeting_alone() -> None:
    assert 0.5 <= FUND_SEED.hold_alone <= 1.0


def test_a_prize_takes_the_documented_range_of_habit_when_it_stops() -> None:
    assert -0.3 <= SMALL_PRIZE.habit_after <= -0.1


@pytest.mark.parametrize("effect", TEMPLATE_EFFECTS, ids=lambda effect: effect.action)
def test_no_effect_of_the_template_is_larger_than_any_documented_one(effect: Effect) -> None:
    assert 0 <= effect.logit_otherwise <= 0.1
    assert 0 <= effect.logit_matching <= 1.0
    assert 0 <= effect.lift <= 0.25
    assert 0.5 <= effect.adviser_hazard <= 1.0


def test_two_framings_of_one_message_start_alike() -> None:
    win, risk = (
        next(effect for effect in TEMPLATE_EFFECTS if effect.action == name)
        for name in ("win_story", "risk_fact")
    )
    assert (win.barrier, win.logit_matching) == (risk.barrier, risk.logit_matching)


def test_columns_keep_the_order_of_the_effects() -> None:
    table = tabulate([NONE, Effect(action="a", logit_matching=1.0), Effect(action="b", logit_matching=2.0)])
    assert table.matching.tolist() == [0.0, 1.0, 2.0]


def test_an_effect_speaks_to_its_own_barrier_only() -> None:
    table = tabulate([NONE, Effect(action="a", barrier="time")])
    assert table.speaks_to[1].tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("effects", [[], [GOAL_REMINDER], [GOAL_REMINDER, NONE]])
def test_effects_that_do_not_begin_with_none_are_refused(effects: list[Effect]) -> None:
    with pytest.raises(Invalid, match="must be `none`"):
        tabulate(effects)


def test_an_action_with_two_effects_is_refused() -> None:
    with pytest.raises(Invalid, match="more than one effect"):
        tabulate([NONE, GOAL_REMINDER, GOAL_REMINDER])


def test_the_null_world_keeps_the_actions_and_takes_every_effect() -> None:
    null = without_effects(ACTION_EFFECTS)
    assert [effect.action for effect in null] == [effect.action for effect in ACTION_EFFECTS]
    table = tabulate(null)
    assert not any(
        column.any()
        for column in (
            table.matching,
            table.otherwise,
            table.lift,
            table.hold_alone,
            table.habit_after,
            table.dose,
        )
    )
    assert (table.adviser_hazard == 1.0).all()


def test_an_opposite_world_turns_every_effect_but_none_in_rural_groups() -> None:
    assert tabulate(opposite_in_rural(ACTION_EFFECTS)).rural.tolist() == [1.0] + [-1.0] * 6


def test_only_incentives_become_harmful_once_stopped() -> None:
    table = tabulate(harmful_once_stopped(ACTION_EFFECTS))
    assert np.array_equal(table.habit_after < 0, table.incentive)


def test_framing_shifts_both_logits_alike() -> None:
    told = framed(Effect(action="story", logit_matching=0.5, logit_otherwise=0.25), -0.25)
    assert (told.logit_matching, told.logit_otherwise) == (0.25, 0.0)
