"""Reward models: fitted to other groups only, and equal to packages' where these have the same model."""

import numpy as np
import pytest
import statsmodels.api as sm

from engagement.errors import Invalid
from engagement.estimators.reward_models import LinearRewards, LogisticRewards, cross_fitted

RNG = np.random.default_rng(4)
N = 120
FEATURES = np.column_stack([np.ones(N), RNG.normal(size=(N, 2))])
ACTION = RNG.integers(0, 2, N)
REWARD = (FEATURES @ [0.5, 0.2, -0.3] + 0.4 * ACTION + RNG.normal(0, 0.3, N)).clip(0, 1)
CLUSTER = np.arange(N) % 6


def test_without_a_penalty_the_linear_model_is_least_squares_on_the_other_folds():
    found = cross_fitted(LinearRewards(0.0), FEATURES, ACTION, REWARD, CLUSTER, 2, folds=3)
    out = CLUSTER % 3 == 1
    rows = ~out & (ACTION == 1)
    expected = FEATURES[out] @ sm.OLS(REWARD[rows], FEATURES[rows]).fit().params
    assert found[out, 1] == pytest.approx(expected, abs=1e-6)


def test_the_logistic_model_is_the_penalised_maximum_of_statsmodels():
    won = (REWARD > 0.5).astype(np.float64)
    rows = ACTION == 0
    model = sm.GLM(won[rows], FEATURES[rows], family=sm.families.Binomial())
    count = rows.sum()
    penalty = np.array([0.01, 1.0, 1.0])
    fitted = model.fit_regularized(alpha=penalty / count, L1_wt=0.0, maxiter=2000, cnvrg_tol=1e-12)
    expected = 1 / (1 + np.exp(-(FEATURES @ fitted.params)))
    assert LogisticRewards().predicted(FEATURES[rows], won[rows], FEATURES) == pytest.approx(
        expected, abs=1e-4
    )


def test_the_logistic_model_stands_a_perfectly_parted_sample():
    features = np.column_stack([np.ones(4), [-2.0, -1.0, 1.0, 2.0]])
    found = LogisticRewards().predicted(features, np.array([0.0, 0, 1, 1]), features)
    assert (np.diff(found) > 0).all()
    assert 0 < found[0] < 0.5 < found[-1] < 1


def test_the_logistic_model_refuses_rewards_that_are_no_shares():
    with pytest.raises(Invalid, match=r"\[0, 1\]"):
        LogisticRewards().predicted(np.ones((2, 1)), np.array([0.0, 2.0]), np.ones((1, 1)))


def test_a_group_s_own_rewards_never_move_what_is_expected_of_it():
    before = cross_fitted(LinearRewards(), FEATURES, ACTION, REWARD, CLUSTER, 2)
    changed = np.where(CLUSTER == 2, 99.0, REWARD)
    after = cross_fitted(LinearRewards(), FEATURES, ACTION, changed, CLUSTER, 2)
    same_fold = CLUSTER % 5 == 2
    assert np.array_equal(before[same_fold], after[same_fold])
    assert not np.array_equal(before[~same_fold], after[~same_fold])


def test_an_action_that_the_other_groups_never_had_is_expected_to_bring_their_mean():
    action = np.where(CLUSTER == 0, 1, 0)
    found = cross_fitted(LinearRewards(), FEATURES, action, REWARD, CLUSTER, 2, folds=6)
    assert found[CLUSTER == 0, 1] == pytest.approx(REWARD[CLUSTER != 0].mean())


class Mean:
    """A regressor of somebody else's making: the mean of what it saw."""

    def fit(self, X, y):
        assert X.shape[1] == 2  # without the intercept, which such regressors have of their own
        self.mean = y.mean()
        return self

    def predict(self, X):
        return np.full(len(X), self.mean)


def test_any_regressor_that_fits_and_predicts_may_be_used():
    found = cross_fitted(Mean(), FEATURES, ACTION, REWARD, CLUSTER, 2, folds=2)
    out = CLUSTER % 2 == 0
    assert found[out, 0] == pytest.approx(REWARD[~out & (ACTION == 0)].mean())
