"""Pooled, with a baseline that the effects stand on: w_i = (α_i, δ, η, β_1,i … β_{K−1},i).

    r = α_i + x'δ + Σ_k 1[a = k]·(z_k'η + β_{k,i}) + ε,   β_none = 0 and z_none = 0.

Uncentred on purpose: a row touches the action taken and the baseline only, so that all a member ever
showed is n_k, s_k = Σr and Σr², some 150 bytes at K = 7. The price is that a wrong baseline could bias
an effect, where it moves together with how often an action was tried; `pooled_centred` pays another.
The p numbers of the offset and of slopes, (x, z_a) in one, add what they have to do with each action, with
one another and with the reward.
"""

import numpy as np

from engagement.bandits.empirical_bayes import precision_form
from engagement.bandits.pooled import Moments, Pooled
from engagement.records import Batch, Floats
from engagement.stats.tree_pooling import Likelihood


class PooledLinear(Pooled, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pooled_linear"):
    """See `bandits.pooled.Pooled`.

    A member's sums: n_0 …, s_0 …, Σr², 2K + 1 numbers; with p in offset and slopes together, Σx by
    action, the upper triangle of Σxx', and Σxr: K·p + p(p + 1)/2 + p more.
    """

    def _design(self, actions: int) -> tuple[int, int]:
        p = len(self._shared())
        return actions + p, 2 * actions + 1 + actions * p + p * (p + 1) // 2 + p

    def _sums(self, batch: Batch, actions: int) -> Floats:
        taken, x = np.eye(actions)[batch.action], self._explaining(batch)
        one, other = np.triu_indices(x.shape[1])
        by_action = (taken[:, :, None] * x[:, None, :]).reshape(len(x), actions * x.shape[1])
        rewarded = batch.reward[:, None]
        return np.column_stack(
            [taken, taken * rewarded, batch.reward**2, by_action, x[:, one] * x[:, other], x * rewarded]
        )

    def _moments(self, sums: Floats, actions: int) -> Moments:
        n, s = sums[:, :actions], sums[:, actions : 2 * actions]
        mean = self.baseline_mean + np.concatenate([[0.0], self._expected(actions)])
        square = sums[:, 2 * actions] - 2 * s @ mean + n @ mean**2
        plain = Moments(precision_form(n, s - mean * n, 1.0), n.sum(axis=1), square)
        return self._beside_shared(plain, sums[:, 2 * actions + 1 :], mean)

    def _beside_shared(self, plain: Moments, sums: Floats, mean: Floats) -> Moments:
        """Of w = (α, δ, η, β), from what is seen of (α, β), the sums in which x stands, and E r by action."""
        members, actions = plain.seen.h.shape
        expected = self._shared_means()
        p = len(expected)
        if not p:
            return plain
        by_action = sums[:, : actions * p].reshape(members, actions, p)
        Q, h = np.zeros((members, actions + p, actions + p)), np.zeros((members, actions + p))
        effects, x = np.array([0, *range(1 + p, actions + p)]), np.arange(1, 1 + p)
        Q[:, effects[:, None], effects], h[:, effects] = plain.seen.Q, plain.seen.h
        # every row touches the baseline
        met = np.concatenate([by_action.sum(axis=1, keepdims=True), by_action[:, 1:]], axis=1)
        Q[:, effects[:, None], x], Q[:, x[:, None], effects] = met, np.swapaxes(met, 1, 2)
        one, other = np.triu_indices(p)
        Q[:, 1 + one, 1 + other] = Q[:, 1 + other, 1 + one] = sums[:, actions * p : -p]
        h[:, x] = sums[:, -p:] - np.einsum("mkp,k->mp", by_action, mean)
        moved = np.einsum("mij,j->mi", Q[:, :, x], expected)
        square = plain.square - (2 * h[:, x] - moved[:, x]) @ expected
        return Moments(Likelihood(Q, h - moved), plain.rows, square)
