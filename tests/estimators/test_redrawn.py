"""Redraws of clusters, against what can be counted."""

from itertools import product

import numpy as np
import pytest

from engagement.estimators.redrawn import average, least, redrawn


def test_the_interval_is_that_of_every_redraw_there_could_be():
    """Three clusters: all 27 redraws, and their quantiles."""
    inside = [np.array([0.0, 1.0]), np.array([4.0]), np.array([2.0, 2.0, 5.0])]
    every = [np.concatenate([inside[n] for n in one]).mean() for one in product(range(3), repeat=3)]
    values, cluster = np.concatenate(inside), np.repeat([0, 1, 2], [2, 1, 3])
    found = redrawn(values, cluster, average, np.random.default_rng(1), 40_000)
    # each of the 27 has a chance of 1/27 > 2.5 %, so both ends are the outermost redraws
    assert found == pytest.approx((min(every), max(every)))


def test_its_width_is_that_of_the_mean_where_clusters_are_single_values():
    values = np.random.default_rng(2).normal(size=400)
    found = redrawn(values, np.arange(400), average, np.random.default_rng(3), 4000)
    expected = 2 * 1.96 * values.std() / 20
    assert found.high - found.low == pytest.approx(expected, rel=0.08)


def test_one_cluster_has_no_interval():
    assert redrawn(np.ones(3), np.zeros(3, int), average, np.random.default_rng(1)) is None


def test_the_lowest_quarter_is_rounded_down_and_one_at_least():
    assert least(np.array([5.0, 1.0, 3.0, 2.0, 4.0, 6.0, 7.0, 8.0])) == 1.5
    assert least(np.array([3.0, 9.0])) == 3.0
