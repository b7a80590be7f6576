"""A stored decision made again: equal when untouched, different when anything was changed."""

from datetime import date

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.actions.availability import Reason
from engagement.bandits.allocations.fixed_schedule import FixedSchedule
from engagement.bandits.allocations.round_robin import RoundRobin
from engagement.bandits.allocations.thompson import Thompson
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.records import ROOT, Evidence, Points, Scores
from engagement.strategy.arms import Control, Shadow
from engagement.strategy.baseline import EvenChance
from engagement.strategy.decide import Asked, decide
from engagement.strategy.promotion import Rule
from engagement.strategy.purse import Purse
from engagement.strategy.replay import Replayed, features, member, propensities, refused, replay, scored
from engagement.strategy.strategy import Fallback, Strategy
from support.courses import course

PLAN = Strategy(
    id="s",
    title="S",
    actions=("a", "b"),
    posterior=BetaBernoulli(),
    allocation=Thompson(),
    fallback=Fallback("usual", ("b",)),
    control=Control(0.2, EvenChance()),
    shadow=Shadow(date(2026, 6, 30), EvenChance(), Rule()),
)
NODES = {ROOT: np.array([3.0, 9, 2, 7, 1, 8])}
MIDDLE = 2**52


def decided(
    draw=MIDDLE, *, nodes=NODES, fixed=False, codes=(0, 0, 0), left=100, made=0, plan=PLAN, arm="learning"
):
    """A decision as it is stored: evidence, action, fallback."""
    points = Points(np.ones((1, 1)), ("g",), ("m",), course(120.0, made=made))
    question = Asked(points, np.array([codes], np.uint8), (draw,), (fixed,), arms=(arm,))
    account, cost = np.array([[[-1, -1], [0, -1], [-1, -1]]]), np.array([[0, 0], [10, 0], [0, 0]])
    answer = decide(plan, nodes, question, Purse(account, cost, np.array([left])))
    names = ("none", *PLAN.actions)
    evidence = Evidence(
        actions=names,
        features=points.features[0].tobytes(),
        refusals=answer.refusals[0].tobytes(),
        family=answer.scores.family,
        mean=answer.scores.mean[0].tobytes(),
        sd=answer.scores.sd[0].tobytes(),
        probability=answer.probability[0].tobytes(),
        uniform=draw,
        remaining=120.0,
        made=made,
        beside=answer.beside[0].tobytes() if answer.beside.any() else b"",
        freedom=b"" if answer.scores.freedom is None else answer.scores.freedom[0].tobytes(),
    )
    return evidence, names[int(answer.picked[0])], answer.fallback[0]


def test_the_floor_in_the_evidence_is_the_one_that_held():
    plan = msgspec.structs.replace(PLAN, floor=0.3)
    evidence, chosen, fallback = decided()
    kept = msgspec.structs.replace(evidence, floor=PLAN.least[0])
    assert replay(plan, kept, chosen, fallback).probability_gap == 0
    assert replay(plan, evidence, chosen, fallback).probability_gap > 0


def decided_with_unknown_noise():
    """The same of a belief whose scores are Student's t: results of 0, 1 and 2 and their squares."""
    strategy = msgspec.structs.replace(PLAN, posterior=GaussianUnknownNoise())
    nodes = {ROOT: np.array([3.0, 9, 2, 1, 6, 1, 1, 5, 1])}
    evidence, action, fallback = decided(nodes=nodes, plan=strategy)
    return strategy, evidence, action, fallback


def changed(evidence, name, place, value):
    """The evidence with one number of one array replaced."""
    array = np.frombuffer(
        getattr(evidence, name), {"probability": np.uint64, "beside": np.uint64}.get(name, np.float64)
    ).copy()
    array[place] = value
    return msgspec.structs.replace(evidence, **{name: array.tobytes()})


@given(
    st.integers(0, 2**53 - 1),
    st.sampled_from([NODES, {}, {ROOT: np.zeros(1)}]),
    st.booleans(),
    st.tuples(st.just(0), st.sampled_from([0, 5]), st.sampled_from([0, 2])),
    st.sampled_from([0, 100]),
    st.sampled_from(["learning", "control", "shadow"]),
)
def test_an_untouched_decision_replays_exactly(draw, nodes, fixed, codes, left, arm):
    evidence, action, fallback = decided(draw, nodes=nodes, fixed=fixed, codes=codes, left=left, arm=arm)
    replayed = replay(PLAN, evidence, action, fallback, arm=arm)
    assert replayed == Replayed(action, pick_agrees=True, probability_gap=0, score_gap=None)
    assert replayed.agrees


def test_a_decision_from_students_scores_replays_exactly():
    strategy, evidence, action, fallback = decided_with_unknown_noise()
    again = scored(evidence)
    assert replay(strategy, evidence, action, fallback, again) == Replayed(action, True, 0, 0.0)


def test_other_degrees_of_freedom_than_the_stored_ones_are_detected_in_the_probabilities():
    strategy, evidence, action, fallback = decided_with_unknown_noise()
    assert not replay(strategy, changed(evidence, "freedom", 1, 3.0), action, fallback).agrees


def test_other_degrees_of_freedom_are_detected_among_the_scores():
    strategy, evidence, action, fallback = decided_with_unknown_noise()
    again = scored(evidence)
    other = again._replace(freedom=again.freedom + 1)
    # largest relative difference: 1 of 6 + 2 results
    gap = replay(strategy, evidence, action, fallback, other).score_gap
    assert gap == pytest.approx(1 / 8)


def test_another_action_than_the_drawn_one_is_detected():
    evidence, action, fallback = decided()
    other = next(name for name in evidence.actions if name != action)
    replayed = replay(PLAN, evidence, other, fallback)
    assert (replayed.action, replayed.pick_agrees, replayed.agrees) == (action, False, False)


def test_another_draw_is_detected_where_it_would_pick_differently():
    evidence, action, fallback = decided(draw=0)
    assert action == "none"
    tampered = msgspec.structs.replace(evidence, uniform=2**53 - 1)
    assert not replay(PLAN, tampered, action, fallback).pick_agrees


def test_probabilities_moved_from_one_action_to_another_are_detected():
    evidence, action, fallback = decided()
    stored = propensities(evidence)[0]
    tampered = changed(changed(evidence, "probability", 0, stored[0] - 5), "probability", 1, stored[1] + 5)
    replayed = replay(PLAN, tampered, action, fallback)
    assert replayed.probability_gap == 5
    assert not replayed.agrees


@pytest.mark.parametrize(("moved", "agrees"), [(1, True), (2, False)])
def test_one_unit_may_differ_between_libraries_and_no_more(moved, agrees):
    evidence, action, fallback = decided()
    stored = propensities(evidence)[0]
    other = changed(
        changed(evidence, "probability", 0, stored[0] - moved), "probability", 1, stored[1] + moved
    )
    assert replay(PLAN, other, action, fallback).agrees == agrees


def test_probabilities_that_no_longer_sum_to_one_are_detected():
    evidence, action, fallback = decided()
    tampered = changed(evidence, "probability", 1, propensities(evidence)[0, 1] + 1_000)
    replayed = replay(PLAN, tampered, action, fallback)
    assert not replayed.pick_agrees
    assert not replayed.agrees


@pytest.mark.parametrize("name", ["mean", "sd"])
@pytest.mark.parametrize("value", [0.2, float("nan"), -1.0])
def test_another_score_is_detected(name, value):
    evidence, action, fallback = decided()
    assert not replay(PLAN, changed(evidence, name, 1, value), action, fallback).agrees


def test_a_refusal_that_was_added_is_detected():
    evidence, action, fallback = decided()
    tampered = msgspec.structs.replace(evidence, refusals=bytes([0, Reason.PHASE, 0]))
    assert not replay(PLAN, tampered, action, fallback).agrees


COURSED = [
    msgspec.structs.replace(PLAN, warm_up=3),
    msgspec.structs.replace(PLAN, allocation=RoundRobin()),
    msgspec.structs.replace(PLAN, allocation=FixedSchedule(order=(1, 1, 0, 2))),
]


@pytest.mark.parametrize("plan", COURSED, ids=["warm-up", "round robin", "schedule"])
@pytest.mark.parametrize("made", [0, 2, 3, 7])
def test_a_decision_replays_from_the_number_of_those_before_it(plan, made):
    evidence, action, fallback = decided(plan=plan, made=made)
    assert replay(plan, evidence, action, fallback).agrees


@pytest.mark.parametrize("plan", COURSED, ids=["warm-up", "round robin", "schedule"])
def test_another_number_of_decisions_before_is_detected(plan):
    evidence, action, fallback = decided(plan=plan, made=2)
    assert not replay(plan, msgspec.structs.replace(evidence, made=3), action, fallback).agrees


def test_a_fallback_that_did_not_decide_is_detected():
    evidence, action, _ = decided()
    assert not replay(PLAN, evidence, action, "chance_declined").agrees


def test_a_chance_that_was_not_given_is_detected():
    evidence, action, fallback = decided(fixed=True)
    assert fallback == "chance_declined"
    assert not replay(PLAN, evidence, action, None).agrees


def test_the_same_belief_folded_again_agrees():
    evidence, action, fallback = decided()
    replayed = replay(PLAN, evidence, action, fallback, scored(evidence))
    assert replayed.score_gap == 0.0
    assert replayed.agrees


@pytest.mark.parametrize(("off", "agrees"), [(1e-10, True), (1e-8, False), (float("nan"), False)])
@pytest.mark.parametrize("part", ["mean", "sd"])
def test_a_belief_folded_again_may_differ_by_a_billionth(part, off, agrees):
    evidence, action, fallback = decided()
    before = scored(evidence)
    again = before._replace(**{part: getattr(before, part) + off})
    assert replay(PLAN, evidence, action, fallback, again).agrees == agrees


def test_large_scores_are_compared_relative_to_their_size():
    evidence, _, _ = decided()
    large = msgspec.structs.replace(evidence, mean=np.array([1e6, 0, 0]).tobytes(), family="normal")
    again = Scores("normal", np.array([[1e6 + 1, 0, 0]]), scored(evidence).sd)
    assert replay(PLAN, large, "none", None, again).score_gap == pytest.approx(1e-6)


def test_evidence_reads_back_as_the_arrays_it_was_made_of():
    evidence, _, _ = decided(codes=(0, 0, 2))
    assert refused(evidence).tolist() == [[0, 0, 2]]
    assert features(evidence).tolist() == [[1.0]]
    assert scored(evidence).mean[0] == pytest.approx([4 / 12, 10 / 12, 3 / 12])
    assert propensities(evidence).sum() == 2**32


def test_a_group_that_decides_as_a_whole_is_no_member():
    assert [member(kind, "x1") for kind in ("member", "adviser", "group")] == ["x1", "x1", ""]


@pytest.mark.parametrize(("true", "told"), [("learning", "control"), ("shadow", "learning")])
def test_an_arm_that_did_not_decide_is_detected(true, told):
    evidence, action, fallback = decided(arm=true)
    assert not replay(PLAN, evidence, action, fallback, arm=told).agrees


def test_an_arm_that_the_strategy_does_not_have_is_detected():
    evidence, action, fallback = decided(arm="control")
    without = msgspec.structs.replace(PLAN, control=None)
    assert not replay(without, evidence, action, fallback, arm="control").agrees


def test_what_is_said_to_stand_beside_a_shadow_is_compared_too():
    evidence, action, fallback = decided(arm="shadow")
    stored = np.frombuffer(evidence.beside, np.uint64)
    tampered = changed(changed(evidence, "beside", 0, stored[0] - 7), "beside", 1, stored[1] + 7)
    assert replay(PLAN, tampered, action, fallback, arm="shadow").probability_gap == 7
