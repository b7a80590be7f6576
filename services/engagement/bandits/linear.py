"""What beliefs linear in the features share: a baseline, an effect for each action, and their sums.

    r = φ'α + Σ_k 1[a = k]·φ'β_k + ε,   ε ~ N(0, σ²),   α ~ N(0, τ₀²I),   β_k ~ N(0, τ²I),   β_none = 0

with `none` the action 0. An action's score is its *effect* φ'β_k, what it adds to doing nothing, so
the score of `none` is exactly 0 and its sd 0. What every action shares, α, is learned from all rows.
The posterior given σ is `stats.arrow`; a belief of this family says what is known of σ.
"""

from typing import NamedTuple

import numpy as np

from engagement.bandits.program_wide import ProgramWide, must_be_positive
from engagement.errors import Invalid, Unusable
from engagement.records import Batch, Floats, Nodes, Points


class Sums(NamedTuple):
    """Σ over the rows of each action, and of all rows. Q : (K, d, d)  h : (K, d)  square : Σr²  rows : Σw"""

    Q: Floats
    h: Floats
    square: float
    rows: float


class Linear(ProgramWide, frozen=True, forbid_unknown_fields=True):
    """A baseline and an effect for each action, linear in the features.

    baseline_sd, effect_sd : prior sd of each coefficient, in units of reward per unit of its feature
    noise_sd : sd of a reward around its mean, in units of reward
    The defaults suit rewards in [0, 1] (no such reward has an sd above .5) and features of order 1,
    among them a constant 1: effects beyond ±.4 are thought rare.
    What is `expected` of an action is the reward, not the effect, where all features but the constant are 0.

    The sums: for each action Σ w·zz' of z = (φ, r), a (d + 1, d + 1) matrix in C order that holds Σφφ',
    Σφr and Σr², then Σ w: K·((d + 1)² + 1) numbers. O(K·d²) a row.
    """

    baseline_sd: float = 0.5
    effect_sd: float = 0.2
    noise_sd: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        must_be_positive(baseline_sd=self.baseline_sd, effect_sd=self.effect_sd, noise_sd=self.noise_sd)

    def _must_be_learnable(self, batch: Batch) -> None:
        if not (np.isfinite(batch.reward).all() and np.isfinite(batch.features).all()):
            raise Invalid("features and rewards must be finite numbers")

    def _size(self, actions: int, features: int) -> int:
        return actions * ((features + 1) ** 2 + 1)

    def _sums(self, batch: Batch, actions: int) -> Floats:
        z = np.column_stack([batch.features, batch.reward])
        return np.concatenate([_moments(z, batch, k) for k in range(actions)])

    def _known(self, nodes: Nodes, points: Points, actions: int) -> tuple[Sums, Sums]:
        """What was learned, and what is expected."""
        d = points.features.shape[1]
        seen = self._seen(nodes, actions, d)
        if not np.isfinite(seen).all():
            raise Unusable("the sums of the belief are not finite")
        return _unpacked(seen, actions, d), _unpacked(self._imagined(actions, d), actions, d)


def with_none(effect: Floats) -> Floats:
    """(N, K) from (N, K − 1): 0 in front, for doing nothing. raises : Unusable where one is not finite"""
    if not np.isfinite(effect).all():
        raise Unusable("the scores of the belief are not finite")
    return np.hstack([np.zeros((len(effect), 1)), effect])


def _moments(z: Floats, batch: Batch, action: int) -> Floats:
    """Σ w·zz' and Σ w over the rows of one action, flat."""
    rows = batch.action == action
    weighted = batch.weight[rows, None] * z[rows]
    return np.append((weighted.T @ z[rows]).ravel(), batch.weight[rows].sum())


def _unpacked(sums: Floats, actions: int, features: int) -> Sums:
    rows = sums.reshape(actions, -1)
    moments = rows[:, :-1].reshape(actions, features + 1, features + 1)
    with np.errstate(over="ignore", invalid="ignore"):  # found among the scores
        square, count = float(moments[:, -1, -1].sum()), float(rows[:, -1].sum())
    return Sums(moments[:, :-1, :-1], moments[:, :-1, -1], square, count)
