"""What a feature is: a column in which a belief sees a picture, and how it is read."""

from collections.abc import Callable

import msgspec

from engagement.signals.picture import Picture
from engagement.signals.signal import Audience

Reading = Callable[[Picture, int], float]
"""(picture, now_ms) → the feature's value, NaN when it is not known."""


class Feature(msgspec.Struct, frozen=True):
    """A column: its name, what it says in plain words, who may see it, and its range in `unit`."""

    name: str
    label: str
    audience: Audience
    unit: str
    low: float = 0.0
    high: float = 1.0


def clipped(value: float) -> float:
    """The value, at most 1 in size. It stands first in both comparisons, so that NaN stays NaN."""
    return max(min(value, 1.0), -1.0)
