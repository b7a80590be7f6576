"""Beliefs: what is thought of each action's mean reward. One a file, gathered in one union.

The union is the registry: the same type decodes a request, a study and a stored revision, refuses
unknown names, lists the choices in the API's description and parametrises the conformance tests.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, Self

from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.bandits.posteriors.linear_unknown_noise import LinearUnknownNoise
from engagement.bandits.posteriors.logistic import Logistic
from engagement.bandits.posteriors.pooled_centred import PooledCentred
from engagement.bandits.posteriors.pooled_linear import PooledLinear
from engagement.records import Batch, Floats, Nodes, Points, Scores

AnyPosterior = (
    PooledLinear
    | PooledCentred
    | LinearGaussian
    | LinearUnknownNoise
    | Logistic
    | BetaBernoulli
    | Gaussian
    | GaussianUnknownNoise
)


class Posterior(Protocol):
    """A prior, with pure functions of the nodes in which its belief is stored.

    A node is a flat float64 array of sums over past rows. A node that is missing is an empty belief,
    so that scores(fold({}, batch)) is the posterior after the batch, and scores({}) the prior's.
    The last three functions are for beliefs some of whose nodes depend on all rows at once; a belief
    without such nodes answers no, nothing and none.
    """

    def flaw(self, actions: int) -> str | None:
        """Why this prior is not one of K actions, in words; None where it is."""
        ...

    def keys(self, groups: Sequence[str], members: Sequence[str], known: Nodes) -> tuple[str, ...]:
        """The node keys that decisions or rows of these members read or write, each once.

        groups, members : N ids each, a row's member beside its group, "" for the group as a whole
        known : nodes read so far; they may say that there are more to read. `gathered` asks until none are

        `records.ROOT` is the program's own node; any other key begins with a group's id.
        """
        ...

    def fold(self, nodes: Nodes, batch: Batch, actions: int) -> Nodes:
        """The nodes that change when the batch's N rows are learned, with their new content.

        nodes : at least those of `keys` that exist, and all where the batch `turns`      actions : K

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

    def settled(self, nodes: Nodes, groups: Sequence[str], actions: int) -> Nodes:
        """Further nodes for `scores`, which would work them out anew each time: they change nothing.

        They follow from this belief, these nodes and K alone, so that they may be kept as long as these. Each
        is that of one group, under `records.settled_key`.

        nodes : those of `keys`      groups : each once      raises : Unusable
        """
        ...

    def turns(self, nodes: Nodes, batch: Batch) -> bool:
        """Whether `fold` needs every node there is, because the batch ends a period at whose end all fade.

        nodes : those of `keys`
        """
        ...

    def refitted(self, nodes: Nodes, actions: int) -> Self | None:
        """The same belief with hyper-parameters fitted to what was learned, called on the declared one.

        nodes : all there are; their sums hold no hyper-parameter, or are made again by `renewed`
        returns : None where there is nothing to fit, and where the fit ends nowhere sensible
        """
        ...

    def renewed(self, nodes: Nodes, actions: int) -> Nodes:
        """The nodes that depend on this belief's hyper-parameters, made again from all there are."""
        ...


def gathered(
    posterior: Posterior,
    groups: Sequence[str],
    members: Sequence[str],
    read: Callable[[Sequence[str]], Nodes],
) -> Nodes:
    """All nodes that decisions or rows of these members need, as far as they exist.

    read : gives nodes by key; it is called once, and once more where what it gave names further ones
    """
    found: dict[str, Floats] = {}
    asked: set[str] = set()
    while wanted := [key for key in posterior.keys(groups, members, found) if key not in asked]:
        asked.update(wanted)
        found.update(read(wanted))
    return found


if TYPE_CHECKING:

    def _every_member_is_a_posterior(member: AnyPosterior) -> Posterior:
        return member
