"""Single formulas worked by hand, in worlds where chance has been taken out."""

import math
from typing import Any

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.randomness import generator
from engagement.records import Integers
from engagement.simulation.barriers import BARRIERS, BarrierRates
from engagement.simulation.effects import NONE, Effect, Effects, tabulate
from engagement.simulation.peer_group import Month, PeerGroup, State, chance_of_coming, month, start

SURE = 50.0
"""A logit at which an event is certain: 1 − expit(50) is less than 2⁻⁵³."""

ONLY_MONEY = BarrierRates(
    money=1.0, motivation=0.0, awareness=0.0, time_urban=0.0, time_rural=0.0, sabotage=0.0
)


def world(**changed: Any) -> PeerGroup:
    """All alike, all urban, coming with logit 0, meetings held for certain, nobody leaving."""
    plain: dict[str, Any] = {
        "attend": 0.0,
        "attend_program": 0.0,
        "attend_adviser": 0.0,
        "attend_habit": 0.0,
        "attend_peers": 0.0,
        "sd_member": 0.0,
        "sd_group": 0.0,
        "sabotage": 0.0,
        "hold_adviser": SURE,
        "hold_alone": SURE,
        "hold_attendance": 0.0,
        "hold_program": 0.0,
        "adviser_lost_running": 0.0,
        "adviser_lost_after": 0.0,
        "adviser_replaced": 0.0,
        "drop": 0.0,
        "drop_missed": 0.0,
        "burden": 0.0,
        "urban": 1.0,
        "barriers": ONLY_MONEY,
    }
    return PeerGroup(**(plain | changed))


def effects(**of_action: Any) -> Effects:
    return tabulate([NONE, Effect(action="tried", **of_action)])


def begin(of: PeerGroup, groups: int = 1, seats: int = 4) -> State:
    return start(of, groups, seats, generator(7), actions=2)


def everyone(state: State, action: int) -> Integers:
    return np.full(state.active.shape, action, dtype=np.int64)


def live(
    of: PeerGroup,
    state: State,
    table: Effects,
    actions: list[int],
    running: bool = True,
    after: int = 0,
) -> tuple[State, list[Month]]:
    """One month for each action, given to every seat; `after` is the first month's count from the end."""
    rng, happened = generator(8), []
    for number, action in enumerate(actions):
        state, this = month(of, state, everyone(state, action), table, running, after + number, rng)
        happened.append(this)
    return state, happened


def chance(of: PeerGroup, state: State, table: Effects, action: int = 0, **when: Any) -> float:
    """The first seat's chance of coming while the program runs, unless told otherwise."""
    now = {"running": True, "months_after_end": 0} | when
    return float(chance_of_coming(of, state, everyone(state, action), table, **now)[0, 0])


# Coming.


def test_at_the_start_the_logit_is_the_sum_of_level_adviser_and_program() -> None:
    of = world(attend=-1.0, attend_adviser=0.4, attend_program=0.6 + math.log(3))
    assert chance(of, begin(of), effects()) == pytest.approx(0.75)


def test_without_an_adviser_her_part_is_missing() -> None:
    of = world(attend_adviser=math.log(3))
    state = begin(of)._replace(adviser=np.array([False]))
    assert chance(of, state, effects()) == pytest.approx(0.5)


def test_a_full_last_meeting_adds_the_whole_pull_of_peers() -> None:
    of = world(attend_peers=math.log(3))
    state = begin(of)._replace(share=np.array([1.0]))
    assert chance(of, state, effects()) == pytest.approx(0.75)


def test_habit_counts_by_its_weight() -> None:
    of = world(attend_habit=2.0)
    state = begin(of)._replace(habit=np.full((1, 4), math.log(3) / 2))
    assert chance(of, state, effects()) == pytest.approx(0.75)


def test_a_first_dose_works_in_full_on_the_matching_barrier() -> None:
    table = effects(barrier="money", logit_matching=math.log(3), logit_otherwise=SURE)
    assert chance(world(), begin(world()), table, action=1) == pytest.approx(0.75)


def test_another_barrier_gets_the_other_effect() -> None:
    table = effects(barrier="time", logit_matching=SURE, logit_otherwise=math.log(3))
    assert chance(world(), begin(world()), table, action=1) == pytest.approx(0.75)


def test_an_action_without_barrier_speaks_to_everyone() -> None:
    table = effects(logit_matching=math.log(3), logit_otherwise=SURE)
    assert chance(world(), begin(world()), table, action=1) == pytest.approx(0.75)


def test_the_rural_factor_turns_an_effect_in_the_country_only() -> None:
    of, table = world(), effects(logit_matching=math.log(3), rural=-1.0)
    state = begin(of, groups=2)._replace(urban=np.array([True, False]))
    both = chance_of_coming(of, state, everyone(state, 1), table, True, 0)[:, 0]
    assert both == pytest.approx([0.75, 0.25])


def test_a_second_dose_wears_off_by_the_stock_of_the_first() -> None:
    of, table = world(wear_off=math.log(2)), effects(logit_matching=math.log(9))
    state, _ = live(of, begin(of), table, [1])
    assert chance(of, state, table, action=1) == pytest.approx(0.75)  # x = 1 halves log 9 to log 3


def test_every_dose_in_stock_burdens() -> None:
    of = world(burden=math.log(3))
    state, _ = live(of, begin(of), effects(), [1])
    assert chance(of, state, effects()) == pytest.approx(0.25)


def test_doses_fade_by_a_fifth_a_month() -> None:
    state, _ = live(world(), begin(world()), effects(), [1, 1, 0])
    assert state.dose[0, 0] == pytest.approx([0.0, 0.8 * (0.8 + 1.0)])


def test_who_missed_the_last_meeting_is_lifted_in_probability() -> None:
    of, table = world(), effects(lift=0.15)
    state = begin(of)._replace(missed=np.ones((1, 4), dtype=np.int64))
    assert chance(of, state, table, action=1) == pytest.approx(0.65)


def test_who_came_last_time_is_not_lifted() -> None:
    assert chance(world(), begin(world()), effects(lift=0.15), action=1) == pytest.approx(0.5)


def test_who_is_gone_has_no_chance_of_coming() -> None:
    state = begin(world())._replace(active=np.zeros((1, 4), dtype=np.bool_))
    assert chance(world(), state, effects()) == 0.0


# Habit, share, missed meetings.


def test_habit_grows_by_its_step_and_keeps_four_fifths() -> None:
    of = world(attend=SURE, habit_step=0.5)
    state, _ = live(of, begin(of), effects(), [0, 0])
    assert state.habit == pytest.approx(np.full((1, 4), 0.8 * 0.5 + 0.5))


def test_a_meeting_not_held_counts_as_missed_by_all() -> None:
    of = world(attend=SURE, hold_adviser=-SURE, habit_step=0.5)
    state, _ = live(of, begin(of), effects(), [0, 0])
    assert (state.missed == 2).all()
    assert state.habit == pytest.approx(np.full((1, 4), 0.8 * -0.5 - 0.5))


def test_a_meeting_not_held_leaves_the_share_as_it_was() -> None:
    of = world(attend=SURE, hold_adviser=-SURE)
    state, _ = live(of, begin(of), effects(), [0])
    assert state.share.tolist() == [0.5]


def test_the_share_is_one_of_the_members_still_active() -> None:
    of = world(attend=SURE)
    loyal = np.array([[True, True, True, False]])
    state, _ = live(of, begin(of)._replace(active=loyal), effects(), [0])
    assert state.share.tolist() == [1.0]


# The meeting and the adviser.


def test_without_adviser_the_meeting_has_its_own_level() -> None:
    of = world(hold_adviser=SURE, hold_alone=-SURE)
    state = begin(of, groups=2)._replace(adviser=np.array([True, False]))
    _, (happened,) = live(of, state, effects(), [0])
    assert happened.held.tolist() == [True, False]


def test_an_empty_last_meeting_takes_the_whole_weight_of_attendance_off() -> None:
    of = world(hold_adviser=SURE, hold_attendance=1.5 * SURE)
    state = begin(of, groups=2)._replace(share=np.array([0.5, 0.0]))
    _, (happened,) = live(of, state, effects(), [0])
    assert happened.held.tolist() == [True, False]


@pytest.mark.parametrize(("running", "held"), [(True, True), (False, False)])
def test_what_the_program_adds_to_holding_ends_with_it(running: bool, held: bool) -> None:
    of = world(hold_adviser=-SURE, hold_program=2 * SURE)
    _, (happened,) = live(of, begin(of), effects(), [0], running=running, after=1)
    assert happened.held.tolist() == [held]


def test_groups_may_differ_in_whether_the_program_runs() -> None:
    of = world(hold_adviser=-SURE, hold_program=2 * SURE)
    state = begin(of, groups=2)
    runs = np.array([False, True])
    _, happened = month(of, state, everyone(state, 0), effects(), runs, np.array([1, 0]), generator(3))
    assert happened.held.tolist() == [False, True]


def test_a_lost_adviser_is_replaced_from_the_next_month_on() -> None:
    of = world(adviser_lost_running=1.0, adviser_replaced=1.0)
    _, happened = live(of, begin(of), effects(), [0, 0, 0])
    assert [this.adviser_active[0] for this in happened] == [False, True, False]


def test_after_the_end_the_adviser_has_another_hazard() -> None:
    of = world(adviser_lost_running=0.0, adviser_lost_after=1.0)
    _, (happened,) = live(of, begin(of), effects(), [0], running=False, after=1)
    assert not happened.adviser_active.any()


def test_a_linked_health_worker_halves_the_advisers_hazard() -> None:
    of = world(adviser_lost_running=1.0)
    _, (happened,) = live(of, begin(of, groups=10_000), effects(adviser_hazard=0.5), [1])
    assert abs(happened.adviser_active.mean() - 0.5) < 0.02  # four standard errors of .5/√10,000


def test_one_seat_given_a_link_is_enough_for_the_adviser() -> None:
    of = world(adviser_lost_running=1.0)
    one_seat = np.array([[1, 0, 0, 0]])
    _, happened = month(of, begin(of), one_seat, effects(adviser_hazard=0.0), True, 0, generator(3))
    assert happened.adviser_active.all()


def test_a_wavering_group_is_lifted_when_one_seat_is_given_the_action() -> None:
    of = world(hold_adviser=-SURE)
    state = begin(of, groups=2)._replace(failed=np.array([1, 0]))
    one_seat = np.zeros((2, 4), dtype=np.int64)
    one_seat[:, 0] = 1
    _, happened = month(of, state, one_seat, effects(lift=1.0), True, 0, generator(3))
    assert happened.held.tolist() == [True, False]


def test_an_action_for_a_seat_that_is_gone_does_not_reach_the_group() -> None:
    of = world(hold_adviser=-SURE)
    present = np.array([[False, True, True, True]])
    state = begin(of)._replace(failed=np.array([1]), active=present)
    _, happened = month(of, state, np.array([[1, 0, 0, 0]]), effects(lift=1.0), True, 0, generator(3))
    assert not happened.held.any()


def test_a_seeded_fund_is_grown_after_three_months_and_stays() -> None:
    of, table = world(attend=SURE), effects(kind="incentive", hold_alone=0.9)
    state, grown = begin(of), []
    for action in [1, 0, 0, 0]:
        state, _ = live(of, state, table, [action])
        grown.append(state.fund[0])
    assert grown == pytest.approx([0.3, 0.6, 0.9, 0.9])


def test_a_grown_fund_helps_a_group_without_adviser_to_meet() -> None:
    of = world(hold_alone=-SURE)
    state = begin(of, groups=2)._replace(adviser=np.zeros(2, dtype=np.bool_), fund=np.array([2 * SURE, 0.0]))
    _, (happened,) = live(of, state, effects(), [0])
    assert happened.held.tolist() == [True, False]


# Incentives that stop.


def test_an_incentive_chosen_after_the_end_is_not_given() -> None:
    of, table = world(), effects(kind="incentive", logit_matching=SURE)
    state, _ = live(of, begin(of), table, [1], running=False, after=1)
    assert not state.dose.any()
    assert chance(of, state, table, action=1, running=False, months_after_end=2) == pytest.approx(0.5)


def test_three_months_after_the_end_half_of_an_incentives_effect_is_left() -> None:
    of, table = world(), effects(kind="incentive", logit_matching=math.log(9))
    state, _ = live(of, begin(of), table, [1])
    assert chance(of, state, table, running=False, months_after_end=3) == pytest.approx(0.75)


def test_what_is_left_of_an_incentive_is_counted_from_the_end_alone() -> None:
    of, table = world(), effects(kind="incentive", logit_matching=math.log(9))
    state, _ = live(of, begin(of, seats=40), table, [1])
    state, _ = live(of, state, table, [0, 0], running=False, after=1)
    assert chance(of, state, table, running=False, months_after_end=3) == pytest.approx(0.75)


def test_of_a_nudge_nothing_is_left_after_the_end() -> None:
    of, table = world(), effects(kind="nudge", logit_matching=math.log(9))
    state, _ = live(of, begin(of), table, [1])
    assert chance(of, state, table, running=False, months_after_end=1) == pytest.approx(0.5)


def test_a_stopped_action_costs_habit_once() -> None:
    of, table = world(attend=SURE, habit_step=0.0), effects(habit_after=-0.5)
    state, habits = begin(of), []
    for action in [1, 1, 0, 0]:
        state, _ = live(of, state, table, [action])
        habits.append(state.habit[0, 0])
    assert habits == pytest.approx([0.0, 0.0, -0.4, -0.32])


def test_the_cost_of_stopping_is_part_of_the_chance_of_coming() -> None:
    of, table = world(attend_habit=1.0), effects(habit_after=-math.log(3))
    state = begin(of)._replace(given=np.ones((1, 4), dtype=np.int64))
    assert chance(of, state, table, action=0) == pytest.approx(0.25)


# Goals.


def test_a_goal_set_at_one_meeting_is_met_at_the_next_attended() -> None:
    of = world(attend=SURE, goal_set=1.0, goal_met=SURE)
    _, (first, second) = live(of, begin(of), effects(), [0, 0])
    assert first.goal_set.all()
    assert not first.goal_met.any()
    assert second.goal_met.all()


def test_goals_are_set_at_the_rate_of_the_world() -> None:
    of = world(attend=SURE, goal_set=0.0)
    _, (happened,) = live(of, begin(of), effects(), [0])
    assert not happened.goal_set.any()


def test_habit_helps_to_meet_a_goal() -> None:
    of = world(attend=2 * SURE, attend_habit=SURE)
    open_goals = begin(of)._replace(
        goal_open=np.ones((1, 4), dtype=np.bool_), habit=np.array([[1.0, 1.0, -1.0, -1.0]])
    )
    _, (happened,) = live(of, open_goals, effects(), [0])
    assert happened.goal_met.tolist() == [[True, True, False, False]]


def test_an_action_helps_to_meet_a_goal() -> None:
    of, table = world(attend=SURE, goal_met=-SURE), effects(logit_matching=2 * SURE)
    open_goals = begin(of)._replace(goal_open=np.ones((1, 4), dtype=np.bool_))
    _, happened = month(of, open_goals, np.array([[1, 0, 1, 0]]), table, True, 0, generator(3))
    assert happened.goal_met.tolist() == [[True, False, True, False]]


def test_who_stays_away_keeps_the_goal_open() -> None:
    of = world(attend=-SURE)
    state, (happened,) = live(
        of, begin(of)._replace(goal_open=np.ones((1, 4), dtype=np.bool_)), effects(), [0]
    )
    assert not happened.goal_met.any()
    assert state.goal_open.all()


# Leaving and dissolving.


def test_members_leave_at_the_second_meeting_missed_in_a_row() -> None:
    of = world(attend=-SURE, drop_missed=1.0)
    _, (first, second) = live(of, begin(of), effects(), [0, 0])
    assert not first.left.any()
    assert second.left.all()


def test_after_the_end_the_hazard_of_leaving_is_multiplied() -> None:
    of = world(attend=SURE, drop=0.5, drop_factor_after=2.0)
    _, (happened,) = live(of, begin(of), effects(), [0], running=False, after=1)
    assert happened.left.all()


def test_three_meetings_with_two_present_dissolve_a_group() -> None:
    of = world(attend=SURE)
    two = np.array([[True, True, False, False]])
    _, happened = live(of, begin(of)._replace(active=two), effects(), [0, 0, 0])
    assert [this.dissolved[0] for this in happened] == [False, False, True]


def test_three_present_keep_a_group_alive() -> None:
    of = world(attend=SURE)
    three = np.array([[True, True, True, False]])
    _, happened = live(of, begin(of)._replace(active=three), effects(), [0] * 6)
    assert happened[-1].alive.all()


def test_a_good_meeting_starts_the_count_to_dissolution_again() -> None:
    of = world(attend=SURE)
    state, _ = live(of, begin(of)._replace(failed=np.array([2])), effects(), [0])
    assert state.failed.tolist() == [0]


def test_a_dissolved_group_loses_all_its_members() -> None:
    of = world(hold_adviser=-SURE)
    state, happened = live(of, begin(of), effects(), [0, 0, 0])
    assert happened[-1].left.all()
    assert not state.active.any()


# What is refused.


@pytest.mark.parametrize("act", [np.zeros((1, 3), dtype=np.int64), np.zeros(4, dtype=np.int64)])
def test_other_than_one_action_a_seat_is_refused(act: Integers) -> None:
    with pytest.raises(Invalid, match="one action a seat"):
        month(world(), begin(world()), act, effects(), True, 0, generator(1))


@pytest.mark.parametrize("action", [-1, 2])
def test_an_action_without_effect_entry_is_refused(action: int) -> None:
    state = begin(world())
    with pytest.raises(Invalid, match=r"must lie in \[0, 2\)"):
        month(world(), state, everyone(state, action), effects(), True, 0, generator(1))


def test_a_state_made_for_other_actions_is_refused() -> None:
    state = start(world(), 1, 4, generator(1), actions=3)
    with pytest.raises(Invalid, match="started with 3 actions"):
        month(world(), state, everyone(state, 0), effects(), True, 0, generator(1))


def test_barrier_columns_stand_in_the_declared_order() -> None:
    assert begin(world()).barriers[0, 0].tolist() == [name == "money" for name in BARRIERS]
