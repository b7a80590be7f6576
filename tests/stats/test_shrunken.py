"""Shares of which little is known, beside the Beta distribution of SciPy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from engagement.stats.shrunken import shrunken


def test_few_reports_stay_near_the_mean_and_many_do_not():
    assert shrunken(2, 2, 0.5, 4.0).value == pytest.approx(4 / 6)
    assert shrunken(200, 200, 0.5, 4.0).value == pytest.approx(202 / 204)


def test_nothing_known_is_the_mean():
    assert shrunken(0, 0, 0.3, 4.0).value == 0.3


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.05, 0.95), st.floats(0.5, 20))
def test_value_and_sd_are_those_of_the_posterior(yes, no, mean, strength):
    posterior = beta(strength * mean + yes, strength * (1 - mean) + no)
    share = shrunken(yes, yes + no, mean, strength)
    assert share == pytest.approx((posterior.mean(), posterior.std()))
