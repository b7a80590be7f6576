"""What a strategy may say, and which changes keep what it has learned true."""

import msgspec
import pytest

from engagement.bandits.allocations.uniform import Uniform
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
        {"outcome": {"kind": "applause"}},
        {"outcome": {"window_days": 0}},
        {"outcome": {"window_days": 371}},
        {"posterior": {"kind": "crystal_ball"}},
        {"posterior": {"kind": "beta_bernoulli", "prior_successes": 0}},
        {"allocation": {"kind": "guess"}},
        {"cadence": "year"},
        {"budget": 5},
    ],
    ids=str,
)
def test_what_no_strategy_can_be_is_refused(fields):
    with pytest.raises(msgspec.ValidationError):
        read(**fields)


def test_a_fallback_outside_the_actions_is_named():
    with pytest.raises(msgspec.ValidationError, match="names `c`"):
        read(fallback={"actions": ["d", "a", "c"]})


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


@pytest.mark.parametrize(
    "change", [{"level": "member"}, {"cadence": "month"}, {"actions": ("a", "b")}], ids=str
)
def test_a_plan_is_for_one_action_for_groups_by_the_week(change):
    with pytest.raises(ValueError, match="one action, for groups, by the week"):
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
        *("id", "title", "allocation", "cadence", "floor", "fallback", "paused"),
    }
