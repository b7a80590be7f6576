"""One belief for actions that come with features, against a dense regression of the same rows."""

import numpy as np
import pytest

from engagement.bandits.featured import (
    DIMENSIONS,
    NOISE_SD,
    WEIGHT_SD,
    Known,
    features,
    folded,
    known,
    scores,
)
from engagement.errors import Unusable
from engagement.randomness import generator
from engagement.records import ROOT, Named

RNG = generator(7, "featured")


def some(count, rng=RNG):
    return Named(rng.integers(0, 2**64, count, dtype=np.uint64), rng.normal(size=count))


def rows(count, rng=RNG):
    phi = np.stack([features(some(4, rng), some(3, rng)) for _ in range(count)])
    return phi, rng.uniform(-1, 1, count), np.ones(count)


def test_the_posterior_is_that_of_a_dense_regression():
    phi, reward, weight = rows(40)
    found = known(folded({}, phi, reward, weight))
    # by the rows instead of the features: cov = τ²I − τ²Φ'(σ²I + τ²ΦΦ')⁻¹Φτ²
    gain = WEIGHT_SD**2 * phi.T @ np.linalg.inv(NOISE_SD**2 * np.eye(40) + WEIGHT_SD**2 * phi @ phi.T)
    np.testing.assert_allclose(found.mean, gain @ reward, atol=1e-10)
    covariance = WEIGHT_SD**2 * (np.eye(DIMENSIONS) - gain @ phi)
    np.testing.assert_allclose(found.root.T @ found.root, covariance, atol=1e-10)


def test_pieces_in_any_order_give_what_the_whole_gives_and_a_row_can_be_taken_out():
    phi, reward, weight = rows(30)
    whole = folded({}, phi, reward, weight)[ROOT]
    pieces = {}
    for part in (slice(20, 30), slice(0, 7), slice(7, 20)):
        pieces = folded(pieces, phi[part], reward[part], weight[part])
    np.testing.assert_allclose(pieces[ROOT], whole, rtol=1e-9, atol=1e-12)
    more = folded({ROOT: whole}, phi[:1], np.array([0.3]), np.ones(1))
    again = folded(more, phi[:1], np.array([0.3]), -np.ones(1))
    np.testing.assert_allclose(again[ROOT], whole, rtol=1e-9, atol=1e-12)


def test_scores_are_differences_from_the_mean_of_what_is_available():
    phi, reward, weight = rows(40)
    belief = known(folded({}, phi, reward, weight))
    some_phi, available = rows(5)[0], np.array([True, False, True, True, True])
    found = scores(belief, some_phi[None], available[None])
    assert (found.mean.shape, found.sd.shape) == ((1, 5), (1, 5))
    plain = some_phi @ belief.mean
    np.testing.assert_allclose(found.mean[0], plain - plain[available].mean(), atol=1e-12)
    covariance = belief.root.T @ belief.root
    contrast = some_phi - some_phi[available].mean(axis=0)
    variance = np.einsum("kd,de,ke->k", contrast, covariance, contrast)
    np.testing.assert_allclose(found.sd[0], np.sqrt(variance), atol=1e-12)


def test_what_actions_share_says_nothing_of_which_is_better():
    one = some(3)
    belief = known({})
    alike = np.stack([features(moment, one) for moment in (some(4),)] * 3)
    found = scores(belief, alike[None], np.ones((1, 3), np.bool_))
    assert np.abs(found.mean).max() == 0
    np.testing.assert_allclose(found.sd, 0, atol=1e-12)


def test_each_part_of_a_long_list_weighs_less():
    """Constant, moment, action, products: each part has the length 1 on average, however many features."""
    for count in (1, 5, 60):
        ones = [Named(some(count).names, np.ones(count)) for _ in range(200)]
        pairs = zip(ones, ones[::-1], strict=True)
        squares = [np.square(features(moment, action)).sum() for moment, action in pairs]
        assert np.mean(squares) == pytest.approx(4, abs=0.5)


def test_without_features_only_the_constant_is_left():
    phi = features(some(0), some(0))
    assert np.square(phi).sum() == 1


@pytest.mark.parametrize("node", [np.zeros(3), np.full(33_154, np.nan)])
def test_sums_that_no_rows_could_have_are_unusable(node):
    with pytest.raises(Unusable):
        known({ROOT: node})


def test_scores_that_are_not_finite_are_unusable():
    belief = Known(np.full(DIMENSIONS, np.inf), np.eye(DIMENSIONS))
    with pytest.raises(Unusable), np.errstate(invalid="ignore"):
        scores(belief, rows(2)[0][None], np.ones((1, 2), np.bool_))
