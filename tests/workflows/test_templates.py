"""The templates that come with the service have something people can use, for everyone who needs it."""

from datetime import date
from typing import get_args

import pytest

from engagement.actions.action import READER_OF, Action, Barrier
from engagement.actions.catalogue import AnyAction
from engagement.actions.content import MOST_PARTS, Values, filled
from engagement.actions.incentive import Incentive
from engagement.simulation.effects import TEMPLATE_EFFECTS
from engagement.workflows.program import DEFAULT_TEMPLATE, template, template_names

PLANS = {name: template(name) for name in template_names()}
PEER_GROUPS = PLANS[DEFAULT_TEMPLATE]
COMMUNITY = PLANS["virtual-community"]
LANGUAGES = ("en", "hi", "te")
ACTIONS = [(name, action) for name, plan in PLANS.items() for action in plan.actions]

SCRIPT = {"en": range(0x80), "hi": range(0x900, 0x980), "te": range(0xC00, 0xC80)}
"""The letters of a language: plain Latin, Devanagari, Telugu."""

each_plan = pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
each_action = pytest.mark.parametrize(
    "action", [action for _, action in ACTIONS], ids=[f"{name}-{action.id}" for name, action in ACTIONS]
)
each_language = pytest.mark.parametrize("language", LANGUAGES)


def kind(action: Action) -> str:
    return str(action.__struct_config__.tag)


@each_language
@each_action
def test_whoever_carries_an_action_out_can_read_it_in_each_language(action, language):
    reader = READER_OF[action.carrier]
    assert [row for row in action.content if (row.language, row.audience) == (language, reader)]


@each_action
def test_every_wording_would_fit_into_an_sms_however_it_is_sent(action):
    assert max(row.parts for row in action.content) <= MOST_PARTS


@each_action
def test_every_wording_is_in_the_script_of_its_language(action):
    for row in action.content:
        said = filled(row.text, Values(seat=1, date=date(2026, 3, 9), goal="1", question="1"))
        assert [mark for mark in said if mark.isalpha() and ord(mark) not in SCRIPT[row.language]] == []


@each_action
def test_no_wording_claims_to_be_reviewed(action):
    assert {row.status for row in action.content} == {"draft"}


@each_plan
def test_every_barrier_is_spoken_to(plan):
    assert {action.barrier for action in plan.actions} == set(get_args(Barrier))


@each_plan
def test_every_kind_of_action_is_there(plan):
    kinds = {str(one.__struct_config__.tag) for one in get_args(AnyAction)}
    assert {kind(action) for action in plan.actions} == kinds


@each_plan
def test_every_payer_has_a_budget_or_is_nobody(plan):
    budgets = {budget.id for budget in plan.budgets}
    assert {action.payer for action in plan.actions} <= {*budgets, "nobody"}


@each_plan
def test_every_budget_pays_for_something(plan):
    assert {budget.id for budget in plan.budgets} <= {action.payer for action in plan.actions}


@each_plan
def test_every_action_is_chosen_by_some_strategy(plan):
    offered = {action for strategy in plan.strategies for action in strategy.actions}
    assert {action.id for action in plan.actions} == offered


@each_plan
def test_nothing_given_waits_for_nobody(plan):
    assert all(action.needs_accept for action in plan.actions if kind(action) != "nudge")


@pytest.mark.parametrize(("kind_of", "count"), [("nudge", 12), ("incentive", 9), ("chw_linkage", 8)])
def test_the_peer_groups_have_as_many_of_each_kind_as_the_template_says(kind_of, count):
    # 12 nudges; 6 sorts of incentive with two twins and a taper; 7 sorts of link with a twin
    assert sum(kind(action) == kind_of for action in PEER_GROUPS.actions) == count


def test_the_peer_groups_have_strategies_for_every_level():
    assert {strategy.level for strategy in PEER_GROUPS.strategies} == {"member", "adviser", "group"}


@each_plan
def test_both_framings_compete_in_one_strategy(plan):
    assert any({"win_story", "risk_fact"} <= set(strategy.actions) for strategy in plan.strategies)


def test_neighbours_meet_the_same_incentives_but_for_the_two_declared():
    individual = {one.id for one in PEER_GROUPS.actions if isinstance(one, Incentive) and one.individual}
    assert individual == {"recognition", "transport_token"}


def test_what_pays_a_group_or_an_adviser_for_coming_has_to_be_earned():
    earned = {one.id for one in PEER_GROUPS.actions if isinstance(one, Incentive) and one.earned_by}
    assert earned == {
        *("group_certificates", "group_transport", "small_prize"),
        *("adviser_stipend", "adviser_stipend_taper"),
    }


def test_the_stipend_tapers_before_it_ends():
    actions = {action.id: action for action in PEER_GROUPS.actions}
    full, half = actions["adviser_stipend"], actions["adviser_stipend_taper"]
    assert (full.phases, half.phases) == (("running",), ("handover",))
    assert half.cost_minor * 2 == full.cost_minor


def test_whatever_reaches_the_family_needs_consent_to_that():
    reaching = {action.id for action in PEER_GROUPS.actions if action.contacts_family}
    assert reaching == {"family_invitation"}


def test_the_simulated_world_understands_every_action_of_the_peer_groups():
    known = {effect.action: effect.kind for effect in TEMPLATE_EFFECTS[1:]}
    assert known == {action.id: kind(action) for action in PEER_GROUPS.actions}


def test_the_simulated_world_speaks_to_the_barriers_that_the_template_names():
    named = {action.id: action.barrier for action in PEER_GROUPS.actions}
    other = [one.action for one in TEMPLATE_EFFECTS if one.barrier not in (None, named.get(one.action))]
    assert other == []


def test_the_community_is_one_virtual_group():
    assert [(group.id, group.type) for group in COMMUNITY.groups] == [("community", "virtual")]


def test_nothing_in_the_community_costs_money_or_is_given_to_one_member():
    assert COMMUNITY.budgets == ()
    assert {action.cost_minor for action in COMMUNITY.actions} == {0}
    assert not [one for one in COMMUNITY.actions if isinstance(one, Incentive) and one.level == "member"]


def test_the_community_is_asked_every_week():
    assert {strategy.cadence for strategy in COMMUNITY.strategies} == {"week"}
