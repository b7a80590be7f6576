"""Deciding: probabilities true of what was left, budgets kept, fallbacks, and the draw itself."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtri

from engagement.actions.availability import Reason
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.bandits.allocations.softmax import Softmax
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.randomness import uniform
from engagement.records import ROOT, Points, Scores
from engagement.strategy.arms import Control, Shadow
from engagement.strategy.baseline import EvenChance, FixedOrder
from engagement.strategy.decide import Asked, decide, fixed_choice, shares
from engagement.strategy.promotion import Rule
from engagement.strategy.purse import REASONS, Purse, unlimited
from engagement.strategy.strategy import Fallback, Strategy
from support.courses import course

ONE = 2**32
LEARNED = {ROOT: np.array([3.0, 9, 2, 6, 7, 1, 8, 4])}
"""Successes of none, a, b and c, then their failures."""
BROKEN = {ROOT: np.zeros(3)}


def strategy(**fields):
    """A strategy of three actions that learns one success rate each."""
    plain = {"id": "s", "title": "S", "actions": ("a", "b", "c"), "posterior": BetaBernoulli(), "floor": 0.1}
    return Strategy(**plain | fields)


def asked(uniforms, refusals=None, fixed=None, made=0):
    """A decision point for each uniform, everything available unless said otherwise."""
    count = len(uniforms)
    names = tuple(f"m{row}" for row in range(count))
    points = Points(np.ones((count, 1)), names, names, course(*[120.0] * count, made=made))
    codes = np.zeros((count, 4), np.uint8) if refusals is None else np.array(refusals, np.uint8)
    return Asked(points, codes, tuple(uniforms), tuple(fixed or [False] * count))


def purse(left, costs=(0, 10, 4, 0)):
    """Actions that draw on one budget where they cost something, for as many rows as are asked."""
    cost = np.array(costs)[:, None]

    def of(rows):
        account = np.tile(np.hstack([np.where(cost > 0, 0, -1), np.full_like(cost, -1)]), (rows, 1, 1))
        return Purse(account, np.hstack([cost, np.zeros_like(cost)]), np.array([left]))

    return of


def free(rows):
    """Nothing draws on anything."""
    return unlimited(rows, 4)


def answered(plan, nodes, question, money=free):
    """The answer to a question, with a purse for its rows."""
    return decide(plan, nodes, question, money(len(question.uniforms)))


def spent(decided, costs=(0, 10, 4, 0)):
    """What the picks cost together."""
    return int(np.array(costs)[decided.picked].sum())


def same(one, other):
    """Whether two answers are equal to the byte."""
    arrays = [(one.refusals, other.refusals), (one.probability, other.probability)]
    arrays += [(one.picked, other.picked), (one.scores.mean, other.scores.mean)]
    return all(a.tobytes() == b.tobytes() for a, b in arrays) and one.fallback == other.fallback


uniforms = st.lists(st.integers(0, 2**53 - 1), min_size=1, max_size=12)
EVENLY = [int((place + 0.5) / 8 * 2**53) for place in range(8)]
"""Draws in the middle of each eighth of [0, 1)."""


def test_four_equal_shares_are_drawn_in_their_order():
    decided = answered(strategy(allocation=Uniform()), {}, asked(EVENLY))
    assert decided.probability.tolist() == [[ONE // 4] * 4] * 8
    assert decided.picked.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_floor_is_kept_for_every_available_action():
    decided = answered(strategy(floor=0.2), {ROOT: np.array([0, 500, 0, 0, 500, 0, 500, 500.0])}, asked([0]))
    assert decided.probability[0] / ONE == pytest.approx([0.2, 0.4, 0.2, 0.2], abs=1e-6)


def test_each_row_keeps_its_own_floor():
    plain = asked([0, 0])._replace(floor=np.array([0.1, 0.2]))
    learned = {ROOT: np.array([0, 500, 0, 0, 500, 0, 500, 500.0])}
    decided = answered(strategy(), learned, plain)
    assert decided.probability / ONE == pytest.approx(
        np.array([[0.1, 0.7, 0.1, 0.1], [0.2, 0.4, 0.2, 0.2]]), abs=1e-6
    )


def test_a_price_above_what_an_action_is_believed_to_add_leaves_it_to_the_floor():
    plan = strategy(posterior=LinearGaussian(effect_sd=0.001), allocation=Softmax(temperature=0.001))
    question = asked([0])._replace(price=np.array([[0, 0.5, 0, 0.5]]))
    decided = answered(plan, {}, question)
    assert decided.scores.mean == pytest.approx(np.array([[0, -0.5, 0, -0.5]]))
    # half of what the four floors of 0.1 leave to `none` and b each
    assert decided.probability[0] / ONE == pytest.approx([0.4, 0.1, 0.4, 0.1], abs=1e-6)


def test_a_cost_may_differ_from_row_to_row():
    # the same action costs 10 at one site and 4 at the other, and 9 are left
    account = np.full((2, 4, 2), -1)
    account[:, 1, 0] = 0
    cost = np.zeros((2, 4, 2), np.int64)
    cost[:, 1, 0] = 10, 4
    decided = decide(strategy(), {}, asked([0, 0]), Purse(account, cost, np.array([9])))
    assert decided.refusals.tolist() == [[0, Reason.BUDGET, 0, 0], [0, 0, 0, 0]]


def test_what_is_refused_has_no_probability():
    codes = [[0, Reason.COOL_DOWN, 0, Reason.PHASE]]
    decided = answered(strategy(allocation=Uniform()), {}, asked([0], codes))
    assert decided.probability.tolist() == [[ONE // 2, 0, ONE // 2, 0]]


@given(
    uniforms.flatmap(
        lambda draws: st.tuples(
            st.just(draws),
            st.lists(st.tuples(*[st.sampled_from([0, 0, 5])] * 3), min_size=len(draws), max_size=len(draws)),
            st.integers(0, 60),
        )
    )
)
def test_an_unavailable_action_is_never_picked(case):
    draws, codes, left = case
    decided = answered(strategy(), LEARNED, asked(draws, [(0, *row) for row in codes]), purse(left))
    rows = np.arange(len(draws))
    assert (decided.refusals[rows, decided.picked] == Reason.AVAILABLE).all()
    assert (decided.probability[decided.refusals != Reason.AVAILABLE] == 0).all()


def test_a_row_is_decided_alike_whoever_else_is_asked():
    together = answered(strategy(), LEARNED, asked(EVENLY))
    for row, draw in enumerate(EVENLY):
        alone = answered(strategy(), LEARNED, asked([draw]))
        assert together.probability[row].tobytes() == alone.probability[0].tobytes()
        assert together.picked[row] == alone.picked[0]


def test_what_nobody_can_pay_is_refused_for_the_budget():
    decided = answered(strategy(), {}, asked([0]), purse(9))
    assert decided.refusals.tolist() == [[0, Reason.BUDGET, 0, 0]]


def test_what_is_left_to_the_last_coin_can_be_spent():
    decided = answered(strategy(), {}, asked([0]), purse(10))
    assert decided.refusals.tolist() == [[0, 0, 0, 0]]


def test_a_refusal_for_another_reason_stays_when_money_is_short_too():
    decided = answered(strategy(), {}, asked([0], [[0, Reason.PHASE, 0, 0]]), purse(0))
    assert decided.refusals.tolist() == [[0, Reason.PHASE, Reason.BUDGET, 0]]


def test_what_costs_nothing_needs_no_budget():
    decided = answered(strategy(), {}, asked(EVENLY), purse(0))
    assert (decided.refusals[:, 3] == Reason.AVAILABLE).all()


def test_an_overdrawn_budget_pays_for_nothing():
    decided = answered(strategy(), {}, asked(EVENLY), purse(-5))
    assert spent(decided) == 0


def test_the_last_money_goes_to_the_first_row_in_order():
    # shares of a quarter each: the first two draw `a`, for which there is money once
    plan = strategy(allocation=Uniform())
    decided = answered(plan, {}, asked([EVENLY[2], EVENLY[2]]), purse(10, (0, 10, 0, 0)))
    assert decided.refusals.tolist() == [[0, 0, 0, 0], [0, Reason.BUDGET, 0, 0]]
    assert decided.picked.tolist() == [1, 0]  # 5/16 of three thirds is the first of them


def test_short_money_that_nobody_draws_on_changes_nothing():
    # eight rows could cost 80; as drawn they cost 2·10 + 2·4, so that 79 never binds
    plan = strategy(allocation=Uniform())
    row_by_row = answered(plan, {}, asked(EVENLY), purse(79))
    assert same(row_by_row, answered(plan, {}, asked(EVENLY), purse(80)))


@given(uniforms, st.integers(0, 50))
def test_row_by_row_gives_the_bytes_of_all_at_once_where_money_suffices(draws, extra):
    worst = 10 * len(draws)
    all_at_once = answered(strategy(), LEARNED, asked(draws), purse(worst + extra))
    enough = spent(all_at_once) + 10  # never less than 10 are left at any row's turn
    row_by_row = answered(strategy(), LEARNED, asked(draws), purse(min(enough, worst)))
    assert same(all_at_once, row_by_row)


@st.composite
def limited(draw):
    """Draws and a purse: each action may draw on one of two budgets and on its row's own minutes."""
    draws = draw(uniforms)
    rows = len(draws)
    budget = draw(st.tuples(*[st.sampled_from([-1, 0, 1])] * 3))
    carrier = draw(st.lists(st.sampled_from([2, 3]), min_size=rows, max_size=rows))
    carried = draw(st.tuples(*[st.booleans()] * 3))
    account = np.full((rows, 4, 2), -1)
    account[:, 1:, 0] = budget
    account[:, 1:, 1] = np.where(carried, np.array(carrier)[:, None], -1)
    cost = np.zeros((4, 2), np.int64)
    cost[1:] = draw(st.tuples(*[st.tuples(st.integers(0, 20), st.integers(0, 20))] * 3))
    left = np.array(draw(st.tuples(*[st.integers(-5, 80)] * 4)), np.int64)
    return draws, Purse(account, cost, left)


def taken(money, row, action):
    """What a pick takes: (account, amount) each."""
    return [
        (account, cost)
        for account, cost in zip(money.account[row, action], money.cost[action], strict=True)
        if account >= 0
    ]


def test_the_reason_that_is_given_is_that_of_its_turn():
    # `a` lacks minutes from the start; the first row also takes the money, and that is the first reason
    account = np.full((2, 4, 2), -1)
    account[:, 1:3, 0] = 0
    account[1, 1, 1] = 1
    money = Purse(account, np.array([[0, 0], [10, 5], [10, 0], [0, 0]]), np.array([10, 0]))
    codes = [[0, 0, 0, 0], [0, 0, 0, Reason.PHASE]]
    decided = decide(strategy(allocation=Uniform()), {}, asked([EVENLY[2]] * 2, codes), money)
    assert decided.picked.tolist() == [1, 0]
    assert decided.refusals[1].tolist() == [0, Reason.BUDGET, Reason.BUDGET, Reason.PHASE]


@given(limited())
def test_no_more_is_ever_spent_than_was_left(case):
    draws, money = case
    decided = decide(strategy(), LEARNED, asked(draws), money)
    spent = np.zeros(4, np.int64)
    for row, action in enumerate(decided.picked):
        for account, amount in taken(money, row, action):
            spent[account] += amount
    assert (spent <= np.maximum(money.left, 0)).all()


@given(limited())
def test_each_probability_is_true_of_what_was_left_at_its_turn(case):
    draws, money = case
    plan = strategy()
    decided = decide(plan, LEARNED, asked(draws), money)
    left = money.left.copy()
    for row, picked in enumerate(decided.picked):
        codes = np.zeros((1, 4), np.uint8)
        for action in range(4):
            for slot in (1, 0):  # the first reason is the one that is given
                account = money.account[row, action, slot]
                if account >= 0 and money.cost[action, slot] > left[account]:
                    codes[0, action] = REASONS[slot]
        scores = Scores("beta", decided.scores.mean[[row]], decided.scores.sd[[row]])
        expected = shares(plan, scores, codes, course(120.0))
        assert decided.probability[row].tobytes() == expected[0].tobytes()
        assert decided.refusals[row].tobytes() == codes[0].tobytes()
        for account, amount in taken(money, row, picked):
            left[account] -= amount


def test_the_minutes_of_one_carrier_are_no_limit_for_the_rows_of_another():
    account = np.full((3, 4, 2), -1)
    account[:, 1, 1] = [0, 0, 1]  # rows 0 and 1 share an adviser who has time for one action `a`
    money = Purse(account, np.array([[0, 0], [0, 5], [0, 0], [0, 0]]), np.array([5, 5]))
    decided = decide(strategy(allocation=Uniform()), {}, asked([EVENLY[2]] * 3), money)
    assert decided.picked.tolist() == [1, 0, 1]
    assert decided.refusals[:, 1].tolist() == [0, Reason.MINUTES, 0]


def test_each_unit_stands_where_it_is_in_its_schedule():
    plan = strategy(allocation=FixedSchedule(order=(2, 0, 3)), floor=0.0)
    decided = answered(plan, LEARNED, asked(EVENLY[:4], made=[0, 1, 2, 3]))
    assert decided.picked.tolist() == [2, 0, 3, 2]


def test_a_unit_keeps_its_place_in_the_course_when_rows_take_turns():
    # `a` costs all there is: whoever takes it makes it unavailable for the rows behind, which then wait
    money = Purse(*purse(10, costs=(0, 10, 0, 0))(4))
    plan = strategy(allocation=RoundRobin(), floor=0.0)
    decided = decide(plan, LEARNED, asked(EVENLY[:4], made=[1, 2, 0, 4]), money)
    # 1 of (none, a, b, c) is a; then of (none, b, c) 2, 0 and 4 mod 3 = 1
    assert decided.picked.tolist() == [1, 3, 0, 2]


def test_a_units_first_decisions_are_drawn_evenly_and_later_ones_by_the_rule():
    plan = strategy(allocation=Thompson(), warm_up=2, floor=0.0)
    decided = answered(plan, LEARNED, asked([0] * 4, made=[0, 1, 2, 3]))
    even = [ONE // 4] * 4
    assert (decided.probability == even).all(axis=1).tolist() == [True, True, False, False]


def test_an_even_draw_is_over_what_is_available():
    plan = strategy(warm_up=1)
    decided = answered(plan, LEARNED, asked([0], refusals=[[0, 5, 0, 0]]))
    assert decided.probability[0].tolist() == pytest.approx([ONE / 3, 0, ONE / 3, ONE / 3], abs=1)


def test_a_broken_belief_leaves_even_the_first_decisions_to_the_fallback():
    plan = strategy(warm_up=1, fallback=Fallback("usual", ("b",)))
    decided = answered(plan, BROKEN, asked([0]))
    assert (decided.picked[0], decided.fallback[0]) == (2, "belief_unusable")


@pytest.mark.parametrize(("good", "share"), [(500.0, 0.75), (0.0, 0.1)])
def test_bounds_hold_the_one_action_between_them(good, share):
    # none succeeds half of the time, a always or never: Thompson is sure
    nodes = {ROOT: np.array([250.0, good, 250.0, 500.0 - good])}
    plan = strategy(actions=("a",), floor=None, bounds=(0.1, 0.75), allocation=Thompson())
    codes = np.zeros((1, 2), np.uint8)
    points = Points(np.ones((1, 1)), ("g",), ("m",), course(120.0))
    decided = decide(plan, nodes, Asked(points, codes, (0,), (False,)), unlimited(1, 2))
    assert decided.probability[0, 1] / ONE == pytest.approx(share, abs=1e-9)


def test_deciding_leaves_the_question_as_it_was():
    question, money = asked(EVENLY), purse(12)(8)
    decide(strategy(), {}, question, money)
    assert not question.refusals.any()
    assert money.left.tolist() == [12]


def test_nobody_asked_is_nobody_answered():
    nobody = Points(np.ones((0, 1)), (), (), course())
    decided = answered(strategy(), {}, Asked(nobody, np.zeros((0, 4), np.uint8), (), ()), purse(5))
    assert decided.picked.shape == (0,)


USUAL = Fallback("usual", ("b", "c"))


def test_who_declines_chance_gets_the_first_available_of_the_fallback():
    decided = answered(strategy(fallback=USUAL), LEARNED, asked([0, 0], fixed=[True, False]))
    assert decided.fallback == ("chance_declined", None)
    assert decided.picked[0] == 2
    assert decided.probability[0].tolist() == [0, 0, ONE, 0]
    assert decided.probability[1].max() < ONE


def test_the_belief_is_kept_as_evidence_where_chance_was_declined():
    decided = answered(strategy(fallback=USUAL), LEARNED, asked([0], fixed=[True]))
    assert decided.scores.mean[0] == pytest.approx([4 / 12, 10 / 12, 3 / 12, 7 / 12])


@pytest.mark.parametrize(
    ("codes", "choice"),
    [((0, 0, 0, 0), 2), ((0, 0, 6, 0), 3), ((0, 0, 6, 6), 0)],
)
def test_the_fallback_takes_its_first_available_action_else_none(codes, choice):
    assert fixed_choice(strategy(fallback=USUAL), np.array(codes, np.uint8)) == choice


def test_an_unusable_belief_leaves_the_choice_to_the_fallback():
    decided = answered(strategy(fallback=USUAL), BROKEN, asked([0, 2**53 - 1]))
    assert decided.fallback == ("belief_unusable",) * 2
    assert decided.picked.tolist() == [2, 2]
    assert decided.probability.tolist() == [[0, 0, ONE, 0]] * 2
    assert not decided.scores.mean.any()


def test_numbers_that_overflow_leave_the_choice_to_the_fallback():
    node = {ROOT: np.full(4 * ((1 + 1) ** 2 + 1), 1e308)}
    decided = answered(strategy(posterior=LinearGaussian(), fallback=USUAL), node, asked([0]))
    assert decided.fallback == ("belief_unusable",)


def test_the_fallback_too_spends_no_more_than_is_left():
    plan = strategy(fallback=Fallback("tokens", ("a", "b")))
    decided = answered(plan, BROKEN, asked([0] * 4), purse(15))
    assert decided.picked.tolist() == [1, 2, 0, 0]  # 10, then 4, then 1 is left


def test_twenty_thousand_keyed_draws_agree_with_the_stored_probabilities():
    draws = [uniform(b"s" * 32, "program", "s", f"member:{unit}", "2026-03") for unit in range(20_000)]
    decided = answered(strategy(), LEARNED, asked(draws))
    share = decided.probability[0] / ONE
    assert (decided.probability == decided.probability[0]).all()
    expected = 20_000 * share
    distance = ((np.bincount(decided.picked, minlength=4) - expected) ** 2 / expected).sum()
    assert distance < chdtri(3, 0.001)  # χ² with 4 − 1 degrees of freedom, once in a thousand keys


ARMED = {
    "control": Control(0.2, FixedOrder(("b", "a"))),
    "shadow": Shadow(date(2026, 6, 30), EvenChance(), Rule()),
    "fallback": Fallback("usual", ("c",)),
}
ARMS = ("learning", "control", "shadow")


def armed(nodes=LEARNED, *, fixed=None, refusals=None):
    """One row in each arm, the draw the same."""
    question = asked([2**52] * 3, refusals, fixed)._replace(arms=ARMS)
    return answered(strategy(**ARMED), nodes, question)


def test_each_row_is_decided_by_its_own_arm():
    decided = armed()
    alone = answered(strategy(), LEARNED, asked([2**52]))
    assert decided.probability[0].tolist() == alone.probability[0].tolist()
    assert decided.probability[1].tolist() == [0, 0, ONE, 0]
    assert decided.probability[2].tolist() == [ONE // 4] * 4
    assert decided.picked.tolist() == [alone.picked[0], 2, 2]


def test_a_baseline_knows_what_is_refused():
    decided = armed(refusals=[[0, 0, Reason.PHASE, 0]] * 3)
    assert decided.probability[1].tolist() == [0, ONE, 0, 0]
    assert decided.probability[2, 2] == 0


def test_what_the_belief_would_have_done_stands_beside_a_shadow_only():
    decided = armed()
    assert decided.beside[2].tolist() == decided.probability[0].tolist()
    assert not decided.beside[:2].any()


def test_a_control_group_has_no_scores():
    decided = armed()
    assert not decided.scores.mean[1].any()
    assert not decided.scores.sd[1].any()
    assert decided.scores.mean[2].tolist() == decided.scores.mean[0].tolist()


def test_a_baseline_needs_no_belief():
    decided = armed(BROKEN)
    assert decided.fallback == ("belief_unusable", None, None)
    assert decided.probability[1:].tolist() == armed().probability[1:].tolist()
    assert not decided.beside.any()


def test_whoever_declines_chance_gets_the_fixed_order_in_every_arm():
    decided = armed(fixed=[True] * 3)
    assert decided.fallback == ("chance_declined",) * 3
    assert decided.picked.tolist() == [3, 3, 3]
    assert not decided.beside.any()
