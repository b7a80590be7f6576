"""Each action has a success rate of its own, whatever the features: Beta–Bernoulli."""

from collections.abc import Sequence
from math import inf

import msgspec
import numpy as np

from engagement.errors import Invalid, Unusable
from engagement.records import ROOT, Batch, Floats, Nodes, Points, Scores


class BetaBernoulli(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="beta_bernoulli"
):
    """r | a = k ~ Bernoulli(p_k), p_k ~ Beta(α_k, β_k), independent; `none` is an arm like the others.

    prior_successes, prior_failures : expected Bernoulli counts before any data, at least ½ (Jeffreys);
    1 and 1 is the uniform prior. Below ½ the density has poles that no quadrature of ours is made for.

    Conjugate updating (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4): α_k += Σ w·r and
    β_k += Σ w·(1 − r). A fractional reward r in [0, 1] counts as r of a success and 1 − r of a failure:
    the expected counts of a Bernoulli(r), not a posterior for the distribution of r itself.

    The node: Σ w·r for each action, then Σ w·(1 − r) for each action, 2K numbers.
    """

    prior_successes: float = 1.0
    prior_failures: float = 1.0

    def __post_init__(self) -> None:
        for name in ("prior_successes", "prior_failures"):
            value = getattr(self, name)
            if not 0.5 <= value < inf:
                raise ValueError(f"{name} is a count of at least 0.5 (0.5 or 1 know least), not {value}")

    def flaw(self, actions: int) -> None:
        """None: it is a prior of any number of actions."""

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:  # noqa: ARG002  one node whoever asks
        """The program's node alone."""
        return (ROOT,)

    def turns(self, nodes: Nodes, batch: Batch) -> bool:  # noqa: ARG002  nothing fades
        """Never."""
        return False

    def refitted(self, nodes: Nodes, actions: int) -> None:
        """Nothing is fitted."""

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:  # noqa: ARG002  sums hold no hyper-parameter
        """No node."""
        return {}

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The counts with the batch's rows in (weight +1) or out again (−1); see `Posterior.fold`."""
        if not len(batch.action):
            return {}
        if not ((batch.reward >= 0) & (batch.reward <= 1)).all():
            raise Invalid("a success rate is learned from rewards between 0 and 1")
        if not ((batch.action >= 0) & (batch.action < actions)).all():
            raise Invalid(f"an action is a number from 0 to {actions - 1}")
        successes = np.bincount(batch.action, batch.weight * batch.reward, actions)
        failures = np.bincount(batch.action, batch.weight * (1 - batch.reward), actions)
        return {ROOT: _counts(nodes, actions).ravel() + np.concatenate([successes, failures])}

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd of each rate, the same at every point; see `Posterior.scores`."""
        counts = _counts(nodes, actions)
        # a correction may leave the rounding error of what it took out, never more; above 2⁵³ a
        # further row would add nothing; written so that NaN fails too
        if not ((counts >= -1e-6).all() and (counts <= 2**53).all()):
            raise Unusable("the counts of successes and failures are not counts")
        a, b = np.maximum(counts, 0) + np.array([[self.prior_successes], [self.prior_failures]])
        mean = a / (a + b)
        sd = np.sqrt(mean * (b / (a + b)) / (a + b + 1))
        rows = (len(points.features), actions)
        return Scores("beta", np.broadcast_to(mean, rows).copy(), np.broadcast_to(sd, rows).copy())


def _counts(nodes: Nodes, actions: int) -> Floats:
    """(2, K): successes, failures."""
    node = nodes.get(ROOT)
    if node is None:
        return np.zeros((2, actions))
    if node.shape != (2 * actions,):
        raise Unusable(f"the node should hold {2 * actions} numbers, and has the shape {node.shape}")
    return node.reshape(2, actions)
