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


class Newest(Generic[K, V]):
    """What one version says of each key: the one put in last, since nobody goes back to those before.

    So memory grows with what there is, not with how often it was learned.
    """

    def __init__(self, size: int) -> None:
        self._held: Bounded[K, tuple[object, V]] = Bounded(size)

    def get(self, key: K, version: object) -> V | None:
        """What is held under a key of this version, or None."""
        found = self._held.get(key)
        return None if found is None or found[0] != version else found[1]

    def put(self, key: K, version: object, value: V) -> None:
        """Holds this instead of what another version said."""
        self._held[key] = version, value


class Kept:
    """One process's memory of what cannot change."""

    def __init__(self) -> None:
        self.catalogues: Bounded[tuple[str, int], Catalogue] = Bounded(256)
        self.secrets: Bounded[str, bytes] = Bounded(10_000)
        self.in_force: Newest[tuple[str, str], tuple[Strategy, Strategy]] = Newest(1024)
        self.ranked: Newest[str, Known] = Newest(64)
        self.nodes: Newest[tuple[str, str, str], Floats] = Newest(4096)
        self.settled: Newest[tuple[str, str, str], Floats] = Newest(4096)
