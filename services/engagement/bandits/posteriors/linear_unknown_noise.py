"""Rewards are linear in the features, and how noisy they are is learned as well.

The model of `bandits.linear` with σ² ~ ν₀s₀²/χ²(ν₀), and both prior sds in units of σ: τ₀ and τ are what
`baseline_sd` and `effect_sd` say where σ is what `noise_sd` says. With η and Λ the joint normal equations
in units where σ = 1 (`stats.arrow`), rows expected among them, and η₀, Λ₀ those of what is expected alone,

    ν = ν₀ + Σw,   νs² = ν₀s₀² + Σw·r² + η₀'Λ₀⁻¹η₀ − η'Λ⁻¹η,   φ'β_k ~ φ'β̂_k + s·√(φ' Var(β_k) φ)·t(ν)

(Gelman et al., Bayesian Data Analysis, 3rd ed., sections 14.2 and 14.8; the effects' marginals).
"""

import numpy as np

from engagement.bandits.linear import Linear, Sums, with_none
from engagement.bandits.program_wide import must_be_counts
from engagement.bandits.unknown_noise import check_worth, spread
from engagement.errors import Unusable
from engagement.records import Nodes, Points, Scores
from engagement.stats.arrow import Arrow, along, arrow


class LinearUnknownNoise(
    Linear, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="linear_unknown_noise"
):
    """See `bandits.linear.Linear`. `noise_sd` is a first guess: the effects are Student's t.

    noise_worth : ν₀, results that would tell the noise as well as the guess does, at least 3
    """

    noise_worth: float = 6.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_worth(self.noise_worth)

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean, sd and degrees of freedom of each action's effect; see `Posterior.scores`."""
        seen, expected = self._known(nodes, points, actions)
        must_be_counts(np.array(seen.rows))
        together = Sums(seen.Q + expected.Q, seen.h + expected.h, seen.square, seen.rows)
        # what overflows is found among the scores
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                found, prior = self._told(together), self._told(expected)
            except np.linalg.LinAlgError as broken:
                raise Unusable("the precision of the belief is not positive definite") from broken
            misfit = np.array(seen.square + prior.explained - found.explained)
            noise = spread(self.noise_sd, self.noise_worth, np.array(seen.rows), misfit)
            mean, scale = along(points.features, found.mean, found.root)
            mean, sd = with_none(mean), with_none(scale * noise.sd)
        return Scores("student", mean, sd, np.full(mean.shape, noise.freedom))

    def _told(self, sums: Sums) -> Arrow:
        """In units where the noise is 1."""
        return arrow(sums.Q, sums.h, self.baseline_sd / self.noise_sd, self.effect_sd / self.noise_sd)
