"""Rewards are linear in the features, with one baseline and an effect for each action; the noise is known."""

import numpy as np

from engagement.bandits.linear import Linear, with_none
from engagement.errors import Unusable
from engagement.records import Nodes, Points, Scores
from engagement.stats.arrow import along, arrow


class LinearGaussian(
    Linear, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="linear_gaussian"
):
    """See `bandits.linear.Linear`. `noise_sd` is known, not learned: the effects are normal."""

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean φ'β̂_k and sd √(φ' Var(β_k) φ) of each action's effect; see `Posterior.scores`."""
        seen, expected = self._known(nodes, points, actions)
        # what overflows is found among the scores
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                found = arrow(
                    (seen.Q + expected.Q) / self.noise_sd**2,
                    (seen.h + expected.h) / self.noise_sd**2,
                    self.baseline_sd,
                    self.effect_sd,
                )
            except np.linalg.LinAlgError as broken:
                raise Unusable("the precision of the belief is not positive definite") from broken
            mean, sd = along(points.features, found.mean, found.root)
        return Scores("normal", with_none(mean), with_none(sd))
