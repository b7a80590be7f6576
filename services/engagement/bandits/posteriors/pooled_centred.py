"""Pooled, with actions centred at their propensities: w_i = (α_i, δ, ζ, η, γ_1,i …, β_1,i …).

    r = α_i + x'δ + Σ_k π_k·(z_k'ζ + γ_{k,i}) + Σ_k (1[a = k] − π_k)·(z_k'η + β_{k,i}) + ε,

over the actions other than `none`, π the logged propensities of the row. Given the history, 1[a = k] − π_k
has mean 0, so that no error in the rest of the model biases β: neither drift, season and wear, nor a
baseline that moves together with what was tried (Greenewald et al. 2017, arXiv 1711.03596; Liao et al.
2020, 10.1145/3381007). With the middle part α still means "without any action"; where the model is right,
γ = β and ζ = η, which is why each pair has the same prior.

The price: every row touches every action that was available, a member's sums are a whole matrix (105
numbers at K = 7, against 15), and an effect is learned from less of the data.
"""

import numpy as np

from engagement.bandits.pooled import Moments, Pooled
from engagement.records import Batch, Floats
from engagement.stats.tree_pooling import Likelihood


class PooledCentred(Pooled, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pooled_centred"):
    """See `bandits.pooled.Pooled`. A member's sums: the upper triangle of Σzz' with z = (φ, r)."""

    def _design(self, actions: int) -> tuple[int, int]:
        d = 2 * actions - 1 + len(self._shared())
        return d, (d + 1) * (d + 2) // 2

    def _sums(self, batch: Batch, actions: int) -> Floats:
        taken, shares = np.eye(actions)[batch.action][:, 1:], batch.probability[:, 1:]
        x = self._explaining(batch)
        z = np.column_stack([np.ones(len(taken)), x, shares, taken - shares, batch.reward])
        one, other = np.triu_indices(z.shape[1])
        return z[:, one] * z[:, other]

    def _moments(self, sums: Floats, actions: int) -> Moments:
        d, _ = self._design(actions)
        one, other = np.triu_indices(d + 1)
        square = np.zeros((len(sums), d + 1, d + 1))
        square[:, one, other] = square[:, other, one] = sums
        Q, h = square[:, :d, :d], square[:, :d, d]
        effects = self._expected(actions)
        mean = np.concatenate([[self.baseline_mean], self._shared_means(), effects, effects])
        expected = np.einsum("mij,j->mi", Q, mean)
        rest = square[:, d, d] - 2 * np.einsum("mi,i->m", h, mean) + np.einsum("mi,i->m", expected, mean)
        return Moments(Likelihood(Q, h - expected), Q[:, 0, 0], rest)

    def _shared(self) -> Floats:
        return np.concatenate([super()._shared(), [slope.sd**2 for slope in self.slopes]])

    def _shared_means(self) -> Floats:
        return np.concatenate([super()._shared_means(), [slope.mean for slope in self.slopes]])

    def _taken(self, batch: Batch, shares: Floats) -> Floats:
        middle = super()._taken(batch, batch.probability)
        return np.column_stack([middle, super()._taken(batch, shares) - middle])
