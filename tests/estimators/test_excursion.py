"""Excursion effects against regressions of statsmodels, by hand, and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

from engagement.errors import Invalid
from engagement.estimators.excursion import Excursions, against_none, difference, log_ratio


def trial(rng, groups=20, weeks=10, actions=3, effect=(0.3, -0.2), binary=False):
    """A micro-randomised trial whose probabilities change with what is known before each decision."""
    n = groups * weeks
    cluster = np.repeat(np.arange(groups), weeks)
    state = rng.normal(size=n)
    score = np.stack([np.zeros(n), 0.5 * state, -0.5 * state], axis=1)[:, :actions]
    probability = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    action = (rng.random(n)[:, None] > probability.cumsum(axis=1)).sum(axis=1)
    lift = np.concatenate([[0.0], effect])[action]
    if binary:
        chance = np.exp(-1.5 + 0.2 * np.tanh(state) + lift)
        outcome = (rng.random(n) < chance).astype(np.float64)
    else:
        shared = rng.normal(0, 0.3, groups)[cluster]
        outcome = 1 + 0.8 * state**2 + lift + shared + rng.normal(0, 1, n)
    reference = np.full((n, actions), 1 / actions)
    controls = np.column_stack([np.ones(n), state])
    return Excursions(outcome, action, probability, reference, controls, np.ones((n, 1)), cluster)


def test_differences_are_those_of_a_weighted_regression_on_centred_actions():
    rows = trial(np.random.default_rng(1))
    drawn = np.eye(3)[rows.action]
    weight = (1 / 3) / rows.probability[np.arange(len(rows.action)), rows.action]
    design = np.column_stack([rows.controls, drawn[:, 1:] - 1 / 3])
    fitted = sm.WLS(rows.outcome, design, weights=weight).fit()
    assert difference(rows).coefficient[:, 0] == pytest.approx(fitted.params[2:])


def test_without_weights_the_errors_are_the_bias_reduced_ones_of_estimating_equations():
    rows = trial(np.random.default_rng(2), groups=9)
    even = rows._replace(probability=np.full((90, 3), 1 / 3))
    drawn = np.eye(3)[rows.action]
    design = np.column_stack([rows.controls, drawn[:, 1:] - 1 / 3])
    fitted = sm.GEE(rows.outcome, design, groups=rows.cluster).fit(cov_type="bias_reduced")
    found = difference(even)
    assert found.coefficient[:, 0] == pytest.approx(fitted.params[2:])
    assert found.covariance == pytest.approx(np.asarray(fitted.cov_params())[2:, 2:], rel=1e-6)
    assert found.freedom == 9 - 2 - 2


def test_a_ratio_without_anything_else_is_the_ratio_of_the_two_shares():
    action = np.array([0] * 8 + [1] * 8)
    outcome = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0], np.float64)
    cluster = np.tile(np.arange(8), 2)
    half = np.full((16, 2), 0.5)
    ones = np.ones((16, 1))
    found = log_ratio(Excursions(outcome, action, half, half, ones, ones, cluster))
    assert found.coefficient[0, 0] == pytest.approx(np.log((5 / 8) / (2 / 8)), abs=1e-8)


def test_the_error_of_a_ratio_is_the_one_of_a_regression_with_a_logarithmic_link():
    # with actions alone in it the model is saturated, and the equations of both have the same sandwich
    rows = trial(np.random.default_rng(3), groups=300, binary=True)
    even = rows._replace(probability=np.full((3000, 3), 1 / 3), controls=np.ones((3000, 1)))
    design = np.column_stack([np.ones(3000), np.eye(3)[rows.action][:, 1:]])
    model = sm.GEE(rows.outcome, design, groups=rows.cluster, family=sm.families.Poisson())
    fitted = model.fit(cov_type="robust", maxiter=200)
    found = log_ratio(even)
    assert found.coefficient[:, 0] == pytest.approx(fitted.params[1:], abs=1e-6)
    # the correction for few clusters is of the order of coefficients/clusters
    assert found.covariance == pytest.approx(
        np.asarray(fitted.cov_params())[1:, 1:], rel=3 * 3 / 300, abs=1e-5
    )


@pytest.mark.parametrize(("estimator", "binary"), [(difference, False), (log_ratio, True)])
def test_intervals_hold_the_truth_as_often_as_they_say_in_small_trials(estimator, binary):
    rng, held, repeats = np.random.default_rng(11), np.zeros(2), 300
    for _ in range(repeats):
        found = estimator(trial(rng, groups=15, weeks=30, binary=binary))
        for k, truth in ((1, 0.3), (2, -0.2)):
            low, high = found.effect(k).interval
            held[k - 1] += low <= truth <= high
    assert (np.abs(held / repeats - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / repeats)).all(), held / repeats


def test_where_nothing_has_an_effect_the_joint_test_finds_one_in_twenty():
    rng, found, repeats = np.random.default_rng(12), 0, 400
    for _ in range(repeats):
        found += difference(trial(rng, groups=12, weeks=15, effect=(0, 0))).any_effect() < 0.05
    assert abs(found / repeats - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / repeats)


def test_an_effect_that_depends_on_a_moderator_is_found_at_both_of_its_values():
    rng = np.random.default_rng(13)
    rows = trial(rng, groups=400, effect=(0.0, 0.0))
    urban = (np.arange(400) % 2)[rows.cluster].astype(np.float64)
    moved = rows._replace(
        outcome=rows.outcome + (rows.action == 1) * (0.5 - urban),
        moderators=np.column_stack([np.ones(len(urban)), urban]),
    )
    found = difference(moved)
    for where, truth in ((0.0, 0.5), (1.0, -0.5)):
        effect = found.at(1, np.array([1.0, where]))
        assert abs(effect.value - truth) < 4 * effect.sd
        assert effect.sd < 0.15
    assert found.effect(1, 1).chance < 1e-6
    assert found.any_effect() < 1e-6


def test_pairs_hold_the_decisions_between_the_two_with_the_probabilities_among_all():
    rows = trial(np.random.default_rng(14), groups=4, weeks=2)
    rows = rows._replace(action=np.array([0, 1, 2, 0, 2, 2, 0, 1]))
    available = np.ones((8, 3), np.bool_)
    available[3, 2] = False
    pair = against_none(rows, 2, available)
    kept = [0, 2, 4, 5, 6]
    assert pair.action.tolist() == [0, 1, 1, 1, 0]
    assert pair.probability.tolist() == rows.probability[kept][:, [0, 2]].tolist()
    assert pair.reference.tolist() == [[0.5, 0.5]] * 5
    assert pair.cluster.tolist() == [0, 1, 2, 2, 3]
    assert pair.outcome.tolist() == rows.outcome[kept].tolist()


def test_a_pair_counts_every_decision_point_alike_whatever_else_was_likely_there():
    # half of the points gain 1 by action 1 and half nothing, where action 2 is drawn 8 times of 10
    rng, n = np.random.default_rng(19), 20_000
    gains = np.arange(n) % 2 == 0
    probability = np.where(gains[:, None], [[0.45, 0.45, 0.1]], [[0.1, 0.1, 0.8]])
    action = (rng.random(n)[:, None] > probability.cumsum(axis=1)).sum(axis=1)
    ones, cluster = np.ones((n, 1)), np.arange(n) // 200
    rows = Excursions(
        ((action == 1) & gains) * 1.0, action, probability, np.full((n, 3), 1 / 3), ones, ones, cluster
    )
    effect = difference(against_none(rows, 1, np.ones((n, 3), np.bool_))).effect(1)
    assert abs(effect.value - 0.5) < 4 * effect.sd
    assert effect.sd < 0.02  # shares of the two's probability would give .9·1/(.9 + .2) = .82


def test_a_pair_never_chosen_between_is_refused():
    rows = trial(np.random.default_rng(14), groups=4, weeks=2)
    with pytest.raises(Invalid, match="never"):
        against_none(rows, 1, np.zeros((8, 3), np.bool_))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"probability": np.tile([1.0, 0.0, 0.0], (40, 1))}, "take them in pairs"),
        ({"cluster": np.repeat(np.arange(4), 10)}, "4 groups are too few"),
        ({"action": np.zeros(40, np.int64)}, "told apart|alone decides"),
        ({"action": np.repeat([1, 2, 0, 0, 0, 0, 0, 0], 5)}, "one group alone"),
    ],
)
def test_what_cannot_be_told_is_refused(change, problem):
    rows = trial(np.random.default_rng(15), groups=8, weeks=5)
    rows = rows._replace(controls=np.ones((40, 1)))
    if "cluster" in change:
        rows = rows._replace(controls=trial(np.random.default_rng(15), groups=8, weeks=5).controls)
    with pytest.raises(Invalid, match=problem):
        difference(rows._replace(**change))


def test_ratios_are_for_chances():
    rows = trial(np.random.default_rng(16))
    with pytest.raises(Invalid, match="0 or 1"):
        log_ratio(rows)
