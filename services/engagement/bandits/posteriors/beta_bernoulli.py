"""Each action has a success rate of its own, whatever the features: Beta–Bernoulli."""

from collections.abc import Sequence
from math import inf
from typing import Self

import msgspec
import numpy as np

from engagement.bandits.expected import learned
from engagement.bandits.program_wide import ProgramWide, must_be_counts, must_be_rates, must_be_shares
from engagement.records import Batch, Floats, Nodes, Points, Scores


class BetaBernoulli(
    ProgramWide, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="beta_bernoulli"
):
    """r | a = k ~ Bernoulli(p_k), p_k ~ Beta(α_k, β_k), independent; `none` is an arm like the others.

    prior_successes, prior_failures : expected Bernoulli counts before any data, at least ½ (Jeffreys);
    1 and 1 is the uniform prior. Below ½ the density has poles that no quadrature of ours is made for.
    What is `expected` of an action adds worth·mean successes and worth·(1 − mean) failures to them.

    Conjugate updating (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4): α_k += Σ w·r and
    β_k += Σ w·(1 − r). A fractional reward r in [0, 1] counts as r of a success and 1 − r of a failure:
    the expected counts of a Bernoulli(r), not a posterior for the distribution of r itself.

    The sums: Σ w·r for each action, then Σ w·(1 − r) for each action, 2K numbers.
    """

    prior_successes: float = 1.0
    prior_failures: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("prior_successes", "prior_failures"):
            value = getattr(self, name)
            if not 0.5 <= value < inf:
                raise ValueError(f"{name} is a count of at least 0.5 (0.5 or 1 know least), not {value}")
        must_be_rates(self.expected)

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each action's Beta posterior, alike for all points; see `Posterior.scores`."""
        counts = self._counts(nodes, actions)
        a, b = np.maximum(counts, 0) + np.array([[self.prior_successes], [self.prior_failures]])
        mean = a / (a + b)
        sd = np.sqrt(mean * (b / (a + b)) / (a + b + 1))
        rows = (len(points.features), actions)
        return Scores("beta", np.broadcast_to(mean, rows).copy(), np.broadcast_to(sd, rows).copy())

    def as_prior(self, nodes: Nodes, actions: Sequence[str], most: float) -> Self:
        """The same belief, expecting what it has learned; each action worth at most so many results."""
        successes, failures = self._counts(nodes, len(actions))
        return msgspec.structs.replace(self, expected=learned(actions, successes + failures, successes, most))

    def _must_be_learnable(self, batch: Batch) -> None:
        must_be_shares(batch)

    def _size(self, actions: int, features: int) -> int:  # noqa: ARG002  features are not looked at
        return 2 * actions

    def _sums(self, batch: Batch, actions: int) -> Floats:
        successes = np.bincount(batch.action, batch.weight * batch.reward, actions)
        failures = np.bincount(batch.action, batch.weight * (1 - batch.reward), actions)
        return np.concatenate([successes, failures])

    def _counts(self, nodes: Nodes, actions: int) -> Floats:
        """(2, K): successes and failures, those expected among them."""
        counts = self._seen(nodes, actions, 1)
        must_be_counts(counts)
        return (counts + self._imagined(actions, 1)).reshape(2, actions)
