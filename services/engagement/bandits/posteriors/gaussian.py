"""Each action has a mean reward of its own, whatever the features; the noise is known."""

from collections.abc import Sequence
from math import inf
from typing import Self

import msgspec
import numpy as np

from engagement.bandits.expected import learned
from engagement.bandits.program_wide import ProgramWide, must_be_counts, must_be_positive
from engagement.errors import Unusable
from engagement.records import Batch, Floats, Nodes, Points, Scores


class Gaussian(ProgramWide, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="gaussian"):
    """r | a = k ~ N(μ_k, σ²), μ_k ~ N(m₀, τ²), independent; `none` is an arm like the others.

    prior_mean, prior_sd : m₀ and τ, in units of the reward      noise_sd : σ, known, not learned
    For results that are not success or not, such as minutes put on a scale; the defaults are for 0 to 1.
    What is `expected` of an action counts as `worth` results that average `mean`.

    μ_k | y ~ N((m₀/τ² + Σr/σ²)/(1/τ² + n/σ²), 1/(1/τ² + n/σ²)) (Gelman et al., Bayesian Data Analysis,
    3rd ed., section 2.5).

    The sums: Σ w for each action, then Σ w·r for each action, 2K numbers.
    """

    prior_mean: float = 0.5
    prior_sd: float = 0.3
    noise_sd: float = 0.45

    def __post_init__(self) -> None:
        super().__post_init__()
        must_be_positive(prior_sd=self.prior_sd, noise_sd=self.noise_sd)
        if not -inf < self.prior_mean < inf:
            raise ValueError(f"prior_mean is a finite number in units of the reward, not {self.prior_mean}")

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each action's mean reward, alike for all points; see `Posterior.scores`."""
        count, total = self._totals(nodes, actions)
        precision = 1 / self.prior_sd**2 + np.maximum(count, 0) / self.noise_sd**2
        mean = (self.prior_mean / self.prior_sd**2 + total / self.noise_sd**2) / precision
        sd = np.sqrt(1 / precision)
        if not np.isfinite(mean).all():
            raise Unusable("the scores of the belief are not finite")
        rows = (len(points.features), actions)
        return Scores("normal", np.broadcast_to(mean, rows).copy(), np.broadcast_to(sd, rows).copy())

    def as_prior(self, nodes: Nodes, actions: Sequence[str], most: float) -> Self:
        """The same belief, expecting what it has learned; each action worth at most so many results."""
        count, total = self._totals(nodes, len(actions))
        return msgspec.structs.replace(self, expected=learned(actions, count, total, most))

    def _size(self, actions: int, features: int) -> int:  # noqa: ARG002  features are not looked at
        return 2 * actions

    def _sums(self, batch: Batch, actions: int) -> Floats:
        count = np.bincount(batch.action, batch.weight, actions)
        total = np.bincount(batch.action, batch.weight * batch.reward, actions)
        return np.concatenate([count, total])

    def _totals(self, nodes: Nodes, actions: int) -> Floats:
        """(2, K): results and their sum, those expected among them."""
        sums = self._seen(nodes, actions, 1).reshape(2, actions)
        must_be_counts(sums[0])
        return sums + self._imagined(actions, 1).reshape(2, actions)
