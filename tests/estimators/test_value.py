"""Every estimator's answer at once, beside each of them asked alone."""

from typing import get_args

import numpy as np
import pytest

from engagement.errors import Invalid
from engagement.estimators.off_policy import AnyOffPolicy
from engagement.estimators.off_policy.self_normalised_dr import SelfNormalisedDr
from engagement.estimators.sample import Term, bootstrap, bootstraps, estimate, mean
from engagement.estimators.value import Weeks, value
from support.samples import sample

RNG = np.random.default_rng(3)
N, GROUPS = 600, 30
ACTION = RNG.integers(0, 2, N)
REWARD = (RNG.random(N) < 0.3 + 0.3 * ACTION).astype(float)
CLUSTER = np.arange(N) % GROUPS
LOG = sample(
    ACTION, REWARD, np.full(N, 0.5), np.tile([0.2, 0.8], (N, 1)),
    predicted=np.tile([0.3, 0.6], (N, 1)), cluster=CLUSTER,
)  # fmt: skip


def test_each_estimator_answers_what_it_answers_alone():
    found = {row.estimator: row for row in value(LOG, np.random.default_rng(1)).estimates}
    assert len(found) == len(get_args(AnyOffPolicy)) == 8
    for kind in get_args(AnyOffPolicy):
        alone, row = estimate(kind().terms(LOG), CLUSTER), found[kind.__struct_config__.tag]
        assert (row.value, row.sd) == (alone.value, alone.sd)
        assert row.interval == alone.interval()


def test_a_gain_has_the_error_of_the_paired_difference():
    row = value(LOG, np.random.default_rng(1)).estimates[0]
    terms = SelfNormalisedDr().terms(LOG)
    paired = estimate((*terms, Term(-REWARD, np.ones(N))), CLUSTER)
    assert row.gain == pytest.approx(paired.value, abs=1e-12)
    assert row.gain_interval == pytest.approx(paired.interval(), abs=1e-12)


def test_a_redraw_s_t_is_that_of_the_redrawn_rows():
    """Brute force: the rows of each redraw written out, their estimate and its own error computed plainly."""
    terms = (*mean(REWARD), Term(REWARD * (1 + CLUSTER), 1.0 + CLUSTER))
    rows = [np.flatnonzero(g == CLUSTER) for g in range(GROUPS)]
    rng, ts, there = np.random.default_rng(5), [], estimate(terms, CLUSTER)
    for counts in rng.multinomial(GROUPS, np.full(GROUPS, 1 / GROUPS), 200):
        clusters = np.repeat(np.arange(GROUPS), counts)
        chosen = np.concatenate([rows[g] for g in clusters])
        anew = np.concatenate([np.full(len(rows[g]), n) for n, g in enumerate(clusters)])
        redrawn = estimate(tuple(Term(one.value[chosen], one.weight[chosen]) for one in terms), anew)
        ts.append((redrawn.value - there.value) / redrawn.sd)
    low, high = np.quantile(ts, [0.025, 0.975])
    found = bootstrap(terms, CLUSTER, np.random.default_rng(5), repeats=200)
    assert found == pytest.approx((there.value - high * there.sd, there.value - low * there.sd), abs=1e-12)


def test_several_estimators_share_their_redraws():
    both = bootstraps([mean(REWARD), mean(REWARD + 1)], CLUSTER, np.random.default_rng(5))
    assert both[1] == pytest.approx((both[0].low + 1, both[0].high + 1), abs=1e-12)


def test_the_looks_are_the_weeks_from_the_first_to_the_last():
    weeks = Weeks(2_000 + np.arange(N) // 60, 5)
    found = value(LOG, np.random.default_rng(1), weeks=weeks)
    assert found.look == 10
    assert 0 <= found.these[0] < found.these[1] <= 1


def test_rewards_beyond_0_and_1_have_no_bounds_for_these_groups():
    weeks = Weeks(np.zeros(N, np.int64), 1)
    assert value(LOG._replace(reward=REWARD * 2), np.random.default_rng(1), weeks=weeks).these is None


def test_one_group_alone_is_not_enough():
    found = value(LOG._replace(cluster=np.zeros(N, np.int64)), np.random.default_rng(1))
    assert (found.enough, found.earned, found.earned_interval) == (False, REWARD.mean(), None)


def test_arrays_that_are_no_sample_are_refused():
    with pytest.raises(Invalid, match=r"\(0, 1\]"):
        value(LOG._replace(logged=np.zeros(N)), np.random.default_rng(1))
