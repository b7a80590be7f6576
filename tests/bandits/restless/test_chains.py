"""Counts, pooled priors and draws in order: by hand, by enumeration, and as laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.bandits.restless.chains import (
    STRENGTH,
    STRENGTH_SD,
    UNKNOWN,
    counted,
    followed,
    learned,
    log_likelihood,
    pooled,
    sampled,
)
from engagement.randomness import generator

FIRM = 1 - 1e-12
"""A belief in order that no data of these sizes overrule."""


def numbers(*values):
    return np.array(values, dtype=np.int64)


def flat(states):
    return np.full((2, states, states), 1 / states)


def tails(P):
    """P(next ≥ k), k = 1 … S − 1."""
    return np.cumsum(P[..., ::-1], axis=-1)[..., -2::-1]


def helps(P):
    """Whether a visit makes no future worse, for each draw, cluster and state."""
    return (tails(P)[:, :, 1] >= tails(P)[:, :, 0] - 1e-12).all(-1)


def rises(P):
    """Whether a better state has no worse next one, for each draw, cluster and action."""
    return (np.diff(tails(P), axis=3) >= -1e-12).all(axis=(-2, -1))


@st.composite
def concentrations(draw):
    states = draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.uniform(0.5, 20, (draw(st.integers(1, 3)), 2, states, states))


def test_transitions_are_counted_by_cluster_action_state_and_next_state():
    counts = counted(numbers(1, 1, 0), numbers(0, 0, 1), numbers(1, 1, 0), numbers(1, 1, 0), 2, 2)
    assert {place: counts[place] for place in zip(*np.nonzero(counts), strict=True)} == {
        (1, 1, 0, 1): 2,
        (0, 0, 1, 0): 1,
    }


@pytest.mark.parametrize(("before", "after"), [(UNKNOWN, 1), (0, UNKNOWN), (UNKNOWN, UNKNOWN)])
def test_a_transition_with_an_unknown_end_is_not_counted(before, after):
    assert not counted(numbers(0), numbers(before), numbers(0), numbers(after), 1, 2).any()


@pytest.mark.parametrize("row", [(1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 2, 0), (0, 0, 0, -2)])
def test_a_number_out_of_its_range_is_refused(row):
    with pytest.raises(ValueError, match="range"):
        counted(*(numbers(value) for value in row), 1, 2)


def test_the_likelihood_of_one_of_each_after_a_flat_prior_is_a_sixth():
    # ½ for the first, ⅓ for the other after it
    assert log_likelihood(np.array([1.0, 1]), np.array([1.0, 1])) == pytest.approx(-np.log(6))


@given(st.floats(0.1, 50), st.floats(0.1, 50))
def test_likelihoods_of_all_sequences_sum_to_one(a, b):
    alpha = np.array([a, b])
    sequences = {(3, 0): 1, (2, 1): 3, (1, 2): 3, (0, 3): 1}
    total = sum(n * np.exp(log_likelihood(np.array(c, float), alpha)) for c, n in sequences.items())
    assert total == pytest.approx(1)


def test_without_a_visit_clusters_share_the_mean_of_all():
    counts = np.zeros((2, 2, 2, 2))
    counts[0, 0, 0], counts[1, 0, 0] = [3, 1], [0, 4]
    # guess ½, ½; counts 3, 5
    assert pooled(counts, flat(2)).mean[:, 0, 0] == pytest.approx(np.array([[3.5, 5.5], [3.5, 5.5]]) / 9)


def test_a_visit_moves_each_clusters_odds_as_it_moves_those_of_the_pool():
    # Unvisited 1/5 and 3/5, together 2/5; visited ½ together: odds ⅔ → 1, so half as much again:
    # ¼ → 3/8 = 3 : 8, and 3/2 → 9/4 = 9 : 4. With 10⁹ transitions κ ≤ 10³ moves a mean by 10⁻⁶.
    counts = np.zeros((2, 2, 2, 2))
    counts[:, 0, :] = 1e9 * np.array([[0.8, 0.2], [0.4, 0.6]])[:, None]
    counts[:, 1, :] = 5
    moved = pooled(counts, np.zeros((2, 2, 2))).mean[:, 1, 0, 1]
    assert moved == pytest.approx([3 / 11, 9 / 13], abs=1e-5)


def test_where_nobody_gets_without_a_visit_the_pools_visits_say_how_often_one_gets_there():
    counts = np.zeros((1, 2, 2, 2))
    counts[0, 0] = [[5, 0], [0, 5]]
    counts[0, 1] = [[3, 1], [0, 5]]
    # from 0: unvisited always 0; visited ¼ to 1, which no odds of 0 can be moved to
    assert pooled(counts, np.zeros((2, 2, 2))).mean[0, 1, 0] == pytest.approx([3 / 4, 1 / 4])


def apart():
    """Six clusters, of which every other moves up, and every other down, visited or not."""
    counts = np.full((6, 2, 2, 2), 20.0)
    counts[::2, :, :, 0] = counts[1::2, :, :, 1] = 2
    return counts


def test_clusters_that_are_alike_have_a_stronger_prior_than_others():
    alike = np.full((6, 2, 2, 2), 20.0)
    assert pooled(alike, flat(2)).strength[0] > 5 * pooled(apart(), flat(2)).strength[0]


def test_clusters_that_visits_move_alike_have_a_stronger_prior_of_visits():
    # apart as they are, a visit changes nothing in any of them
    without, visited = pooled(apart(), flat(2)).strength
    assert visited > 5 * without


def test_the_strength_is_the_likeliest_weighed_by_its_prior():
    rng = generator(1, "counts")
    p = rng.dirichlet([3, 3], size=(8, 2, 2))
    counts = np.array([rng.multinomial(15, row) for row in p.reshape(-1, 2)], float).reshape(8, 2, 2, 2)
    prior = pooled(counts, flat(2))

    def log_posterior(factor):
        strength = factor * prior.strength[0]
        weight = -(((np.log(strength) - np.log(STRENGTH)) / STRENGTH_SD) ** 2) / 2
        return log_likelihood(counts[:, 0], strength * prior.mean[:, 0]) + weight

    assert log_posterior(1) > max(log_posterior(0.95), log_posterior(1.05))


def test_a_cluster_without_counts_has_the_prior_alone():
    counts = np.zeros((2, 2, 2, 2))
    counts[0] = 7
    prior = pooled(counts, flat(2))
    expected = prior.strength[:, None, None] * prior.mean[1]
    assert learned(counts, numbers(0, 0), flat(2))[1] == pytest.approx(expected)


def test_a_clusters_own_counts_are_added():
    counts = np.zeros((1, 2, 2, 2))
    counts[0, 1, 0, 1] = 5
    prior = pooled(counts, flat(2))
    gained = learned(counts, numbers(0), flat(2)) - prior.strength[:, None, None] * prior.mean
    assert gained == pytest.approx(counts)


def test_another_pools_counts_change_nothing():
    counts = np.ones((2, 2, 2, 2))
    alone = learned(counts[:1], numbers(0), flat(2))
    counts[1] = [[90, 1], [1, 90]]
    assert learned(counts, numbers(0, 1), flat(2))[0].tolist() == alone[0].tolist()


def odds(rows):
    """Of the better of two next states."""
    return rows[..., 1] / rows[..., 0]


def two_clusters():
    """(before, after): what was seen of two clusters; after the end only of the first, without visits."""
    before = np.array([[[[60.0, 20], [20, 60]], [[6, 9], [2, 9]]], [[[20, 60], [5, 75]], [[3, 30], [1, 30]]]])
    after = np.zeros((2, 2, 2, 2))
    after[0, 0] = [[70, 10], [40, 40]]
    return before, after


def after_the_end(before, after):
    running = learned(before, numbers(0, 0), flat(2))
    return running, followed(running, before, after, flat(2))


def test_before_anything_is_seen_after_the_end_each_cluster_is_what_it_was_worth_eight_transitions_a_row():
    before, _ = two_clusters()
    running, ended = after_the_end(before, np.zeros_like(before))
    assert ended.sum(axis=-1) == pytest.approx(8, rel=1e-4)
    assert ended / 8 == pytest.approx(running / running.sum(axis=-1, keepdims=True), rel=1e-4)


def test_where_nothing_is_seen_after_the_end_it_moves_the_odds_as_elsewhere():
    before, after = two_clusters()
    running, ended = after_the_end(before, after)
    pool = flat(2)[0] + before[:, 0].sum(axis=0)
    later = 8 * pool / pool.sum(axis=-1, keepdims=True) + after[0, 0]
    assert odds(ended[1, 0]) / odds(running[1, 0]) == pytest.approx(odds(later) / odds(pool))


def test_after_the_end_a_visit_moves_the_odds_as_it_did_in_that_cluster():
    before, after = two_clusters()
    running, ended = after_the_end(before, after)
    assert odds(ended[:, 1]) / odds(ended[:, 0]) == pytest.approx(odds(running[:, 1]) / odds(running[:, 0]))


def test_what_visits_no_longer_do_after_the_end_is_learned_by_all_clusters():
    before, after = two_clusters()
    _, ended = after_the_end(before, after)
    after[0, 1] = [[90, 10], [50, 50]]  # no better than without
    _, learnt = after_the_end(before, after)
    assert (odds(learnt[1, 1]) < odds(ended[1, 1])).all()
    assert learnt[:, 0] == pytest.approx(ended[:, 0])


def test_after_the_end_what_was_impossible_stays_so():
    guess = flat(3)
    guess[:, 0] = [1, 0, 0]
    nothing = np.zeros((1, 2, 3, 3))
    ended = followed(learned(nothing, numbers(0), guess), nothing, nothing, guess)
    assert ended[0, :, 0, 1:].tolist() == [[0, 0]] * 2


def test_a_transition_that_nothing_speaks_for_never_happens():
    guess = flat(3)
    guess[:, 0] = [1, 0, 0]
    P = sampled(learned(np.zeros((1, 2, 3, 3)), numbers(0), guess), 200, generator(1, "draws"))
    assert (P[..., 0, :] == [1, 0, 0]).all()


def test_unrestricted_draws_have_the_mean_and_the_spread_of_a_dirichlet():
    concentration = np.array([[[[1.0, 3], [2, 2]], [[6, 2], [1, 1]]]])
    draws = sampled(concentration, 40_000, generator(1, "draws"), belief_in_order=0)[..., 0]
    total = concentration.sum(-1)
    mean = concentration[..., 0] / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    # eight numbers within 5 standard errors: of the mean, sd/200; of the sd, less than sd/√(2·10⁴)
    assert np.abs(draws.mean(0) - mean) == pytest.approx(0, abs=5 * 0.3 / 200)
    assert draws.std(0) == pytest.approx(sd, rel=5 / np.sqrt(2e4))


def test_half_the_width_is_four_times_the_concentration():
    concentration = np.array([[[[1.0, 3], [2, 2]], [[6, 2], [1, 1]]]])
    narrow = sampled(concentration, 10, generator(1, "draws"), width=0.5)
    assert narrow.tolist() == sampled(4 * concentration, 10, generator(1, "draws")).tolist()


@pytest.mark.parametrize("states", [2, 3, 5])
def test_of_two_flat_rows_one_in_s_is_in_order_by_chance(states):
    P = sampled(np.ones((1, 2, states, states)), 20_000, generator(1, "draws"), belief_in_order=0)
    # S independent states, 20,000 draws each; 4.5 standard errors
    error = np.sqrt((1 - 1 / states) / states / (20_000 * states))
    assert helps(P).mean() == pytest.approx(1 / states, abs=4.5 * error)


def test_without_data_the_order_holds_as_often_as_it_is_believed():
    P = sampled(np.ones((1, 2, 2, 2)), 20_000, generator(1, "draws"), belief_in_order=0.8)
    # put in order with probability .8, else with ½ by chance; the estimate of ½ is off by .0035, whose
    # effect on .8 is .8·.2·2·.0035; two states of 20,000
    assert helps(P).mean() == pytest.approx(0.9, abs=4.5 * (0.0011 + 0.3 / 200))


def test_data_that_insist_on_harm_are_believed():
    concentration = np.array([[[[10.0, 50], [10, 50]], [[50, 10], [50, 10]]]])
    P = sampled(concentration, 400, generator(1, "draws"))
    # no draw in 400 is in order: odds 19·2·(½/401) = .047
    assert helps(P).mean() < 0.1


def test_little_data_are_not_mistaken_for_harm():
    # two of three visited get worse, of three unvisited one; each row with a flat prior
    concentration = np.array([[[[2.0, 3], [2, 3]], [[3, 2], [3, 2]]]])
    assert helps(sampled(concentration, 400, generator(1, "draws"))).mean() > 0.8


@given(concentrations(), st.integers(0, 1000))
def test_with_a_firm_belief_no_visit_makes_a_future_worse(concentration, seed):
    assert helps(sampled(concentration, 20, generator(seed, "draws"), belief_in_order=FIRM)).all()


@given(concentrations(), st.integers(0, 1000))
def test_with_a_firm_belief_no_better_state_has_a_worse_next_one(concentration, seed):
    assert rises(sampled(concentration, 20, generator(seed, "draws"), belief_in_order=FIRM)).all()


@given(concentrations(), st.integers(0, 1000))
def test_draws_are_chains(concentration, seed):
    P = sampled(concentration, 20, generator(seed, "draws"))
    assert (P >= 0).all()
    assert P.sum(-1) == pytest.approx(1)


@given(concentrations(), st.integers(0, 1000))
def test_a_draw_that_is_in_order_stays_as_it_is(concentration, seed):
    plain = sampled(concentration, 20, generator(seed, "draws"), belief_in_order=0)
    kept = helps(plain).all(-1) & rises(plain).all(-1)
    firm = sampled(concentration, 20, generator(seed, "draws"), belief_in_order=FIRM)
    assert firm[kept] == pytest.approx(plain[kept])


def test_rows_in_the_wrong_order_become_their_weighted_mean():
    # 30 transitions without, 10 with a visit, and both rows harmful: visited = unvisited = ¾·p⁰ + ¼·p¹
    concentration = np.array([[[[5.0, 10], [5, 10]], [[3, 2], [3, 2]]]])
    plain = sampled(concentration, 50, generator(1, "draws"), belief_in_order=0)[:, 0, :, :, 1]
    firm = sampled(concentration, 50, generator(1, "draws"), belief_in_order=FIRM)[:, 0, :, :, 1]
    harmful = (plain[:, 1] < plain[:, 0]).all(-1) & (np.diff(plain, axis=-1) >= 0).all(axis=(1, 2))
    mean = 0.75 * plain[:, 0] + 0.25 * plain[:, 1]
    assert harmful.sum() >= 3
    assert firm[harmful] == pytest.approx(np.stack([mean, mean], axis=1)[harmful])


def test_rows_that_become_one_are_equal_to_the_last_bit():
    # so that all whom a visit cannot help share one index, zero
    concentration = np.array([[[[5.0, 10, 3], [5, 10, 3], [1, 1, 1]], [[30, 2, 2], [3, 2, 2], [1, 1, 1]]]])
    P = sampled(concentration, 50, generator(1, "draws"), belief_in_order=FIRM)
    plain = tails(sampled(concentration, 50, generator(1, "draws"), belief_in_order=0))
    worse = (plain[:, 0, 1, 0] < plain[:, 0, 0, 0] - 0.3).all(-1)
    assert worse.sum() >= 3
    assert (P[worse, 0, 1, 0] == P[worse, 0, 0, 0]).all()


@pytest.mark.parametrize(("width", "belief"), [(0, 0.5), (1, 1), (1, -0.1)])
def test_a_width_or_belief_out_of_range_is_refused(width, belief):
    with pytest.raises(ValueError, match="width"):
        sampled(np.ones((1, 2, 2, 2)), 10, generator(1, "draws"), width, belief)
