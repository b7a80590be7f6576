"""The time. Everything else is told it; only this file asks."""

import time
from typing import Protocol

from engagement.errors import Invalid


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
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """The present moment of the simulation."""
        return self._now_ms

    def move_to(self, moment_ms: int) -> None:
        """Moves time forward."""
        if moment_ms < self._now_ms:
            raise Invalid("a simulated clock only moves forward")
        self._now_ms = moment_ms
