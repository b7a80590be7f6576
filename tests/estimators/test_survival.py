"""Survival against hand work, statsmodels, and simulation where whole clusters die alike."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from engagement.errors import Invalid
from engagement.estimators.survival import (
    Lives,
    alive_at,
    at_risk,
    band,
    contrast,
    cox,
    curve,
    log_rank,
    months_each,
    restricted_mean,
)

RNG = np.random.default_rng(8)
N = 80
TIME = np.ceil(RNG.exponential(10, N))
DIED = RNG.random(N) < 0.7
ARM = np.arange(N) % 2
CLUSTER = np.arange(N) // 4
LIVES = Lives(TIME, DIED, np.arange(N))


def lives(time, died, cluster=None):
    n = len(time)
    return Lives(
        np.array(time, np.float64),
        np.array(died, np.bool_),
        np.arange(n) if cluster is None else np.array(cluster),
    )


def test_a_small_curve_is_as_worked_out_by_hand():
    # one died at 0; of four left one is censored at 2; of three one dies at 3, of two one at 5
    found = curve(lives([0, 2, 3, 5, 9], [True, False, True, True, False]))
    assert found.time.tolist() == [0, 3, 5]
    assert found.at_risk.tolist() == [5, 3, 2]
    assert found.alive == pytest.approx([4 / 5, 4 / 5 * 2 / 3, 4 / 5 * 2 / 3 / 2])


def test_the_area_below_a_small_curve_is_as_worked_out_by_hand():
    small = lives([0, 2, 3, 5, 9], [True, False, True, True, False])
    # 3 months at .8, 2 at .5333, 1 at .2667
    assert restricted_mean(small, 6).value == pytest.approx(3 * 0.8 + 2 * 0.8 * 2 / 3 + 0.8 / 3)


def test_a_curve_and_its_errors_are_those_of_statsmodels():
    expected = SurvfuncRight(TIME, DIED)
    found = curve(LIVES)
    inside = np.isin(expected.surv_times, found.time)
    assert found.alive == pytest.approx(expected.surv_prob[inside])
    for time in (3.0, 8.0, 15.0):
        place = np.searchsorted(expected.surv_times, time, side="right") - 1
        # Greenwood's, with our correction for few clusters
        sd = expected.surv_prob_se[place] * np.sqrt(N / (N - 1))
        assert alive_at(LIVES, time).sd == pytest.approx(sd, rel=1e-9)
        assert alive_at(LIVES, time).value == pytest.approx(expected.surv_prob[place])


def test_a_band_is_the_interval_of_each_moment():
    many = Lives(TIME, DIED, CLUSTER)
    times = np.array([0.5, 3.0, 8.0, 15.0])
    low, high = band(many, times)
    for time, bottom, top in zip(times, low, high, strict=True):
        assert (bottom, top) == pytest.approx(tuple(np.clip(alive_at(many, time).interval(), 0, 1)))
    assert (low[0], high[0]) == (1.0, 1.0)  # nobody died before the first month


def test_one_cluster_has_no_band():
    low, high = band(lives([1, 2], [True, True], [0, 0]), np.array([1.0]))
    assert np.isnan([low, high]).all()


def test_the_error_of_a_restricted_mean_is_that_of_leaving_one_cluster_out_each_time():
    rng = np.random.default_rng(3)
    n = 900
    many = Lives(rng.exponential(10, n), rng.random(n) < 0.8, np.arange(n) // 3)
    whole = restricted_mean(many, 12)
    without = []
    for gone in range(300):
        rows = many.cluster != gone
        left = Lives(many.time[rows], many.died[rows], np.unique(many.cluster[rows], return_inverse=True)[1])
        without.append(restricted_mean(left, 12).value)
    jackknife = np.sqrt(299 / 300 * ((np.array(without) - np.mean(without)) ** 2).sum())
    # they differ by O(1/clusters) of themselves
    assert whole.sd == pytest.approx(jackknife, rel=5 / 300)


def test_the_number_at_risk_counts_those_known_just_before():
    assert at_risk(lives([0, 2, 3], [True, False, True]), np.array([0.0, 2.0, 2.5, 4.0])).tolist() == [
        3,
        2,
        1,
        0,
    ]


def test_after_the_last_death_nobody_is_left():
    ended = lives([1, 2, 3], [True, True, True])
    assert curve(ended).alive[-1] == 0
    assert alive_at(ended, 3.0).value == 0
    assert restricted_mean(ended, 3.0).value == pytest.approx(1 + 2 / 3 + 1 / 3)


def test_a_horizon_that_nobody_reached_is_refused():
    with pytest.raises(Invalid, match="longest was followed for 9"):
        restricted_mean(lives([0, 9], [True, False]), 12)


def test_a_test_of_arms_is_that_of_statsmodels():
    statistic, chance = survdiff(TIME, DIED.astype(int), ARM)
    found = log_rank(LIVES, ARM)
    assert found.statistic == pytest.approx(statistic)
    assert found.chance == pytest.approx(chance)
    third = np.arange(N) % 3
    statistic, chance = survdiff(TIME, DIED.astype(int), third)
    assert log_rank(LIVES, third).statistic == pytest.approx(statistic)
    assert log_rank(LIVES, third).freedom == 2


def test_hazard_ratios_are_those_of_statsmodels():
    covariates = np.column_stack([ARM, RNG.normal(size=N)])
    fitted = sm.PHReg(TIME, covariates, status=DIED.astype(int), ties="breslow").fit()
    assert cox(LIVES, covariates).coefficient == pytest.approx(fitted.params, abs=1e-6)


def test_errors_by_cluster_are_those_of_statsmodels():
    covariates = np.column_stack([ARM, RNG.normal(size=N)])
    clustered = LIVES._replace(cluster=CLUSTER)
    model = sm.PHReg(TIME, covariates, status=DIED.astype(int), ties="breslow")
    fitted = model.fit(groups=CLUSTER)
    found = cox(clustered, covariates)
    expected = np.asarray(fitted.cov_params()) * 20 / 19
    assert found.covariance == pytest.approx(expected, rel=1e-6)


def test_a_covariate_that_parts_the_dead_from_the_living_is_refused():
    parted = lives([1, 2, 3, 9, 9, 9], [True, True, True, False, False, False])
    with pytest.raises(Invalid, match="parts the dead"):
        cox(parted, np.array([[1.0]] * 3 + [[0.0]] * 3))


def test_months_each_are_what_was_lived_where_nobody_was_censored():
    all_seen = lives([1, 3, 20], [True, True, True])
    assert months_each(all_seen, 12.0) == pytest.approx([1, 3, 12])


def test_months_each_of_a_censored_group_are_what_is_expected_of_it():
    """By leaving each out in turn, which the derivative follows to the order 1/n."""
    rng = np.random.default_rng(5)
    time, died = rng.exponential(10, 400), rng.random(400) < 0.7
    whole = lives(time, died)
    rest = np.delete(np.arange(400), 7)
    without = restricted_mean(lives(time[rest], died[rest]), 12.0).value
    jackknife = 400 * restricted_mean(whole, 12.0).value - 399 * without
    assert months_each(whole, 12.0)[7] == pytest.approx(jackknife, abs=0.1)
    assert months_each(whole, 12.0).mean() == pytest.approx(restricted_mean(whole, 12.0).value)


def test_where_all_have_died_nobody_need_be_followed_any_longer():
    gone = lives([1, 3], [True, True])
    assert (alive_at(gone, 12.0).value, restricted_mean(gone, 12.0).value) == (0.0, 2.0)
    with pytest.raises(Invalid, match="nobody was followed"):
        alive_at(lives([1, 3], [True, False]), 12.0)


def test_where_all_died_at_once_the_hazards_are_alike():
    found = cox(lives([3, 3, 3, 3], [True] * 4), np.array([[0.0], [0.0], [1.0], [1.0]]))
    assert found.ratio(0) == (1.0, (1.0, 1.0), 1.0)


def test_where_nobody_died_there_are_no_hazards_to_compare():
    with pytest.raises(Invalid, match="nobody died"):
        cox(lives([1, 2, 3], [False] * 3), np.array([[1.0], [0.0], [1.0]]))


@pytest.mark.parametrize("time", [[-1.0, 2.0], [np.nan, 2.0]])
def test_a_life_has_a_length(time):
    with pytest.raises(Invalid, match="0 or more"):
        curve(lives(time, [True, True]))


def test_where_whole_catchments_die_alike_the_difference_holds_the_truth_as_often_as_it_says():
    # arms of 15 catchments with four groups each; a catchment's hazard is shared, the arms' are the same
    rng, repeats, held, naive = np.random.default_rng(21), 300, 0, 0
    for _ in range(repeats):
        arms = []
        for _ in range(2):
            cluster = np.repeat(np.arange(15), 4)
            hazard = 0.05 * np.exp(rng.normal(0, 0.8, 15))[cluster]
            dies = rng.exponential(1 / hazard)
            arms.append(Lives(np.minimum(dies, 24.0), dies < 24, cluster))
        low, high = contrast(*(restricted_mean(one, 12) for one in arms)).interval()
        held += low <= 0 <= high
        alone = [one._replace(cluster=np.arange(60)) for one in arms]
        low, high = contrast(*(restricted_mean(one, 12) for one in alone)).interval()
        naive += low <= 0 <= high
    assert abs(held / repeats - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / repeats)
    assert naive < held
