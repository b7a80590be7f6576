"""Rewards of one person told from what all have shown: pooled over program → group → member.

    r = α_i + Σ_k 1[a = k]·β_{k,i} + ε,   β_none = 0,   ε ~ N(0, σ²),                              (1)

with w_i = (α_i, β_1,i … β_{K−1},i) of member i the sum of the program's, the group's and the member's
own part, each normal with a variance shared by all groups and all members (`stats.tree_pooling`, (1)).
A member with little history is told mostly by the group, a new group by the program, and each learns
its own ways as its data come in. An action's score is its effect β_k,i: that of `none` is 0 with sd 0.

Uncentred on purpose: a row touches the action taken and the baseline only, so that all a member ever
showed is n_k, s_k = Σr and Σr², some 150 bytes at K = 7. The price is that a wrong baseline could bias
an effect; here the baseline is a free number a person, and what drifts is an offset taken out before.

Source: the linear special case of IntelligentPooling (Tomkins et al. 2021, 10.1007/s10994-021-05995-8),
computed exactly by messages on the tree. Only *upward* messages are kept, summed at the program's node;
an observation changes those on its own path, and what comes down is computed when it is asked for.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
import numpy as np

from engagement.bandits.empirical_bayes import Fitted, Sums, fit, precision_form, variances
from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Floats, Integers, Nodes, Points, Scores
from engagement.stats.tree_pooling import (
    Likelihood,
    Normal,
    Variances,
    added,
    at_root,
    below,
    through,
)

_ID_BITS = 52
"""So many bits of a digest name a member inside a node; float64 holds them exactly."""


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
    The features of a strategy are not looked at: who it is says more than what is known of them.

    A group's node: a row for each member who was ever learned from, (id, n_0 …, s_0 …, Σr²), 2K + 2
    numbers. The program's: ΣQ* and Σh* of the groups' messages, K² + K numbers.
    """

    baseline_mean: float = 0.5
    baseline: Spread = Spread(0.3, 0.2, 0.3)
    effect: Spread = Spread(0.15, 0.1, 0.1)
    noise_sd: float = 0.45

    def __post_init__(self) -> None:
        if not 0 < self.noise_sd < np.inf or not np.isfinite(self.baseline_mean):
            raise ValueError(
                "noise_sd is a positive number and baseline_mean a finite one, in units of the reward"
            )

    def keys(self, groups: Sequence[str], members: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG002  a group's node holds its members
        """The program's node and the groups'."""
        return (ROOT, *sorted(set(groups)))

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The groups' sums with the batch's rows in or out, and the program's with their messages."""
        if not len(batch.action):
            return {}
        if not np.isfinite(batch.reward).all():
            raise Invalid("rewards must be finite numbers")
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        groups = sorted(set(batch.groups))
        before = [_rows(nodes, group, actions) for group in groups]
        place = {group: number for number, group in enumerate(groups)}
        of_row = np.array([place[group] for group in batch.groups])
        after = [_learned(rows, batch, of_row == number, actions) for number, rows in enumerate(before)]
        gone, come = (self._messages(part, actions) for part in (before, after))
        root = _root(nodes, actions)
        changed = np.concatenate([(come.Q - gone.Q).sum(0).ravel(), (come.h - gone.h).sum(0)])
        return {
            ROOT: root + changed,
            **{group: rows.ravel() for group, rows in zip(groups, after, strict=True)},
        }

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each effect for the members asked about; see `Posterior.scores`."""
        groups = sorted(set(points.groups))
        place = {group: number for number, group in enumerate(groups)}
        rows = [_rows(nodes, group, actions) for group in groups]
        of_point = np.array([place[group] for group in points.groups])
        own = self._own(rows, of_point, points.members, actions)
        prior = self._variances(actions)
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                program = at_root(_likelihood(_root(nodes, actions), actions), prior.program)
                at_groups = below(program, self._seen(rows, actions), prior.group)
                found = below(Normal(at_groups.mean[of_point], at_groups.cov[of_point]), own, prior.member)
            except np.linalg.LinAlgError as broken:
                raise Unusable("the sums of the belief have no posterior") from broken
            mean, variance = found.mean[:, 1:], np.diagonal(found.cov, axis1=1, axis2=2)[:, 1:]
        if not (np.isfinite(mean).all() and np.isfinite(variance).all() and (variance >= -1e-9).all()):
            raise Unusable("the scores of the belief are not finite, or a variance is negative")
        none = np.zeros((len(mean), 1))
        return Scores("normal", np.hstack([none, mean]), np.hstack([none, np.sqrt(np.maximum(variance, 0))]))

    def refitted(self, nodes: Nodes, actions: int) -> "PooledLinear":
        """The same belief with the spreads and the noise that its own groups' sums make most plausible.

        nodes : every group's. Without any rows it is this belief. See `bandits.empirical_bayes`.
        """
        rows = [_rows(nodes, group, actions) for group in sorted(nodes) if group != ROOT]
        if not sum(len(part) for part in rows):
            return self
        members = np.concatenate(rows)
        n, s = members[:, 1 : 1 + actions], members[:, 1 + actions : 1 + 2 * actions]
        mu = self.baseline_mean
        square = members[:, -1].sum() - 2 * mu * s.sum() + mu**2 * n.sum()
        place = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        found = fit(Sums(n, s - mu * n, float(square), place), self._fitted())
        return msgspec.structs.replace(
            self,
            baseline=Spread(*map(float, np.sqrt(found.baseline))),
            effect=Spread(*map(float, np.sqrt(found.effect))),
            noise_sd=float(np.sqrt(found.noise)),
        )

    def _fitted(self) -> Fitted:
        baseline, effect = (
            np.square([spread.program, spread.group, spread.member])
            for spread in (self.baseline, self.effect)
        )
        return Fitted(self.noise_sd**2, baseline, effect)

    def _variances(self, actions: int) -> Variances:
        return variances(self._fitted(), actions)

    def _members(self, rows: Floats, actions: int) -> Likelihood:
        """(1) in precision form, w − μ of the members in rows: an arrow of counts, and sums."""
        n, s = rows[:, 1 : 1 + actions], rows[:, 1 + actions : 1 + 2 * actions]
        if not (np.isfinite(rows).all() and (n > -1e-6).all()):
            raise Unusable("the sums of the belief are not finite, or a count is negative")
        return precision_form(n, s - self.baseline_mean * n, self.noise_sd**2)

    def _seen(self, rows: Sequence[Floats], actions: int) -> Likelihood:
        """What each group has received from its members."""
        place = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
        members = self._members(np.concatenate(rows), actions)
        return added(through(members, self._variances(actions).member), place, len(rows))

    def _messages(self, rows: Sequence[Floats], actions: int) -> Likelihood:
        """What each group sends to the program."""
        return through(self._seen(rows, actions), self._variances(actions).group)

    def _own(
        self, rows: Sequence[Floats], group: Integers, members: Sequence[str], actions: int
    ) -> Likelihood:
        """What each member asked about has shown: nothing, where there is no row yet."""
        chosen = np.zeros((len(members), 2 * actions + 2))
        for number, (place, name) in enumerate(zip(group, _ids(members), strict=True)):
            found = np.flatnonzero(rows[place][:, 0] == name)
            if len(found):
                chosen[number] = rows[place][found[0]]
        return self._members(chosen, actions)


def _ids(members: Iterable[str]) -> list[float]:
    """Numbers that stand for members inside a node.

    52 bits of a digest: among 1,000 members of one group two meet with a probability of 10⁻¹⁰.
    """
    digests = (blake2b(name.encode(), digest_size=8).digest() for name in members)
    return [float(int.from_bytes(digest, "big") >> (64 - _ID_BITS)) for digest in digests]


def _rows(nodes: Nodes, group: str, actions: int) -> Floats:
    """(M, 2K + 2), empty for a group nobody was learned from."""
    width, node = 2 * actions + 2, nodes.get(group)
    if node is None:
        return np.zeros((0, width))
    if node.ndim != 1 or len(node) % width:
        raise Unusable(
            f"the node of `{group}` should hold rows of {width} numbers, and has the shape {node.shape}"
        )
    return node.reshape(-1, width)


def _learned(rows: Floats, batch: Batch, chosen: np.ndarray, actions: int) -> Floats:
    """A group's rows with those of the batch in or out; members in the order of their ids."""
    names = np.array(_ids(name for name, own in zip(batch.members, chosen, strict=True) if own))
    known = np.union1d(rows[:, 0], names)
    out = np.zeros((len(known), rows.shape[1]))
    out[:, 0] = known
    out[np.searchsorted(known, rows[:, 0]), 1:] = rows[:, 1:]
    place = np.searchsorted(known, names)
    action, reward, weight = batch.action[chosen], batch.reward[chosen], batch.weight[chosen]
    cell = place * actions + action
    size = len(known) * actions
    out[:, 1 : 1 + actions] += np.bincount(cell, weight, size).reshape(-1, actions)
    out[:, 1 + actions : 1 + 2 * actions] += np.bincount(cell, weight * reward, size).reshape(-1, actions)
    out[:, -1] += np.bincount(place, weight * reward**2, len(known))
    return out


def _root(nodes: Nodes, actions: int) -> Floats:
    """(K² + K,)."""
    size, node = actions * actions + actions, nodes.get(ROOT)
    if node is None:
        return np.zeros(size)
    if node.shape != (size,):
        raise Unusable(f"the program's node should hold {size} numbers, and has the shape {node.shape}")
    return node


def _likelihood(root: Floats, actions: int) -> Likelihood:
    return Likelihood(root[: actions * actions].reshape(actions, actions), root[actions * actions :])
