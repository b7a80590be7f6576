"""What looks best, and now and then anything."""

from typing import ClassVar

import msgspec

from engagement.bandits.greedy import greedy
from engagement.records import Bools, Course, Floats, Scores


class EpsilonGreedy(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="epsilon_greedy"
):
    """ρ = ε/K′ for each of the K′ available actions, and 1 − ε shared by those of the highest mean.

    epsilon : the share that is left to chance, whatever is believed (Sutton & Barto 2018, section 2.2)
    """

    USES: ClassVar[frozenset[str]] = frozenset({"scores"})

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ValueError("epsilon is a probability")

    def flaw(self, actions: int) -> None:
        """None: it chooses among any number of actions."""

    def probabilities(
        self,
        scores: Scores,
        available: Bools,
        course: Course,  # noqa: ARG002  the same to the last decision
    ) -> Floats:
        """Greedy with a share of chance; see `Allocation.probabilities`."""
        count = available.sum(axis=1, keepdims=True)
        if not count.all():
            raise ValueError("every row needs an available action")
        chance: Floats = self.epsilon * available / count
        return chance + (1 - self.epsilon) * greedy(scores.mean, available)
