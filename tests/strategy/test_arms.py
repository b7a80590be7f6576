"""Which groups are in control: whole groups, by a draw that is theirs for ever."""

from datetime import date
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import bdtr

from engagement.randomness import group_uniform, uniform
from engagement.strategy.arms import Control, Shadow, in_control
from engagement.strategy.baseline import EvenChance, FixedOrder
from engagement.strategy.promotion import GainWanted, Rule
from engagement.strategy.strategy import Strategy

SECRET = b"s" * 32
GROUPS = [f"g{n}" for n in range(4_000)]
WATCHING = Shadow(date(2026, 6, 30), EvenChance(), Rule())


def members_of(share, *, secret=SECRET, strategy="s"):
    control = Control(share, FixedOrder())
    return {group for group in GROUPS if in_control(control, secret, "p", strategy, group)}


def plan(**fields):
    return Strategy(id="s", title="S", actions=("a", "b"), **fields)


def test_the_share_of_groups_in_control_is_the_one_declared():
    """Binomial: the chance of a count as far out as this, on either side, is above one in ten thousand."""
    count = len(members_of(0.2))
    assert 0.0001 < bdtr(count, len(GROUPS), 0.2) < 0.9999


def test_a_larger_share_keeps_whoever_was_in_a_smaller_one():
    assert members_of(0.1) < members_of(0.2) < members_of(0.5)


@pytest.mark.parametrize("other", [{"strategy": "t"}, {"secret": b"t" * 32}], ids=str)
def test_another_strategy_or_secret_draws_other_groups(other):
    """Two independent halves share a quarter: 1,000 ± 4·√(4000·3/16)."""
    assert len(members_of(0.5) & members_of(0.5, **other)) == pytest.approx(1_000, abs=110)


def test_a_groups_draw_is_that_of_any_other_language():
    """RFC 7693 over each part behind its length in four bytes: the first 53 of 128 bits."""
    keyed = blake2b(b"\0\0\0\1p\0\0\0\1s\0\0\0\2g1", key=SECRET, digest_size=16)
    assert group_uniform(SECRET, "p", "s", "g1") == int(keyed.hexdigest(), 16) >> (128 - 53)


@given(st.text(max_size=8), st.text(max_size=8))
def test_no_decision_point_has_the_draw_of_its_group(group, point):
    assert group_uniform(SECRET, "p", "s", f"group:{group}") != uniform(
        SECRET, "p", "s", f"group:{group}", point
    )


def test_without_control_and_shadow_the_strategy_decides_for_everybody():
    assert {plan().arm(SECRET, "p", group) for group in GROUPS} == {"learning"}


def test_a_control_group_stays_one_in_a_shadow():
    control = Control(0.2, FixedOrder())
    arms = {group: plan(control=control, shadow=WATCHING).arm(SECRET, "p", group) for group in GROUPS}
    assert {group for group in GROUPS if arms[group] == "control"} == members_of(0.2)
    assert set(arms.values()) == {"control", "shadow"}


def test_the_end_of_a_shadow_moves_no_group_into_or_out_of_control():
    control = Control(0.2, FixedOrder())
    for group in GROUPS:
        before = plan(control=control, shadow=WATCHING).arm(SECRET, "p", group)
        after = plan(control=control).arm(SECRET, "p", group)
        assert (before == "control") == (after == "control")


@pytest.mark.parametrize(
    "part",
    [{"control": Control(0.2, FixedOrder(("c",)))}, {"shadow": Shadow(date.max, FixedOrder(("c",)), Rule())}],
    ids=["control", "shadow"],
)
def test_a_baseline_of_other_actions_is_refused(part):
    with pytest.raises(ValueError, match="baseline names `c`"):
        plan(**part)


def test_a_gain_beside_a_fixed_order_is_refused():
    with pytest.raises(ValueError, match="no gain can be measured"):
        Shadow(date.max, FixedOrder(("a",)), Rule(gain=GainWanted()))


def test_each_arm_has_its_own_baseline():
    both = plan(control=Control(0.2, FixedOrder(("a",))), shadow=WATCHING)
    assert [both.baseline(arm) for arm in ("learning", "control", "shadow")] == [
        None,
        FixedOrder(("a",)),
        EvenChance(),
    ]
