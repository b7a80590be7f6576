"""Pooled, with a baseline that the effects stand on: w_i = (α_i, β_1,i … β_{K−1},i).

    r = α_i + Σ_k 1[a = k]·β_{k,i} + ε,   β_none = 0.

Uncentred on purpose: a row touches the action taken and the baseline only, so that all a member ever
showed is n_k, s_k = Σr and Σr², some 150 bytes at K = 7. The price is that a wrong baseline could bias
an effect, where it moves together with how often an action was tried; `pooled_centred` pays another.
"""

import numpy as np

from engagement.bandits.empirical_bayes import precision_form
from engagement.bandits.pooled import Moments, Pooled
from engagement.records import Batch, Floats


class PooledLinear(Pooled, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pooled_linear"):
    """See `bandits.pooled.Pooled`. A member's sums: n_0 …, s_0 …, Σr², 2K + 1 numbers."""

    def _design(self, actions: int) -> tuple[int, int]:
        return actions, 2 * actions + 1

    def _sums(self, batch: Batch, actions: int) -> Floats:
        taken = np.eye(actions)[batch.action]
        return np.column_stack([taken, taken * batch.reward[:, None], batch.reward**2])

    def _moments(self, sums: Floats, actions: int) -> Moments:
        n, s = sums[:, :actions], sums[:, actions : 2 * actions]
        mean = self.baseline_mean + np.concatenate([[0.0], self._expected(actions)])
        square = sums[:, -1] - 2 * s @ mean + n @ mean**2
        return Moments(precision_form(n, s - mean * n, 1.0), n.sum(axis=1), square)
