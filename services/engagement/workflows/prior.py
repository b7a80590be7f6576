"""What a strategy has learned, as a prior that another strategy can be declared with.

A log that was imported, or a former program, teaches its own strategy. Written down as means and worths it
starts another one, in any program: an ordinary declaration, which nothing ties to where it came from.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from engagement.actions.action import NONE
from engagement.bandits.posteriors import AnyPosterior, gathered
from engagement.bandits.posteriors.beta_bernoulli import BetaBernoulli
from engagement.bandits.posteriors.gaussian import Gaussian
from engagement.bandits.posteriors.gaussian_unknown_noise import GaussianUnknownNoise
from engagement.errors import Conflict, Invalid, NotFound
from engagement.records import Nodes
from engagement.store import beliefs, setup
from engagement.store.kept import Kept

WORTH_AT_MOST = 50.0
"""Results that one action's mean counts for: a long log of other people should not be the last word."""


class Prior(NamedTuple):
    """A belief to declare, the strategy it was learned by, and of how many results in which version."""

    posterior: AnyPosterior
    strategy_id: str
    version: int
    rows: int


def prior(
    conn: Connection, kept: Kept, program_id: str, strategy_id: str, worth_at_most: float = WORTH_AT_MOST
) -> Prior:
    """The belief of a strategy as of its newest version, written as what is expected of each action.

    worth_at_most : results that an action's expectation counts for at most; it keeps its mean
    raises : NotFound for an unknown strategy; Conflict where it has learned nothing; Invalid for a belief
    that is more than a mean of each action, and for a worth that is not positive
    """
    if not worth_at_most > 0:
        raise Invalid("what a log is worth is a positive number of results")
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    strategy = catalogue.strategies.get(strategy_id)
    if strategy is None:
        raise NotFound(f"there is no strategy `{strategy_id}` in this program")
    belief = strategy.posterior
    if not isinstance(belief, BetaBernoulli | Gaussian | GaussianUnknownNoise):
        raise Invalid(
            f"`{strategy_id}` believes more than a mean of each action, and a prior of means would lose it; "
            "let a strategy with `beta_bernoulli`, `gaussian` or `gaussian_unknown_noise` learn from the log"
        )
    version = beliefs.pointers(conn, program_id, [strategy_id])[strategy_id]
    if version == 0:
        raise Conflict(f"`{strategy_id}` has learned nothing yet; `engagement fold` folds what has closed")

    def read(keys: Sequence[str]) -> Nodes:
        return beliefs.read_nodes(conn, program_id, strategy_id, keys, version)

    nodes = gathered(belief, (), (), read)
    return Prior(
        belief.as_prior(nodes, (NONE, *strategy.actions), worth_at_most),
        strategy_id,
        version,
        beliefs.rows_learned(conn, program_id, strategy_id, version),
    )


def in_words(found: Prior) -> str:
    """The prior in TOML, to be put into a strategy of a set-up file."""
    results = "1 result" if found.rows == 1 else f"{found.rows} results"
    return "\n".join(
        [
            f"# what `{found.strategy_id}` had learned from {results} by version {found.version}",
            *_lines(found),
        ]
    )


def _lines(found: Prior) -> Iterator[str]:
    declared: dict[str, Any] = msgspec.to_builtins(found.posterior)
    expected = declared.pop("expected")
    yield f"posterior = {{ {_pairs(declared)}, expected = ["
    for one in expected:
        yield f"    {{ {_pairs(one)} }},"
    yield "] }"


def _pairs(fields: dict[str, Any]) -> str:
    """Names and values. JSON writes strings and finite numbers as TOML reads them, to the last digit."""
    return ", ".join(
        f"{name} = {msgspec.json.encode(value).decode()}"
        for name, value in fields.items()
        if value is not None
    )
