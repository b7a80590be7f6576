"""Maximum-likelihood spreads are those that an independent mixed-model fit finds for the same data."""

import warnings

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from engagement.bandits.empirical_bayes import Fitted, Observed, fit, precision_form
from engagement.randomness import generator

GROUPS, MEMBERS, ROWS = 30, 5, 8


def synthetic_rewards():
    """(groups, members, rows): a mean of 0, and normal parts of group, member and row."""
    rng = generator(21, "mixed model")
    group, member = rng.normal(0, 0.3, (GROUPS, 1, 1)), rng.normal(0, 0.2, (GROUPS, MEMBERS, 1))
    return group + member + rng.normal(0, 0.4, (GROUPS, MEMBERS, ROWS))


def by_mixed_model(reward):
    """(noise, group, member) variances of reward = intercept + group + member + noise, by statsmodels."""
    group = np.repeat(np.arange(GROUPS), MEMBERS * ROWS)
    inside = np.tile(np.repeat(np.arange(MEMBERS), ROWS), GROUPS)
    one_hot = [np.eye(MEMBERS)[inside[group == g]] for g in range(GROUPS)]
    parts = VCSpec(["member"], [[["m"] * MEMBERS] * GROUPS], [one_hot])
    model = MixedLM(
        reward.ravel(), np.ones((reward.size, 1)), group, np.ones((reward.size, 1)), exog_vc=parts
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its optimiser says on its way
        found = model.fit(reml=False, method=["lbfgs"], gtol=1e-10, maxiter=500)
    return np.array([found.scale, found.cov_re[0, 0], found.vcomp[0]]), float(found.fe_params[0])


def by_messages(reward, mean):
    """The same by our own likelihood, the intercept known, without a prior."""
    count = np.full((GROUPS * MEMBERS, 1), float(ROWS))
    centred = (reward - mean).reshape(GROUPS * MEMBERS, ROWS)
    seen = Observed(
        plain=precision_form(count, centred.sum(axis=1, keepdims=True), 1.0),
        rows=float(reward.size),
        square=float(np.square(centred).sum()),
        group=np.repeat(np.arange(GROUPS), MEMBERS),
        personal=np.ones(GROUPS * MEMBERS, bool),
    )
    found = fit(seen, Fitted(0.1, np.array([0.0, 0.1, 0.1]), np.zeros(3)), weight=0.0)
    return np.array([found.noise, found.baseline[1], found.baseline[2]])


def test_spreads_of_groups_and_members_are_those_of_a_mixed_model():
    reward = synthetic_rewards()
    theirs, mean = by_mixed_model(reward)
    # at the maximum both likelihoods are flat: searches that end within 1e-9 of it agree to √1e-9 or so
    assert by_messages(reward, mean) == pytest.approx(theirs, rel=1e-3)
