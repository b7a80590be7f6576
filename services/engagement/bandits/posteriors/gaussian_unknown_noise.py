"""Each action has a mean reward and a noise of its own, both learned: normal–inverse-χ²."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple, Self

import msgspec
import numpy as np

from engagement.bandits.expected import learned
from engagement.bandits.program_wide import ProgramWide, must_be_counts, must_be_positive
from engagement.bandits.unknown_noise import check_worth, spread
from engagement.errors import Unusable
from engagement.records import Batch, Floats, Nodes, Points, Scores


class _Told(NamedTuple):
    """What rows say of each action, (K,): how many, their mean, and Σ(r − mean)²."""

    rows: Floats
    mean: Floats
    square: Floats


class GaussianUnknownNoise(
    ProgramWide, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="gaussian_unknown_noise"
):
    """r | a = k ~ N(μ_k, σ_k²), μ_k ~ N(m₀, σ_k²/κ₀), σ_k² ~ ν₀s₀²/χ²(ν₀), independent for each action.

    prior_mean, prior_sd : m₀ and, where σ_k is what `noise_sd` says, the sd of μ_k: κ₀ = (noise_sd/prior_sd)²
    noise_sd, noise_worth : s₀, a first guess, and ν₀, the results that would tell it as well, at least 3
    `none` is an arm like the others. The defaults suit rewards in [0, 1]; others need the first three set.
    What is `expected` of an action counts as `worth` results for its mean and says nothing of its noise.

    With κ = κ₀ + n, m = (κ₀m₀ + Σr)/κ, ν = ν₀ + n and νs² = ν₀s₀² + Σ(r − r̄)² + κ₀n/κ·(r̄ − m₀)²,
    μ_k | y ~ m + s/√κ·t(ν) (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3).

    The sums: Σ w, Σ w·r and Σ w·r², each for each action, 3K numbers.
    """

    prior_mean: float = 0.5
    prior_sd: float = 0.3
    noise_sd: float = 0.45
    noise_worth: float = 6.0

    def __post_init__(self) -> None:
        super().__post_init__()
        must_be_positive(prior_sd=self.prior_sd, noise_sd=self.noise_sd)
        check_worth(self.noise_worth)
        if not -inf < self.prior_mean < inf:
            raise ValueError(f"prior_mean is a finite number in units of the reward, not {self.prior_mean}")

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean, sd and degrees of freedom of each action's mean reward; see `Posterior.scores`."""
        # what overflows is found among the scores
        with np.errstate(over="ignore", invalid="ignore"):
            seen, prior = self._told(nodes, actions), self._prior(actions)
            together = _joined(prior, seen)
            noise = spread(self.noise_sd, self.noise_worth, seen.rows, together.square)
            sd = noise.sd / np.sqrt(together.rows)
        if not (np.isfinite(together.mean).all() and np.isfinite(sd).all()):
            raise Unusable("the scores of the belief are not finite")
        rows = (len(points.features), actions)
        told = (np.broadcast_to(part, rows).copy() for part in (together.mean, sd, noise.freedom))
        return Scores("student", *told)

    def as_prior(self, nodes: Nodes, actions: Sequence[str], most: float) -> Self:
        """The same belief, expecting the means it has learned; each action worth at most so many results.

        The noise it has learned is not handed on: that is of each action, and the first guess of all.
        """
        seen = _joined(self._expected(len(actions)), self._told(nodes, len(actions)))
        return msgspec.structs.replace(
            self, expected=learned(actions, seen.rows, seen.rows * seen.mean, most)
        )

    def _size(self, actions: int, features: int) -> int:  # noqa: ARG002  features are not looked at
        return 3 * actions

    def _sums(self, batch: Batch, actions: int) -> Floats:
        powers = (batch.weight, batch.weight * batch.reward, batch.weight * batch.reward**2)
        return np.concatenate([np.bincount(batch.action, power, actions) for power in powers])

    def _told(self, nodes: Nodes, actions: int) -> _Told:
        """What was learned."""
        sums = self._seen(nodes, actions, 1).reshape(3, actions)
        must_be_counts(sums[0])
        return _summed_up(sums)

    def _expected(self, actions: int) -> _Told:
        """What is expected."""
        return _summed_up(self._imagined(actions, 1).reshape(3, actions))

    def _prior(self, actions: int) -> _Told:
        """κ₀ rows of mean m₀ for each action, and what is expected of it besides: nothing of its noise."""
        own = np.full(actions, (self.noise_sd / self.prior_sd) ** 2)
        told = _Told(own, np.full(actions, self.prior_mean), np.zeros(actions))
        return _joined(told, self._expected(actions))._replace(square=np.zeros(actions))


def _summed_up(sums: Floats) -> _Told:
    """From Σw, Σw·r and Σw·r², (3, K)."""
    rows = np.maximum(sums[0], 0)
    mean = np.where(rows > 0, sums[1] / np.where(rows > 0, rows, 1), 0)
    return _Told(rows, mean, sums[2] - rows * mean**2)


def _joined(one: _Told, other: _Told) -> _Told:
    """Both together, as one."""
    rows = one.rows + other.rows
    share = np.where(rows > 0, other.rows / np.where(rows > 0, rows, 1), 0)
    apart = other.mean - one.mean
    square = one.square + other.square + one.rows * share * apart**2
    return _Told(rows, one.mean + share * apart, square)
