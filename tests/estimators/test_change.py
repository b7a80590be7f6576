"""Changes between two surveys against regressions of statsmodels, by hand, and by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

from engagement.errors import Invalid
from engagement.estimators.change import (
    Panel,
    Sections,
    adjusted_difference,
    difference_in_differences,
    mean_change,
)


def panel(rng, groups=10, size=6, effect=0.5):
    """People who stay what they are in part, in groups that are alike; the odd ones are the second arm."""
    cluster = np.repeat(np.arange(groups), size)
    second = cluster % 2 == 1
    own = rng.normal(size=groups * size)
    before = 3 + own + rng.normal(size=groups * size)
    shared = rng.normal(0, 0.5, groups)[cluster]
    after = 3.5 + own + shared + effect * second + rng.normal(size=groups * size)
    return Panel(before, after, second, cluster)


def sections(rng, groups=10, size=6):
    cluster = np.repeat(np.arange(groups), 2 * size)
    later = np.tile(np.repeat([False, True], size), groups)
    second = cluster % 2 == 1
    value = rng.normal(size=len(cluster)) + 0.4 * later + rng.normal(0, 0.5, groups)[cluster]
    return Sections(value, later, second, cluster)


def fitted(design, outcome, cluster):
    """Least squares with the bias-reduced errors of estimating equations, by statsmodels."""
    return sm.GEE(outcome, design, groups=cluster).fit(cov_type="bias_reduced")


def agrees(found, model, place):
    assert found.value == pytest.approx(model.params[place])
    assert found.sd == pytest.approx(model.bse[place], rel=1e-6)


def test_a_mean_change_is_that_of_the_same_people_by_hand():
    rows = Panel(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]), np.zeros(3, bool), np.arange(3))
    found = mean_change(rows)
    assert found.value == 2.0
    # the mean without group i lies r_i/2 away, with r = −1, 0, 1
    assert found.sd == pytest.approx(np.sqrt(0.5**2 + 0.5**2))
    assert (found.freedom, found.clusters) == (2, 3)
    assert found.interval().high == pytest.approx(2 + 4.302653 * found.sd, rel=1e-6)


def test_a_difference_in_differences_is_that_of_four_means():
    value = np.array([1.0, 3, 2, 2, 5, 7, 4, 10])
    later = np.array([0, 0, 1, 1, 0, 0, 1, 1], bool)
    second = np.array([0, 0, 0, 0, 1, 1, 1, 1], bool)
    found = difference_in_differences(Sections(value, later, second, np.arange(8)))
    assert found.value == pytest.approx((7 - 6) - (2 - 2))


def test_adjusted_differences_are_those_of_statsmodels():
    rows = panel(np.random.default_rng(1))
    design = sm.add_constant(np.column_stack([rows.second, rows.before]).astype(float))
    agrees(adjusted_difference(rows), fitted(design, rows.after, rows.cluster), 1)


def test_differences_of_changes_are_those_of_statsmodels():
    rows = panel(np.random.default_rng(2))
    design = sm.add_constant(rows.second.astype(float))
    agrees(difference_in_differences(rows), fitted(design, rows.after - rows.before, rows.cluster), 1)


def test_interactions_of_arm_and_time_are_those_of_statsmodels():
    rows = sections(np.random.default_rng(3))
    product = rows.second & rows.later
    design = sm.add_constant(np.column_stack([rows.second, rows.later, product]).astype(float))
    agrees(difference_in_differences(rows), fitted(design, rows.value, rows.cluster), 3)


def test_changes_between_different_people_are_those_of_statsmodels():
    rows = sections(np.random.default_rng(4))
    agrees(mean_change(rows), fitted(sm.add_constant(rows.later.astype(float)), rows.value, rows.cluster), 1)


def test_with_many_clusters_the_errors_are_those_of_regression_with_clustered_errors():
    """Both corrections for few clusters vanish: with G = 400 and K = 3 they differ by about K/G."""
    rows = panel(np.random.default_rng(5), groups=400, size=3)
    design = sm.add_constant(np.column_stack([rows.second, rows.before]).astype(float))
    model = sm.OLS(rows.after, design).fit(cov_type="cluster", cov_kwds={"groups": rows.cluster})
    assert adjusted_difference(rows).sd == pytest.approx(model.bse[1], rel=0.02)


def test_with_eight_groups_an_interval_misses_about_as_often_as_it_says():
    """400 trials: the share that misses has an error of √(.05·.95/400) = .011, three of which are .033."""
    rng = np.random.default_rng(6)
    found = [adjusted_difference(panel(rng, groups=8)).interval() for _ in range(400)]
    missed = np.mean([not one.low <= 0.5 <= one.high for one in found])
    assert missed <= 0.05 + 0.033


def test_units_of_an_outcome_change_nothing_but_the_unit():
    rows = panel(np.random.default_rng(7))
    found = adjusted_difference(rows)
    larger = adjusted_difference(rows._replace(before=1e6 * rows.before + 1e9, after=1e6 * rows.after))
    assert (larger.value, larger.sd) == (
        pytest.approx(1e6 * found.value, rel=1e-6),
        pytest.approx(1e6 * found.sd, rel=1e-6),
    )


def test_where_everybody_began_alike_there_is_nothing_to_adjust_for():
    rows = panel(np.random.default_rng(8))._replace(before=np.zeros(60))
    found, plain = adjusted_difference(rows), difference_in_differences(rows)
    assert found == pytest.approx(plain)


@pytest.mark.parametrize("groups", [[0, 0, 1, 1], [0, 1, 2, 2]])
def test_one_cluster_in_an_arm_gives_a_difference_without_an_error(groups):
    rows = Panel(np.array([1.0, 2, 3, 5]), np.array([2.0, 2, 5, 5]), np.array([0, 0, 1, 1], bool),
                 np.array(groups))  # fmt: skip
    found = difference_in_differences(rows)
    assert found.value == pytest.approx(0.5)
    assert np.isnan(found.sd)
    assert found.interval() is None


def test_an_arm_without_anybody_is_refused():
    rows = sections(np.random.default_rng(9))
    with pytest.raises(Invalid):
        difference_in_differences(rows._replace(second=np.zeros(len(rows.value), bool)))
    with pytest.raises(Invalid):
        mean_change(Panel(*(np.zeros(0),) * 2, np.zeros(0, bool), np.zeros(0, int)))
