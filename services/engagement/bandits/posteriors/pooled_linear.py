"""Rewards of one person told from what all have shown: pooled over program → group → member.

    r = α_i + Σ_k 1[a = k]·β_{k,i} + ε,   β_none = 0,   ε ~ N(0, σ²),                              (1)

with w_i = (α_i, β_1,i … β_{K−1},i) of member i the sum of the program's, the group's and the member's
own part, each normal with a variance shared by all groups and all members (`stats.tree_pooling`, (1)).
A member with little history is told mostly by the group, a new group by the program, and each learns
its own ways as its data come in. An action's score is its effect β_k,i: that of `none` is 0 with sd 0.
A decision for a group as a whole is told by the group's part, w_g = θ + u_g, and learned into it.

Uncentred on purpose: a row touches the action taken and the baseline only, so that all a member ever
showed is n_k, s_k = Σr and Σr², some 150 bytes at K = 7. The price is that a wrong baseline could bias
an effect; `pooled_centred` pays the other price. Learned on the tree's nodes (`bandits.tree_nodes`).

Source: the linear special case of IntelligentPooling (Tomkins et al. 2021, 10.1007/s10994-021-05995-8),
computed exactly by messages instead of a kernel, whose cost is cubic in the number of rows.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
import numpy as np

from engagement.bandits import tree_nodes
from engagement.bandits.empirical_bayes import Fitted, Observed, fit, precision_form, variances
from engagement.bandits.tree_nodes import Tree
from engagement.errors import Invalid, Unusable
from engagement.records import Batch, Floats, Nodes, Points, Scores
from engagement.stats.tree_pooling import Likelihood, Normal

B = TypeVar("B", bound=msgspec.Struct)


class Spread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Standard deviations of one kind of number, in units of the reward.

    program : of what all share, around the prior mean      group : of a group around the program
    member : of a member around the group
    """

    program: float
    group: float
    member: float

    def __post_init__(self) -> None:
        if not all(0 <= sd < np.inf for sd in (self.program, self.group, self.member)):
            raise ValueError("a spread is made of standard deviations: finite and not negative")


class PooledLinear(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pooled_linear"
):
    """A baseline and an effect of each action for every member, pooled over group and program.

    baseline_mean : expected reward without any action      noise_sd : σ, in units of the reward
    baseline, effect : how far programs, groups and members lie apart
    refit : whether spreads and noise are fitted again as data come in, with these as their prior
    half_life_weeks : a result that closed so long before the newest one counts half; none: all alike
    The features of a strategy are not looked at: who it is says more than what is known of them.

    A member's sums: n_0 …, s_0 …, Σr², 2K + 1 numbers; twice as many where results fade.
    """

    baseline_mean: float = 0.5
    baseline: Spread = Spread(0.3, 0.2, 0.3)
    effect: Spread = Spread(0.15, 0.1, 0.1)
    noise_sd: float = 0.45
    refit: bool = True
    half_life_weeks: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.noise_sd < np.inf or not np.isfinite(self.baseline_mean):
            raise ValueError(
                "noise_sd is a positive number and baseline_mean a finite one, in units of the reward"
            )
        if self.half_life_weeks is not None and not 1 <= self.half_life_weeks < np.inf:
            raise ValueError("half_life_weeks is at least one week, or absent: then nothing fades")

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:
        """The program's node, the groups', and the blocks of large groups; see `Posterior.keys`."""
        return tree_nodes.keys(groups, members, known)

    def turns(self, nodes: Nodes, batch: Batch) -> bool:
        """Whether the batch begins a week, where results fade; see `Posterior.turns`."""
        return tree_nodes.turns(kept_a_week(self.half_life_weeks), nodes, batch)

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The groups' sums with the batch's rows in or out, and the program's with their messages."""
        if not len(batch.action):
            return {}
        if not np.isfinite(batch.reward).all():
            raise Invalid("rewards must be finite numbers")
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        taken = np.eye(actions)[batch.action]
        sums = np.column_stack([taken, taken * batch.reward[:, None], batch.reward**2])
        return tree_nodes.fold(self._tree(actions), nodes, batch, sums)

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each effect for the members asked about; see `Posterior.scores`."""
        found = tree_nodes.posterior(self._tree(actions), nodes, points.groups, points.members)
        return effects_of(found, actions)

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:
        """The messages that these spreads lead to; see `Posterior.renewed`."""
        return tree_nodes.renewed(self._tree(actions), nodes)

    def refitted(self, nodes: Nodes, actions: int) -> "PooledLinear | None":
        """The spreads and the noise that the nodes' sums make most plausible; see `Posterior.refitted`."""
        seen = tree_nodes.everything(self._tree(actions), nodes)
        n, s = seen.sums[:, :actions], seen.sums[:, actions : 2 * actions]
        if not self.refit or not n.sum() > 0:
            return None
        mu = self.baseline_mean
        square = float(seen.sums[:, -1].sum() - 2 * mu * s.sum() + mu**2 * n.sum())
        plain = precision_form(n, s - mu * n, 1.0)
        found = fit(Observed(plain, float(n.sum()), square, seen.group, seen.personal), self._declared())
        return None if found is None else with_fitted(self, found)

    def _declared(self) -> Fitted:
        return declared(self.noise_sd, self.baseline, self.effect)

    def _tree(self, actions: int) -> Tree:
        prior = variances(self._declared(), actions)
        return Tree(actions, 2 * actions + 1, prior, self._likelihood, kept_a_week(self.half_life_weeks))

    def _likelihood(self, sums: Floats) -> Likelihood:
        """(1) in precision form, w − μ of the members in rows: an arrow of counts, and sums."""
        actions = sums.shape[1] // 2
        n, s = sums[:, :actions], sums[:, actions : 2 * actions]
        if not (n > -1e-6).all():  # so that NaN fails too
            raise Unusable("a count of the belief is negative")
        return precision_form(n, s - self.baseline_mean * n, self.noise_sd**2)


def declared(noise_sd: float, baseline: Spread, effect: Spread) -> Fitted:
    """Standard deviations as variances."""
    squares = (np.square([one.program, one.group, one.member]) for one in (baseline, effect))
    return Fitted(noise_sd**2, *squares)


def with_fitted(belief: B, found: Fitted) -> B:
    """The same belief with fitted spreads and noise."""
    baseline, effect = (Spread(*map(float, np.sqrt(one))) for one in (found.baseline, found.effect))
    return msgspec.structs.replace(
        belief, baseline=baseline, effect=effect, noise_sd=float(np.sqrt(found.noise))
    )


def kept_a_week(half_life_weeks: float | None) -> float:
    """What a week leaves of a row's weight."""
    return 1.0 if half_life_weeks is None else float(0.5 ** (1 / half_life_weeks))


def effects_of(found: Normal, actions: int) -> Scores:
    """Means and sds of the last K − 1 numbers of w, `none` before them with 0 and 0; raises Unusable."""
    first = found.mean.shape[1] - (actions - 1)
    mean, variance = found.mean[:, first:], np.diagonal(found.cov, axis1=1, axis2=2)[:, first:]
    if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance >= -1e-9).all()):
        raise Unusable("the scores of the belief are not finite, or a variance is negative")
    none = np.zeros((len(mean), 1))
    return Scores("normal", np.hstack([none, mean]), np.hstack([none, np.sqrt(np.maximum(variance, 0))]))
