import numpy as np
import pytest

from engagement.randomness import generator
from engagement.simulation.barriers import BARRIERS, BarrierRates, draw_barriers

ABSENT = BarrierRates(money=0.0, motivation=0.0, awareness=0.0, time_urban=0.0, time_rural=0.0, sabotage=0.0)


def test_barriers_at_rate_zero_are_never_drawn() -> None:
    assert not draw_barriers(ABSENT, np.array([True, False]), 8, generator(1)).any()


def test_lack_of_time_follows_the_setting_of_the_group() -> None:
    rates = BarrierRates(time_urban=1.0, time_rural=0.0)
    time = draw_barriers(rates, np.array([True, False]), 8, generator(1))[:, :, BARRIERS.index("time")]
    assert time.all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize("barrier", [name for name in BARRIERS if name != "time"])
def test_a_barrier_is_as_common_as_its_rate(barrier: str) -> None:
    """20,000 members: a share's standard error is at most .5/√20,000 = .0035; four are allowed."""
    drawn = draw_barriers(BarrierRates(), np.zeros(2_500, dtype=np.bool_), 8, generator(2))
    share = drawn[:, :, BARRIERS.index(barrier)].mean()
    assert share == pytest.approx(getattr(BarrierRates(), barrier), abs=0.014)
