"""Rates and their limits: against published values, by the tail they are made of, and by simulation."""

import numpy as np
import pytest
from scipy.stats import poisson

from engagement.errors import Invalid
from engagement.estimators.looking import at_look
from engagement.estimators.rates import exact, rate, shown_above


@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390)]
)
def test_exact_limits_are_those_of_the_tables(events: int, low: float, high: float):
    # Garwood 1936; as in Breslow & Day 1987, table 2.10
    assert exact(events, 1.0) == pytest.approx((low, high), abs=1e-3)


def test_a_rate_is_for_each_unit_of_exposure():
    found = rate(np.array([2.0, 1.0, 0.0]), np.array([1.0, 2.0, 3.0]))
    assert (found.events, found.exposure, found.value) == (3, 6.0, 0.5)
    assert (found.low, found.high) == pytest.approx(np.array(exact(3, 1.0)) / 6)


def test_where_events_cluster_the_interval_is_wider():
    exposure = np.ones(20)
    spread, heaped = np.ones(20), np.array([20.0] + [0.0] * 19)
    assert rate(spread, exposure)[3:] == pytest.approx(exact(20, 20.0))
    # heaped: mean 1, standard error √(20²·.95 − …): all of it in one of 20 clusters, 1.0; t(19) reaches 2.09
    assert rate(heaped, exposure).low == 0.0
    assert rate(heaped, exposure).high == pytest.approx(1 + 2.093, abs=0.01)


def test_nobody_watched_is_no_rate():
    with pytest.raises(Invalid, match="watched"):
        rate(np.zeros(2), np.zeros(2))


def test_what_a_look_shows_leaves_the_tail_that_it_may():
    for look in (1, 2, 7):
        least = shown_above(4, 2.0, look)
        assert poisson.sf(3, 2.0 * least) == pytest.approx(at_look(0.05, look), rel=1e-9)
    assert shown_above(0, 2.0, 1) == 0.0


def test_a_rate_at_the_limit_is_seldom_called_too_high_however_often_it_is_looked_at():
    # 2,000 arms at the limit, looked at for 36 months: at most 5 % ever breach, and √(.05·.95/2000) = .005
    rng, most, months = np.random.default_rng(1), 2.0, 36
    total = rng.poisson(most * 0.5, (2_000, months)).cumsum(axis=1)
    breached = np.zeros(len(total), np.bool_)
    for month in range(months):
        limit = {n: shown_above(n, 0.5 * (month + 1), month + 1) > most for n in np.unique(total[:, month])}
        breached |= np.array([limit[n] for n in total[:, month]])
    assert breached.mean() <= 0.05 + 3 * 0.005
    once = poisson.sf(total[:, -1] - 1, most * 0.5 * months) < 0.05
    assert once.mean() > 0.02  # a single look at the same arms would use its 5 %
