"""What the reports of one goal say of it together. Times are small numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.signals.chains import Goal, Link, goals

FOOD, MEDICINE = 2, 4


def link(kind, moment, value=1, chain="walk", name=None):
    return Link(kind, value, moment, moment, chain, "app", name or f"{kind}/{moment}")


def only(*links):
    """The one goal that these reports are about."""
    (goal,) = goals(links)
    return goal


def test_a_goal_that_was_set_is_open():
    assert only(link("goal_set", 5, MEDICINE)) == Goal("walk", "medicine", 5, None, None)


@pytest.mark.parametrize(
    ("kind", "value", "ending"),
    [
        ("goal_met", 1, "met"),
        ("goal_met", 0, "missed"),
        ("goal_partly_met", 1, "partly"),
        ("goal_not_followed_up", 1, "not_followed_up"),
        ("goal_dropped", 1, "dropped"),
    ],
)
def test_each_report_of_an_end_ends_it_in_its_own_way(kind, value, ending):
    assert only(link("goal_set", 5, FOOD), link(kind, 9, value)) == Goal("walk", "food", 5, ending, 9)


def test_a_goal_that_was_not_followed_up_ends_otherwise_once_somebody_asks():
    reports = [link("goal_set", 1), link("goal_not_followed_up", 2), link("goal_met", 3)]
    assert only(*reports).ending == "met"


def test_a_goal_set_anew_is_open_again():
    assert only(link("goal_set", 1), link("goal_met", 2), link("goal_set", 3, FOOD)) == Goal(
        "walk", "food", 3, None, None
    )


def test_set_and_met_at_one_moment_it_is_met():
    assert only(link("goal_met", 5), link("goal_set", 5)).ending == "met"


def test_an_end_may_be_heard_of_before_the_start():
    assert only(link("goal_met", 5)) == Goal("walk", None, None, "met", 5)


def test_goals_without_a_chain_are_none_in_particular():
    assert goals([link("goal_set", 1, chain=None), link("goal_met", 2, chain=None)]) == ()


def test_other_kinds_do_not_make_a_goal():
    assert goals([link("topic_agreed", 1), link("red_flag", 2)]) == ()


def test_two_goals_of_one_day_end_apart():
    found = goals(
        [link("goal_set", 1, chain="a"), link("goal_set", 1, chain="b"), link("goal_met", 2, chain="b")]
    )
    assert [(goal.chain, goal.ending) for goal in found] == [("a", None), ("b", "met")]


reports = st.lists(
    st.builds(
        link,
        st.sampled_from(["goal_set", "goal_met", "goal_partly_met", "goal_not_followed_up", "goal_dropped"]),
        st.integers(0, 4),
        st.just(1),
        st.sampled_from(["a", "b", None]),
    ),
    max_size=8,
    unique_by=lambda one: one.id,
)


@given(reports.flatmap(lambda seen: st.tuples(st.just(seen), st.permutations(seen))))
def test_the_order_of_arrival_is_nothing(orders):
    one, other = orders
    assert goals(one) == goals(other)


@given(reports)
def test_there_is_a_goal_for_each_chain_and_no_other(seen):
    assert {goal.chain for goal in goals(seen)} == {one.chain for one in seen} - {None}


def test_an_ending_without_a_chain_is_of_every_goal_that_waits():
    reports = [link("goal_set", 1, chain="a"), link("goal_set", 2, chain="b")]
    found = goals([*reports, link("goal_met", 5, chain=None)])
    assert [(goal.chain, goal.ending, goal.ended_at_ms) for goal in found] == [
        ("a", "met", 5),
        ("b", "met", 5),
    ]


def test_it_is_of_none_that_had_ended_or_was_set_with_it():
    reports = [
        link("goal_set", 1, chain="a"), link("goal_met", 3, 0, chain="a"), link("goal_set", 5, chain="b"),
    ]  # fmt: skip
    found = goals([*reports, link("goal_met", 5, chain=None)])
    assert [(goal.chain, goal.ending, goal.ended_at_ms) for goal in found] == [
        ("a", "missed", 3), ("b", None, None),
    ]  # fmt: skip


def test_a_goal_not_followed_up_still_waits():
    reports = [
        link("goal_set", 1),
        link("goal_not_followed_up", 2, chain=None),
        link("goal_met", 3, chain=None),
    ]
    assert only(*reports).ending == "met"
    assert only(*reports[:2]).to_follow_up
    assert not only(*reports).to_follow_up
