"""A whole plan: what it promises, and that it can be made again."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.assignment import Places, Worker
from engagement.bandits.restless.chains import learned
from engagement.bandits.restless.index import Phases
from engagement.bandits.restless.pivotal import keyed
from engagement.bandits.restless.plan import Belief, Considered, Pool, Rule, decided, plan
from engagement.errors import Invalid
from engagement.randomness import generator

ONE = 2**32
SECRET = b"a secret of sixteen or more bytes"
RULE = Rule(reward=(0.0, 1.0), draws=200)
COUNTS = np.array(
    [
        [[[8.0, 2], [2, 8]], [[2.0, 8], [1, 9]]],  # a visit helps
        [[[8.0, 2], [2, 8]], [[8.0, 2], [2, 8]]],  # a visit changes nothing
    ]
)
BELIEF = Belief(
    learned(COUNTS, np.zeros(2, np.int64), np.full((2, 2, 2), 0.5)),
    Phases(np.full(2, np.inf), np.zeros(2, np.int64)),
)
WORKER = Worker("w", frozenset("a"), frozenset(["te"]), 300, 45)


def pool(size, due=np.inf, catchments=None):
    """Units of both clusters and states in turn, all heard of."""
    number = np.arange(size)
    names = tuple(f"g{n}" for n in number)
    places = Places(names, catchments or ("a",) * size, ("te",) * size)
    return Pool(places, number % 2, number // 2 % 2, np.zeros(size, np.int64), np.full(size, due))


def made(units, visits, *, workers=(WORKER,), rule=RULE, period="1", seed=1):
    numbers = keyed(SECRET, "p", "plan", period, units.places.units)
    return plan(units, BELIEF, rule, visits, workers, numbers, generator(seed, "plan", period))


def share(units, **more):
    return made(units, **more).decided.probability / ONE


@pytest.mark.parametrize("visits", [0, 1, 5, 11, 12])
def test_probabilities_sum_to_the_visits_exactly(visits):
    assert made(pool(12), visits).decided.probability.sum() == visits * ONE


@pytest.mark.parametrize("visits", [0, 1, 5, 11, 12])
def test_exactly_as_many_are_chosen_as_there_are_visits(visits):
    assert made(pool(12), visits).decided.chosen.sum() == visits


@given(st.integers(2, 20), st.floats(0, 1), st.data())
def test_every_probability_lies_between_floor_and_cap(size, epsilon, data):
    visits = data.draw(st.integers(1, size))
    pi = share(pool(size), visits=visits, rule=msgspec.structs.replace(RULE, epsilon=epsilon))
    rate = visits / size
    # one unit of 2⁻³² either way
    assert pi.min() >= epsilon * rate - 1 / ONE
    assert pi.max() <= 1 - epsilon * (1 - rate) + 1 / ONE


def test_whom_a_visit_helps_is_visited_before_whom_it_does_not():
    # in state 0: the first of each pair is of the cluster that a visit helps
    pi = share(pool(8), visits=2)
    assert pi[0] > 2 * pi[1]


def test_units_of_one_cluster_and_state_have_one_probability():
    pi = share(pool(16), visits=3)
    assert pi[::4] == pytest.approx(np.full(4, pi[0]), abs=1 / ONE)


def test_a_promise_that_falls_due_is_certain():
    units = pool(8)
    units.due[3] = 1
    assert made(units, 2).decided.probability[3] == ONE


def test_a_promise_that_falls_due_is_marked_as_forced():
    units = pool(8)
    units.due[3] = 1
    assert np.flatnonzero(made(units, 2).decided.forced).tolist() == [3]


def test_a_visit_for_everybody_is_not_forced():
    assert not made(pool(4), 9).decided.forced.any()


def test_who_must_be_seen_within_four_periods_has_a_quarter_at_least():
    units = pool(8)
    units.due[3] = 4
    # one unit of 2⁻³² less
    assert share(units, visits=2)[3] >= 0.25 - 1 / ONE


def test_more_visits_due_now_than_there_are_are_refused():
    with pytest.raises(Invalid, match="promised"):
        made(pool(8, due=1), 3)


def test_nobody_waits_beyond_what_is_promised():
    units, longest = pool(12, due=8), 8
    waited = np.zeros(12, np.int64)
    for period in range(40):
        found = made(units, 3, period=str(period)).decided.chosen
        waited = np.where(found, 0, waited + 1)
        assert waited.max() < longest
        units = units._replace(due=(longest - waited).astype(np.float64))


def test_the_evidence_makes_the_same_decision_again():
    units = pool(12, due=9)
    first = made(units, 4)
    again = decided(first.considered, keyed(SECRET, "p", "plan", "1", units.places.units))
    assert [part.tolist() for part in again] == [part.tolist() for part in first.decided]


def test_another_draw_from_the_belief_changes_the_evidence_alone():
    # the numbers of the units are the same: with equal shares the same are chosen
    equal = Considered(np.full(6, 0.5), np.full(6, np.inf), 3, 0.1)
    numbers = keyed(SECRET, "p", "plan", "1", tuple("abcdef"))
    assert decided(equal, numbers).chosen.sum() == 3
    assert (
        decided(equal._replace(epsilon=0.7), numbers).chosen.tolist()
        == decided(equal, numbers).chosen.tolist()
    )


def test_the_order_in_which_units_are_listed_changes_nothing():
    units = pool(12)
    order = np.arange(12)[::-1]
    turned = Pool(units.places.at(order), *(part[order] for part in units[1:]))
    forth, back = made(units, 4), made(turned, 4)
    assert forth.decided.chosen.tolist() == back.decided.chosen[order].tolist()


def test_each_chosen_unit_has_a_worker_or_a_reason():
    units = pool(12, catchments=("a", "b", "c") * 4)
    crew = [WORKER._replace(minutes=45), WORKER._replace(name="v", catchments=frozenset("b"), away=True)]
    found = made(units, 9, workers=crew)
    either = [
        (name is None) != (reason is None) for name, reason in zip(found.worker, found.reason, strict=True)
    ]
    assert either == found.decided.chosen.tolist()


def test_who_is_not_chosen_has_neither_worker_nor_reason():
    found = made(pool(12), 4)
    left = np.flatnonzero(~found.decided.chosen)
    assert {(found.worker[n], found.reason[n]) for n in left} == {(None, None)}


def test_when_time_runs_short_those_late_in_line_are_left_out():
    found = made(pool(12), 4, workers=[WORKER._replace(minutes=100)])
    assert [found.worker[n] for n in found.decided.line[:4]] == ["w", "w", None, None]


def test_nobody_needs_no_visits():
    assert made(pool(0), 3).decided.probability.shape == (0,)


def test_a_unit_unheard_of_takes_part():
    units = pool(8)
    units.unheard[:] = 3
    assert made(units, 2).decided.chosen.sum() == 2


@pytest.mark.parametrize("part", ["cluster", "state"])
def test_a_number_out_of_its_range_is_refused(part):
    units = pool(4)
    getattr(units, part)[0] = 2
    with pytest.raises(ValueError, match="range"):
        made(units, 1)


def test_a_negative_silence_is_refused():
    units = pool(4)
    units.unheard[0] = -1
    with pytest.raises(ValueError, match="range"):
        made(units, 1)


def test_rewards_for_other_states_are_refused():
    with pytest.raises(ValueError, match="rewards"):
        made(pool(4), 1, rule=Rule(reward=(0.0, 0.5, 1.0)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"discount": 1.0},
        {"epsilon": 1.5},
        {"draws": 199},
        {"width": 0.0},
        {"belief_in_order": 1.0},
        {"speed": 1},
    ],
)
def test_a_rule_outside_its_ranges_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"reward": [0, 1], **wrong}, Rule)
