"""What a strategy may say, and which changes keep what it has learned true."""

import msgspec
import pytest

from engagement.bandits.allocations.uniform import Uniform
from engagement.bandits.expected import Expected
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.restless.plan import Rule
from engagement.strategy.planning import Planning
from engagement.strategy.strategy import Fallback, Outcome, Strategy

PLAIN = Strategy(id="s", title="S", actions=("a", "b"))


def read(**fields):
    """A strategy as a caller sends it."""
    return msgspec.convert({"id": "s", "title": "S", "actions": ["a", "b"]} | fields, Strategy)


def test_what_is_left_out_has_its_default():
    assert read() == PLAIN


def test_a_strategy_written_as_json_reads_as_itself():
    strategy = msgspec.structs.replace(
        PLAIN, posterior=BetaBernoulli(2.0, 3.0), allocation=Uniform(), fallback=Fallback("usual", ("b",))
    )
    assert msgspec.json.decode(msgspec.json.encode(strategy), type=Strategy) == strategy


@pytest.mark.parametrize(
    "fields",
    [
        {"actions": []},
        {"actions": ["a", "a"]},
        {"actions": [f"a{number}" for number in range(32)]},
        {"features": ["mood"]},
        {"features": ["attendance", "attendance"]},
        {"fallback": {"actions": ["c"]}},
        {"fallback": {"name": ""}},
        {"floor": -0.01},
        {"floor": 0.51},
        {"bounds": [0.8, 0.2], "actions": ["a"]},
        {"bounds": [0.2, 1.1], "actions": ["a"]},
        {"bounds": [0.2], "actions": ["a"]},
        {"warm_up": -1},
        {"warm_up": 1.5},
        {"outcome": {"kind": "applause"}},
        {"outcome": {"window_days": 0}},
        {"outcome": {"window_days": 371}},
        {"posterior": {"kind": "crystal_ball"}},
        {"posterior": {"kind": "beta_bernoulli", "prior_successes": 0}},
        {"posterior": {"kind": "beta_bernoulli", "expected": [{"action": "c", "mean": 0.6, "worth": 20}]}},
        {"posterior": {"kind": "gaussian", "half_life_weeks": 0.5}},
        {"allocation": {"kind": "guess"}},
        {"cadence": "year"},
        {"budget": 5},
    ],
    ids=str,
)
def test_what_no_strategy_can_be_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        read(**fields)


def test_what_is_expected_of_some_actions_by_name_is_placed_among_all():
    said = [{"action": "b", "mean": 0.6, "worth": 20}, {"action": "none", "mean": 0.5, "worth": 8}]
    strategy = read(posterior={"kind": "beta_bernoulli", "expected": said})
    assert strategy.posterior.expected == (Expected("none", 0.5, 8), Expected("a"), Expected("b", 0.6, 20))


def test_an_expectation_of_no_action_of_the_strategy_is_named():
    said = [{"action": "c", "mean": 0.6, "worth": 20}]
    with pytest.raises(msgspec.ValidationError, match="expected of `c`"):
        read(posterior={"kind": "beta_bernoulli", "expected": said})


def test_a_fallback_outside_the_actions_is_named():
    with pytest.raises(msgspec.ValidationError, match="names `c`"):
        read(fallback={"actions": ["d", "a", "c"]})


def test_a_floor_and_bounds_together_are_refused():
    with pytest.raises(msgspec.ValidationError, match="`floor` or `bounds`, not both"):
        read(actions=["a"], floor=0.02, bounds=[0.2, 0.8])


def test_bounds_of_several_actions_are_refused():
    with pytest.raises(msgspec.ValidationError, match="for 2 give a `floor`"):
        read(bounds=[0.2, 0.8])


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(msgspec.ValidationError, match="in this order"):
        read(actions=["a"], bounds=[0.8, 0.2])


@pytest.mark.parametrize(
    ("fields", "least"),
    [
        ({}, [0.02] * 3),
        ({"floor": 0.1}, [0.1] * 3),
        ({"floor": 0}, [0] * 3),
        ({"actions": ["a"], "bounds": [0.1, 0.75]}, [0.25, 0.1]),
        ({"actions": ["a"], "bounds": [0.5, 0.5]}, [0.5, 0.5]),
    ],
    ids=str,
)
def test_what_every_action_keeps_at_least(fields, least):
    assert read(**fields).least == pytest.approx(least)


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, False),
        ({"warm_up": 1}, True),
        ({"allocation": {"kind": "round_robin"}}, True),
        ({"allocation": {"kind": "fixed_schedule"}}, True),
        ({"allocation": {"kind": "ucb"}}, False),
    ],
    ids=str,
)
def test_decisions_are_counted_where_their_number_matters(fields, counts):
    assert read(**fields).counts is counts


def test_a_schedule_of_actions_that_are_not_there_is_refused_in_words():
    schedule = {"kind": "fixed_schedule", "order": [1, 3]}
    with pytest.raises(msgspec.ValidationError, match="names action 3, and the last one has the number 2"):
        read(allocation=schedule)
    assert read(actions=["a", "b", "c"], allocation=schedule)


def test_a_belief_sees_the_intercept_first():
    assert read(features=["attendance", "context.rain"]).columns == (
        "intercept",
        "attendance",
        "context.rain",
    )


PLANS = Strategy(id="p", title="P", level="group", actions=("a",), cadence="week", plan=Planning())


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"allocation": Uniform()},
        {"cadence": "week"},
        {"floor": 0.1},
        {"floor": None},
        {"warm_up": 3},
        {"fallback": Fallback("usual", ("a",))},
        {"paused": True},
    ],
    ids=str,
)
def test_what_was_learned_stays_true_when_only_the_choosing_changes(change):
    assert msgspec.structs.replace(PLAIN, **change).learns_like(PLAIN)


@pytest.mark.parametrize(
    "change",
    [
        {"level": "group"},
        {"actions": ("b", "a")},
        {"posterior": BetaBernoulli()},
        {"features": ("attendance",)},
        {"outcome": Outcome(window_days=7)},
    ],
    ids=str,
)
def test_what_was_learned_is_not_true_of_another_question(change):
    assert not msgspec.structs.replace(PLAIN, **change).learns_like(PLAIN)


def test_a_strategy_that_plans_is_another_question_than_one_that_does_not():
    assert not PLANS.learns_like(msgspec.structs.replace(PLANS, plan=None))


def test_how_a_plan_is_made_may_change():
    other = msgspec.structs.replace(PLANS, plan=Planning(longest_wait_weeks=6))
    assert other.learns_like(PLANS)


@pytest.mark.parametrize("part", ["control", "shadow"])
def test_a_plan_has_no_control_groups_and_no_shadow(part):
    baseline = {"kind": "even_chance"}
    rest = {"control": {"share": 0.2}, "shadow": {"until": "2026-06-30", "rule": {}}}[part]
    text = msgspec.to_builtins(PLANS) | {part: {"baseline": baseline, **rest}}
    with pytest.raises(msgspec.ValidationError, match="no control groups and no shadow"):
        msgspec.convert(text, Strategy)


@pytest.mark.parametrize(
    "change", [{"level": "adviser"}, {"cadence": "month"}, {"actions": ("a", "b")}], ids=str
)
def test_a_plan_is_for_one_action_for_groups_or_members_by_the_week(change):
    with pytest.raises(ValueError, match="one action, for groups or for members, by the week"):
        Strategy(**{**msgspec.structs.asdict(PLANS), **change})


def test_a_plan_sees_no_features():
    assert PLANS.columns == ()


@pytest.mark.parametrize("reward", [(0.0, 1.0), (0.0, 0.5, 0.4, 1.0)], ids=str)
def test_a_plan_has_a_reward_for_each_state_and_none_that_falls(reward):
    with pytest.raises(ValueError, match="4 rewards that do not fall"):
        Planning(rule=Rule(reward=reward))


def test_each_field_of_a_strategy_is_known_to_matter_or_not_for_learning():
    assert set(Strategy.__struct_fields__) == {
        *("level", "actions", "posterior", "features", "outcome", "plan"),
        *("id", "title", "allocation", "cadence", "floor", "floors", "bounds", "warm_up", "prices"),
        *("fallback", "paused", "control", "shadow"),
    }
