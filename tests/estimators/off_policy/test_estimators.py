"""Every estimator against its definition, and its mean over every log that could have been."""

from itertools import product
from typing import get_args

import numpy as np
import pytest

from engagement.estimators.off_policy import (
    AnyOffPolicy,
    ClippedIps,
    DirectMethod,
    DoublyRobust,
    Ips,
    SelfNormalisedDr,
    SelfNormalisedIps,
    ShrinkageDr,
    SwitchDr,
)
from engagement.estimators.sample import estimate
from support.samples import sample

KINDS = get_args(AnyOffPolicy)

# One decision: two contexts equally likely, three actions. Given context x, the log draws action k with
# LOGGED[x][k], and it then earns 1 with chance EARNS[x][k].
LOGGED = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
TARGET = np.array([[0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
EARNS = np.array([[0.2, 0.6, 0.9], [0.5, 0.4, 0.1]])
WRONG = np.array([[0.4, 0.4, 0.1], [0.9, 0.0, 0.3]])
VALUE = 0.5 * (TARGET * EARNS).sum()  # 0.5·(.02 + .48 + .09 + .35 + .08 + .01) = .515


def value(estimator, log):
    return sum(term.value.sum() / term.weight.sum() for term in estimator.terms(log))


def expectation(estimator, predicted, rows=2):
    """The estimator's mean over all (2·3·2)^rows logs, each with its chance."""
    cases = list(product(range(2), range(3), range(2)))
    total = 0.0
    for drawn in product(cases, repeat=rows):
        chance = 1.0
        for x, k, r in drawn:
            chance *= 0.5 * LOGGED[x, k] * (EARNS[x, k] if r else 1 - EARNS[x, k])
        context = [x for x, _, _ in drawn]
        log = sample(
            [k for _, k, _ in drawn],
            [r for _, _, r in drawn],
            [LOGGED[x, k] for x, k, _ in drawn],
            TARGET[context],
            predicted=predicted[context],
        )
        total += chance * value(estimator, log)
    return total


def test_the_value_of_the_tiny_world_is_as_worked_out_by_hand():
    assert pytest.approx(0.515) == VALUE


@pytest.mark.parametrize(
    "estimator", [Ips(), DoublyRobust(), ShrinkageDr(np.inf), SwitchDr(7.0), ClippedIps(7.0)]
)
@pytest.mark.parametrize("predicted", [EARNS, WRONG], ids=["right model", "wrong model"])
def test_over_all_logs_that_could_have_been_the_mean_is_the_value_whatever_the_model(estimator, predicted):
    # the largest weight is .7/.1 = 7, so that nothing is clipped, switched or shrunk
    assert expectation(estimator, predicted) == pytest.approx(VALUE, abs=1e-12)


@pytest.mark.parametrize("estimator", [DirectMethod(), SelfNormalisedDr(), SwitchDr(1.0), ShrinkageDr(2.0)])
def test_with_a_right_model_these_have_the_value_as_their_mean_too(estimator):
    assert expectation(estimator, EARNS) == pytest.approx(VALUE, abs=1e-12)


def test_the_direct_method_is_as_wrong_as_its_model():
    assert expectation(DirectMethod(), WRONG) == pytest.approx(0.5 * (TARGET * WRONG).sum())


def test_clipping_loses_exactly_what_is_above_the_threshold():
    # only context 1, action 0 has a weight above 3: .5·.1·(7 − 3)·.5 = .1
    assert expectation(ClippedIps(3.0), EARNS) == pytest.approx(VALUE - 0.1)


def by_hand(log):
    """Each estimator's sum, row by row, as its paper writes it."""
    rows = []
    for i, k in enumerate(log.action):
        w = log.target[i, k] / log.logged[i]
        q = sum(log.target[i, j] * log.predicted[i, j] for j in range(log.target.shape[1]))
        rows.append((w, log.reward[i], q, log.reward[i] - log.predicted[i, k]))
    n, weights = len(rows), sum(w for w, *_ in rows)
    return {
        Ips(): sum(w * r for w, r, _, _ in rows) / n,
        SelfNormalisedIps(): sum(w * r for w, r, _, _ in rows) / weights,
        ClippedIps(1.5): sum(min(w, 1.5) * r for w, r, _, _ in rows) / n,
        DirectMethod(): sum(q for _, _, q, _ in rows) / n,
        DoublyRobust(): sum(q + w * e for w, _, q, e in rows) / n,
        SelfNormalisedDr(): sum(q for _, _, q, _ in rows) / n + sum(w * e for w, _, _, e in rows) / weights,
        SwitchDr(1.5): sum(q + (w * e if w <= 1.5 else 0) for w, _, q, e in rows) / n,
        ShrinkageDr(2.0): sum(q + 2 * w / (w * w + 2) * e for w, _, q, e in rows) / n,
    }


def random_log(rng, n=40, actions=3, clusters=8):
    logged = rng.dirichlet(np.ones(actions) * 2, n)
    action = np.array([rng.choice(actions, p=row) for row in logged])
    return sample(
        action,
        rng.random(n),
        logged[np.arange(n), action],
        rng.dirichlet(np.ones(actions), n),
        predicted=rng.random((n, actions)),
        cluster=np.arange(n) % clusters,
    )


def test_each_is_what_its_definition_says_on_a_random_log():
    log = random_log(np.random.default_rng(5))
    expected = by_hand(log)
    assert {type(one) for one in expected} == set(KINDS)
    for estimator, number in expected.items():
        assert value(estimator, log) == pytest.approx(number, rel=1e-12), estimator


@pytest.mark.parametrize("kind", [ClippedIps, SwitchDr, ShrinkageDr])
def test_a_chosen_threshold_has_the_least_estimated_error_of_its_candidates(kind):
    log = random_log(np.random.default_rng(11), n=200, clusters=20)
    weight = log.weight
    cuts = np.quantile(weight[weight > 0], np.linspace(0.5, 1, 20))
    candidates = [*cuts**2, np.inf] if kind is ShrinkageDr else list(cuts)
    whole = estimate(kind(candidates[-1]).terms(log), log.cluster).value  # nothing left out

    def error(candidate):
        found = estimate(kind(candidate).terms(log), log.cluster)
        return (whole - found.value) ** 2 + found.sd**2

    best = min(candidates, key=error)
    assert value(kind(), log) == pytest.approx(value(kind(best), log), rel=1e-12)
    assert error(best) < error(candidates[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_strategy_valued_on_its_own_log_without_a_model_earns_the_mean_reward(kind):
    rng = np.random.default_rng(3)
    log = random_log(rng)
    own = log._replace(
        target=np.where(
            np.arange(3) == log.action[:, None], log.logged[:, None], ((1 - log.logged) / 2)[:, None]
        ),
        predicted=np.zeros_like(log.predicted),
    )
    expected = 0.0 if kind is DirectMethod else own.reward.mean()
    chosen = ShrinkageDr(np.inf) if kind is ShrinkageDr else kind()
    assert value(chosen, own) == pytest.approx(expected)
