"""What beliefs pooled over program → group → member share: their declaration, and how they learn.

    r = φ'w_i + x'δ + ε,   ε ~ N(0, σ²),                                                           (1)

with w_i of member i the sum of the program's, the group's and the member's own part, each normal with a
variance shared by all groups and all members (`stats.tree_pooling`, (1)). A member with little history is
told mostly by the group, a new group by the program, and each learns its own ways as its data come in.
A decision for a group as a whole is told by the group's part, w_g = θ + u_g, and learned into it. An
action's score is its effect, one of the last K − 1 numbers of w; that of `none` is 0 with sd 0.

The *offset* x'δ takes out what moves everybody's reward alike, such as the season: x are features of the
decision, and δ ~ N(0, τ²I) has no part of a group or a member. To the messages it is p more numbers of w,
(α_i, δ, effects), whose variance below the program is 0. So the belief stays exact, and learns the offset
and the effects from the same rows at once. Effects are scored without it: no choice changes it.

*Slopes* are features that an action brings itself, with a weight that all actions share: whether the member
has the barrier that this action speaks to, or how often they had it lately. An action's effect is then

    β_k,i + z_k'η,   η_j ~ N(m_j, s_j²),                                                           (2)

and the row's reward has z of the action taken in it. η is p more numbers of w like δ, but is scored: it is
what all that was tried with anybody says of somebody for whom little was tried.

A belief of this family says what φ is and which sums over rows hold Σφφ', Σφr, Σr² (its *design*, φ with
x in it); the rest is here, on the nodes of `bandits.tree_nodes`.

Source: the linear special case of IntelligentPooling (Tomkins et al. 2021, 10.1007/s10994-021-05995-8),
computed exactly by messages instead of a kernel, whose cost is cubic in the number of rows.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import NamedTuple, Self

import msgspec
import numpy as np

from engagement.bandits import tree_nodes
from engagement.bandits.empirical_bayes import Fitted, Observed, fit, variances
from engagement.bandits.tree_nodes import Tree
from engagement.errors import Invalid, Unusable
from engagement.records import Batch, Floats, Nodes, Points, Scores
from engagement.stats.tree_pooling import Likelihood


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


class Slope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feature adds to the effects of actions, learned once for all of them.

    features : of each action in the strategy's order, the feature that it is a slope of; "" where it has none
    mean, sd : expected beforehand, in units of reward per unit of the features; neither is refitted
    """

    features: tuple[str, ...]
    mean: float = 0.0
    sd: float = 0.1

    def __post_init__(self) -> None:
        if not any(self.features):
            raise ValueError("a slope names the feature of one action at least")
        if not (np.isfinite(self.mean) and 0 < self.sd < np.inf):
            raise ValueError("a slope's mean is a finite number and its sd a positive one")


class Moments(NamedTuple):
    """What M members showed, with the prior mean μ of w subtracted.

    seen : Q = Σφφ' and h = Σφ(r − φ'μ)      rows : (M,), how many      square : (M,), Σ(r − φ'μ)²
    """

    seen: Likelihood
    rows: Floats
    square: Floats


class Pooled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A baseline and an effect of each action for every member, pooled over group and program.

    baseline_mean : expected reward without any action      noise_sd : σ, in units of the reward
    baseline, effect : how far programs, groups and members lie apart
    effect_means : what each action is expected to add beforehand, in the strategy's order; none: nothing
    refit : whether spreads and noise are fitted again as data come in, with these as their prior
    half_life_weeks : a result that closed so long before the newest one counts half; none: all alike
    offset : features whose slopes everybody shares, such as the season; of the strategy's, by name
    offset_sd : prior sd of each slope, in units of reward per unit of its feature; not refitted
    slopes : what features of the actions themselves add to their effects; of the strategy's, by name
    No other feature is looked at: who it is says more than what is known of them.
    """

    baseline_mean: float = 0.5
    baseline: Spread = Spread(0.3, 0.2, 0.3)
    effect: Spread = Spread(0.15, 0.1, 0.1)
    noise_sd: float = 0.45
    effect_means: tuple[float, ...] = ()
    refit: bool = True
    half_life_weeks: float | None = None
    offset: tuple[str, ...] = ()
    offset_sd: float = 0.1
    slopes: tuple[Slope, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.noise_sd < np.inf or not np.isfinite([self.baseline_mean, *self.effect_means]).all():
            raise ValueError(
                "noise_sd is a positive number and means are finite ones, in units of the reward"
            )
        if not 0 < self.offset_sd < np.inf or len(set(self.offset)) < len(self.offset):
            raise ValueError("offset_sd is a positive number, and offset names each feature once")
        if self.half_life_weeks is not None and not 1 <= self.half_life_weeks < np.inf:
            raise ValueError("half_life_weeks is at least one week, or absent: then nothing fades")

    def flaw(self, actions: int) -> str | None:
        """Why the belief is not one of K actions: it expects something of another number of them."""
        if len(self.effect_means) not in (0, actions - 1):
            return f"effect_means names {len(self.effect_means)} actions, the strategy has {actions - 1}"
        odd = next((slope for slope in self.slopes if len(slope.features) != actions - 1), None)
        if odd is None:
            return None
        return f"a slope has features of {len(odd.features)} actions, the strategy has {actions - 1}"

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The features that it looks at, each once."""
        of_slopes = (name for slope in self.slopes for name in slope.features if name)
        return tuple(dict.fromkeys((*self.offset, *of_slopes)))

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:
        """The program's node, the groups', and the blocks of large groups; see `Posterior.keys`."""
        return tree_nodes.keys(groups, members, known)

    def turns(self, nodes: Nodes, batch: Batch) -> bool:
        """Whether the batch begins a week, where results fade; see `Posterior.turns`."""
        return tree_nodes.turns(self._kept_a_week(), nodes, batch)

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The groups' sums with the batch's rows in or out, and the program's with their messages."""
        if not len(batch.action):
            return {}
        if not np.isfinite(batch.reward).all():
            raise Invalid("rewards must be finite numbers")
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        return tree_nodes.fold(self._tree(actions), nodes, batch, self._sums(batch, actions))

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each effect for the members asked about; see `Posterior.scores`."""
        found = tree_nodes.posterior(self._tree(actions), nodes, points.groups, points.members)
        first = found.mean.shape[1] - (actions - 1)
        mean = found.mean[:, first:] + self._expected(actions)
        variance = np.diagonal(found.cov, axis1=1, axis2=2)[:, first:]
        if self.slopes:
            z = self._of_actions(points.features, points.columns)
            eta = slice(1 + len(self._shared()) - len(self.slopes), 1 + len(self._shared()))
            mean = mean + np.einsum("nkj,nj->nk", z, found.mean[:, eta] + self._shared_means()[-z.shape[2] :])
            with_effect = np.einsum("nkj,njk->nk", z, found.cov[:, eta, first:])
            alone = np.einsum("nkj,nji,nki->nk", z, found.cov[:, eta, eta], z)
            variance = variance + 2 * with_effect + alone
        if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance >= -1e-9).all()):
            raise Unusable("the scores of the belief are not finite, or a variance is negative")
        none = np.zeros((len(mean), 1))
        sd = np.sqrt(np.maximum(variance, 0))
        return Scores("normal", np.hstack([none, mean]), np.hstack([none, sd]))

    def settled(self, nodes: Nodes, groups: Sequence[str], actions: int) -> Nodes:
        """What is believed of each group; see `Posterior.settled`."""
        return tree_nodes.settled(self._tree(actions), nodes, groups)

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:
        """The messages that these spreads lead to; see `Posterior.renewed`."""
        return tree_nodes.renewed(self._tree(actions), nodes)

    def refitted(self, nodes: Nodes, actions: int) -> Self | None:
        """The spreads and the noise that the nodes' sums make most plausible; see `Posterior.refitted`."""
        everything = tree_nodes.everything(self._tree(actions), nodes)
        seen, rows, square = self._moments(everything.sums, actions)
        if not self.refit or not rows.sum() > 0:
            return None
        found = fit(
            Observed(seen, float(rows.sum()), float(square.sum()), everything.group, everything.personal),
            self._declared(),
            offset=self._shared(),
        )
        if found is None:
            return None
        baseline, effect = (Spread(*map(float, np.sqrt(one))) for one in (found.baseline, found.effect))
        return msgspec.structs.replace(
            self, baseline=baseline, effect=effect, noise_sd=float(np.sqrt(found.noise))
        )

    def _design(self, actions: int) -> tuple[int, int]:
        """Numbers in w, and sums in a row."""
        raise NotImplementedError

    def _sums(self, batch: Batch, actions: int) -> Floats:
        """(N, sums) of each row by itself."""
        raise NotImplementedError

    def _moments(self, sums: Floats, actions: int) -> Moments:
        """What (M, sums) say in the terms of (1)."""
        raise NotImplementedError

    def _expected(self, actions: int) -> Floats:
        """(K − 1,): the prior means of the effects."""
        return np.array(self.effect_means or (0.0,) * (actions - 1))

    def _shared(self) -> Floats:
        """(p,): the prior variances of δ and η, which have no part of a group or a member."""
        return np.square([self.offset_sd] * len(self.offset) + [slope.sd for slope in self.slopes])

    def _shared_means(self) -> Floats:
        """(p,): the prior means of δ and η."""
        return np.array([0.0] * len(self.offset) + [slope.mean for slope in self.slopes])

    def _of_actions(self, features: Floats, columns: Sequence[str]) -> Floats:
        """(N, K − 1, slopes): z of each action. features : (N, d), with these names"""
        z = np.zeros((len(features), len(self.slopes[0].features), len(self.slopes)))
        for j, slope in enumerate(self.slopes):
            for k, name in enumerate(slope.features):
                if name:
                    z[:, k, j] = features[:, _place(name, columns)]
        return z

    def _explaining(self, batch: Batch) -> Floats:
        """(N, p): x of each row, then z of the action it took, 0 for `none`."""
        x = batch.features[:, [_place(name, batch.columns) for name in self.offset]]
        if self.slopes:
            x = np.column_stack(
                [x, self._taken(batch, np.eye(1 + len(self.slopes[0].features))[batch.action])]
            )
        if not np.isfinite(x).all():
            raise Invalid("features must be finite numbers")
        return x

    def _taken(self, batch: Batch, shares: Floats) -> Floats:
        """(N, slopes): z of the actions, weighed by these (N, K) shares."""
        weighed: Floats = np.einsum(
            "nk,nkj->nj", shares[:, 1:], self._of_actions(batch.features, batch.columns)
        )
        return weighed

    def _declared(self) -> Fitted:
        squares = (np.square([one.program, one.group, one.member]) for one in (self.baseline, self.effect))
        return Fitted(self.noise_sd**2, *squares)

    @lru_cache(maxsize=256)  # noqa: B019  a few beliefs that never change, each asked at every decision
    def _tree(self, actions: int) -> Tree:
        d, width = self._design(actions)
        prior = variances(self._declared(), d, self._shared())
        return Tree(d, width, prior, partial(self._likelihood, actions), self._kept_a_week())

    def _likelihood(self, actions: int, sums: Floats) -> Likelihood:
        """In precision form, of w − μ."""
        seen, rows, _ = self._moments(sums, actions)
        if not (rows > -1e-6).all():  # so that NaN fails too
            raise Unusable("a count of the belief is negative")
        return Likelihood(seen.Q / self.noise_sd**2, seen.h / self.noise_sd**2)

    def _kept_a_week(self) -> float:
        """What a week leaves of a row's weight."""
        return 1.0 if self.half_life_weeks is None else float(0.5 ** (1 / self.half_life_weeks))


def _place(name: str, columns: Sequence[str]) -> int:
    if name not in columns:
        raise Invalid(f"the belief looks at the feature `{name}`, which the rows do not have")
    return columns.index(name)
