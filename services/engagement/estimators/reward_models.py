"""What reward each action would bring, by a model that never saw the group it is asked about."""

from typing import Any, Protocol

import msgspec
import numpy as np
from scipy.special import expit

from engagement.errors import Invalid
from engagement.records import Floats, Integers

STEPS = 50
CLOSE = 1e-9


class Regressor(Protocol):
    """Whatever fits and predicts as scikit-learn's regressors do."""

    def fit(self, X: Floats, y: Floats) -> Any:
        """Learns from rows."""

    def predict(self, X: Floats) -> Floats:
        """The mean reward of rows."""


class LinearRewards(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="linear"):
    """Ridge regression of its own for each action.

    ridge : weight of the penalty on every coefficient but the first, the intercept
    """

    ridge: float = 1.0

    def predicted(self, features: Floats, reward: Floats, asked: Floats) -> Floats:
        """The mean reward at the rows asked about.

        features : (m, d), the intercept first      reward : (m,)      asked : (q, d)
        """
        penalty = self.ridge * np.eye(features.shape[1])
        penalty[0, 0] = 1e-9  # only so that an action never drawn has a solution
        slope = np.linalg.solve(features.T @ features + penalty, features.T @ reward)
        expected: Floats = asked @ slope
        return expected


class LogisticRewards(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="logistic"
):
    """Penalised logistic regression of its own for each action, for rewards in [0, 1].

    ridge : weight of the penalty on every coefficient; the intercept's is a hundredth of it
    """

    ridge: float = 1.0

    def predicted(self, features: Floats, reward: Floats, asked: Floats) -> Floats:
        """The mean reward at the rows asked about; see `LinearRewards.predicted`. Newton's method, damped."""
        if ((reward < 0) | (reward > 1)).any():
            raise Invalid("a logistic reward model is for rewards in [0, 1]; use the linear one")
        penalty = np.full(features.shape[1], self.ridge)
        penalty[0] = self.ridge / 100
        slope = np.zeros(features.shape[1])

        def loss(at: Floats) -> float:
            score = features @ at
            return float(np.logaddexp(0, score).sum() - reward @ score + penalty @ at**2 / 2)

        for _ in range(STEPS):
            chance = expit(features @ slope)
            gradient = features.T @ (chance - reward) + penalty * slope
            curvature = (features * (chance * (1 - chance))[:, None]).T @ features + np.diag(penalty)
            step = np.linalg.solve(curvature, gradient)
            size = 1.0
            while loss(slope - size * step) > loss(slope) and size > CLOSE:
                size /= 2
            slope = slope - size * step
            if np.abs(step).max() < CLOSE:
                break
        expected: Floats = expit(asked @ slope)
        return expected


AnyRewardModel = LinearRewards | LogisticRewards


class _Foreign:
    """A scikit-learn regressor in the place of a model of ours; it is fitted anew for every fold."""

    def __init__(self, regressor: Regressor) -> None:
        self.regressor = regressor

    def predicted(self, features: Floats, reward: Floats, asked: Floats) -> Floats:
        fitted: Floats = np.asarray(
            self.regressor.fit(features[:, 1:], reward).predict(asked[:, 1:]), np.float64
        )
        return fitted


def cross_fitted(
    model: AnyRewardModel | Regressor,
    features: Floats,
    action: Integers,
    reward: Floats,
    cluster: Integers,
    actions: int,
    folds: int = 5,
) -> Floats:
    """(n, K): what each action is expected to bring at each decision, by a model without that group.

    features : (n, d), d ≥ 1, an intercept first      action : (n,) in [0, K)      reward : (n,)
    cluster : (n,) in [0, G); group g is left out in fold g mod folds      actions : K

    Without cross-fitting the doubly robust estimators' errors are too small (Chernozhukov et al. 2018).
    An action that the other groups never had is expected to bring their mean reward.
    """
    ours = model if isinstance(model, LinearRewards | LogisticRewards) else _Foreign(model)
    expected = np.zeros((len(reward), actions))
    fold = cluster % min(folds, int(cluster.max(initial=0)) + 1)
    for part in np.unique(fold):
        out, seen = fold == part, fold != part
        overall = reward[seen].mean() if seen.any() else 0.0
        for k in range(actions):
            rows = seen & (action == k)
            if rows.any():
                expected[out, k] = ours.predicted(features[rows], reward[rows], features[out])
            else:
                expected[out, k] = overall
    return expected
