"""The time. Everything else is told it; only this file asks."""

import time
from typing import Protocol

from engagement.errors import Invalid

SIMULATED_UNTIL_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z: beyond it there are no days left to look ahead to, and too many to look back on."""


class Clock(Protocol):
    """Says what time it is, in milliseconds since the Unix epoch."""

    @property
    def simulated(self) -> bool:
        """Whether the time is made up."""
        ...

    def now_ms(self) -> int:
        """The present moment."""
        ...


class SystemClock:
    """The machine's own clock."""

    simulated = False

    def now_ms(self) -> int:
        """The present moment."""
        return time.time_ns() // 1_000_000


class SimulatedClock:
    """A clock that stands still until it is moved, and never goes back."""

    simulated = True

    def __init__(self, start_ms: int) -> None:
        self._now_ms = _simulable(start_ms)

    def now_ms(self) -> int:
        """The present moment of the simulation."""
        return self._now_ms

    def move_to(self, moment_ms: int) -> None:
        """Moves time forward."""
        if moment_ms < self._now_ms:
            raise Invalid("a simulated clock only moves forward")
        self._now_ms = _simulable(moment_ms)


def _simulable(moment_ms: int) -> int:
    if not 0 <= moment_ms <= SIMULATED_UNTIL_MS:
        raise Invalid("simulated time begins with the year 1970 and ends with 2099")
    return moment_ms
