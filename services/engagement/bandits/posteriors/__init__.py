"""Beliefs: what is thought of each action's mean reward. One a file, gathered in one union.

The union is the registry: the same type decodes a request, a study and a stored revision, refuses
unknown names, lists the choices in the API's description and parametrises the conformance tests.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Batch, Nodes, Points, Scores

AnyPosterior = BetaBernoulli | LinearGaussian | PooledLinear


class Posterior(Protocol):
    """A prior, with three pure functions of the nodes in which its belief is stored.

    A node is a flat float64 array of sums over past rows. A node that is missing is an empty belief,
    so that scores(fold({}, batch)) is the posterior after the batch, and scores({}) the prior's.
    """

    def keys(self, groups: Sequence[str], members: Sequence[str]) -> tuple[str, ...]:
        """The node keys that decisions or rows of these members read or write, each once.

        groups, members : N ids each, a row's member beside its group

        `records.ROOT` is the program's own node; any other key is a group's id.
        """
        ...

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The nodes that change when the batch's N rows are learned, with their new content.

        nodes : at least those of `keys(batch.groups, batch.members)` that exist      actions : K

        The folding law: folding the pieces of a batch one after another, in any order, gives the
        nodes of the whole batch to a relative 10⁻⁹. A row of weight −1 takes a row out again.

        raises : Unusable for a node of the wrong shape; Invalid for a reward or an action out of range
        """
        ...

    def scores(self, nodes: Nodes, points: Points, actions: int) -> Scores:
        """Mean and sd, (N, K), of the belief about each action's score at the N points.

        A row's bytes do not depend on the rows beside it.

        raises : Unusable for a node of the wrong shape, and for numbers that are not finite or come
        from a matrix that is not positive definite: the declared fallback decides then
        """
        ...


if TYPE_CHECKING:

    def _every_member_is_a_posterior(member: AnyPosterior) -> Posterior:
        return member
