"""Ranks: choice, ranking, and what an event earned, each as a pure function."""

import numpy as np
import pytest
from scipy.special import chdtrc

from engagement.bandits.featured import DIMENSIONS, Known
from engagement.bandits.propensity import ONE
from engagement.randomness import generator, uniform
from engagement.strategy.ranking import RankEvidence, Said, earned, order, rank

PHI = np.eye(4, DIMENSIONS)
BELIEF = Known(np.pad([0.1, 0.4, 0.3, 0.0], (0, DIMENSIONS - 4)), 0.2 * np.eye(DIMENSIONS))
EVERY = np.ones(4, np.bool_)


def chosen(belief=BELIEF, available=EVERY, baseline=0, exploration=0.2, mode="Online", draw=0):
    """One choice: its arrays without the first axis."""
    found = rank(belief, PHI[None], available[None], (baseline,), exploration, mode, (draw,))
    return found._replace(
        probability=found.probability[0],
        beside=None if found.beside is None else found.beside[0],
        picked=int(found.picked[0]),
    )


def evidence(**more):
    given = dict.fromkeys(RankEvidence.__struct_fields__, b"")
    given |= {"actions": ("a",), "baseline": 0, "own": (), "uniform": 0, "exploration": 0.2, "mode": "Online"}
    return RankEvidence(**(given | {"default_reward": 0.125, "aggregation": "earliest"} | more))


def test_every_available_action_keeps_its_share_of_exploration():
    available = np.array([True, True, False, True])
    shares = chosen(available=available, exploration=0.3).probability / ONE
    assert shares[2] == 0
    assert shares[available].min() >= 0.1 - 1e-9
    assert int(chosen(available=available).probability.sum()) == ONE


@pytest.mark.parametrize("draws", [3_000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_the_stored_probability_is_the_one_with_which_an_action_is_drawn(draws):
    probability = chosen().probability
    counts = np.zeros(4)
    for n in range(draws):
        counts[chosen(draw=uniform(b"s" * 32, "p", "@ranks", "event", str(n))).picked] += 1
    expected = probability / ONE * draws
    assert chdtrc(3, float(((counts - expected) ** 2 / expected).sum())) > 1e-3


def test_without_exploration_thompsons_probabilities_are_left():
    """By 400,000 draws from the belief: the standard error of each share is below .001."""
    drawn = generator(1, "ranking").normal(size=(400_000, 4)) * 0.2
    # what scores are taken of: each coefficient less the mean of the four
    sd = 0.2 * np.sqrt(0.75)
    drawn = drawn / 0.2 * sd + BELIEF.mean[:4]
    best = np.bincount(drawn.argmax(axis=1), minlength=4) / len(drawn)
    np.testing.assert_allclose(chosen(exploration=0).probability / ONE, best, atol=0.004)


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_where_the_baseline_is_answered_what_the_belief_would_have_drawn_stands_beside(mode):
    found = chosen(mode=mode, baseline=3)
    assert (found.picked, found.probability.tolist()) == (3, [0, 0, 0, ONE])
    assert found.beside.tolist() == chosen().probability.tolist()


def test_a_choice_does_not_depend_on_those_beside_it():
    rng = generator(3, "rows")
    for rows in (2, 7, 64, 256):
        phi = rng.normal(size=(rows, 5, DIMENSIONS))
        available = rng.random((rows, 5)) < 0.7
        available[:, 0] = True
        belief = Known(rng.normal(size=DIMENSIONS), rng.normal(size=(DIMENSIONS, DIMENSIONS)) / 16)
        together = rank(belief, phi, available, [0] * rows, 0.2, "Apprentice", range(rows))
        for n in range(0, rows, 5):
            alone = rank(belief, phi[n : n + 1], available[n : n + 1], [0], 0.2, "Apprentice", (n,))
            for one, all_ in zip(alone[:4], together[:4], strict=True):
                assert one.tobytes() == all_[n].tobytes()


def test_an_unusable_belief_leaves_an_even_draw_and_says_so():
    for belief in (None, Known(np.full(DIMENSIONS, np.inf), np.eye(DIMENSIONS))):
        with np.errstate(invalid="ignore"):
            found = chosen(belief=belief)
        assert found.fallback == "belief_unusable"
        assert set(found.probability.tolist()) == {ONE // 4}


def test_a_ranking_begins_with_the_choice_and_keeps_what_is_excluded_in_place():
    assert order([1, 5, 3, 2], 2, [False] * 4) == [2, 1, 3, 0]
    assert order([0, 5, 0, 2], 3, [True, False, True, False]) == [0, 3, 2, 1]


ACTIVE = Said("activation", None, 5)
FIRST, SECOND = Said("b", 0.5, 10), Said("a", -0.25, 20)


@pytest.mark.parametrize(
    ("more", "deferred", "said", "reward"),
    [
        ({}, False, [], 0.125),
        ({}, False, [FIRST], 0.5),
        ({}, False, [SECOND, FIRST], 0.5),
        ({"aggregation": "sum"}, False, [SECOND, FIRST], 0.25),
        ({"mode": "Apprentice"}, False, [FIRST], 0.5),
        ({"mode": "LoggingOnly"}, False, [FIRST], None),
        ({}, True, [FIRST], None),
        ({}, True, [FIRST, ACTIVE], 0.5),
        ({}, True, [ACTIVE], 0.125),
        ({}, True, [FIRST, ACTIVE._replace(recorded_at=101)], None),
    ],
)
def test_what_an_event_earned_follows_from_what_was_said_of_it(more, deferred, said, reward):
    assert earned(evidence(**more), deferred=deferred, closes_at=100, said=said) == reward
