"""What a process may keep in memory: only what cannot change under its key.

Pointers, consent, the stop switch, tallies and what is left are read in every batch, so nothing
here ever needs to be invalidated.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from engagement.bandits.featured import Known
from engagement.records import Floats
from engagement.strategy.setup import Catalogue
from engagement.strategy.strategy import Strategy

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """A mapping that forgets what was put in longest ago when it grows beyond its size."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is held under a key, or None."""
        return self._held.get(key)

    def __setitem__(self, key: K, value: V) -> None:
        self._held[key] = value
        while len(self._held) > self._size:
            self._held.popitem(last=False)


class Kept:
    """One process's memory of what cannot change."""

    def __init__(self) -> None:
        self.catalogues: Bounded[tuple[str, int], Catalogue] = Bounded(256)
        self.secrets: Bounded[str, bytes] = Bounded(10_000)
        self.in_force: Bounded[tuple[str, str, int], tuple[Strategy, Strategy]] = Bounded(1024)
        self.ranked: Bounded[tuple[str, int], Known] = Bounded(64)
        self.nodes: Bounded[tuple[str, str, int, str], Floats] = Bounded(4096)
        self.settled: Bounded[tuple[str, str, int, int, str], Floats] = Bounded(4096)
