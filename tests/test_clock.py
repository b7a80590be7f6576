"""The two clocks."""

import time

import pytest

from engagement.clock import SimulatedClock, SystemClock
from engagement.errors import Invalid


def test_the_systems_clock_tells_the_machines_time_in_milliseconds() -> None:
    before, now, after = time.time_ns(), SystemClock().now_ms(), time.time_ns()
    assert before // 1_000_000 <= now <= after // 1_000_000


def test_a_simulated_clock_stands_still_until_it_is_moved() -> None:
    clock = SimulatedClock(1_000)
    assert (clock.now_ms(), clock.now_ms()) == (1_000, 1_000)
    clock.move_to(2_000)
    assert clock.now_ms() == 2_000


def test_a_simulated_clock_never_goes_back_and_may_stay() -> None:
    clock = SimulatedClock(1_000)
    clock.move_to(1_000)
    with pytest.raises(Invalid, match="only moves forward"):
        clock.move_to(999)
    assert clock.now_ms() == 1_000


@pytest.mark.parametrize("moment_ms", [-1, 4_102_444_800_001, 253_402_300_799_999])
def test_simulated_time_leaves_room_to_look_back_and_ahead(moment_ms: int) -> None:
    with pytest.raises(Invalid, match="2099"):
        SimulatedClock(moment_ms)
    clock = SimulatedClock(4_102_444_800_000)
    with pytest.raises(Invalid):
        clock.move_to(moment_ms)
    assert clock.now_ms() == 4_102_444_800_000
