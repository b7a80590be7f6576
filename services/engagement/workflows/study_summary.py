"""What a study says: the mean of every measure, how far chance may have moved it, and paired differences.

Seeds are the independent repeats. A mean over n seeds has the Monte-Carlo error sd/√n, and an interval of
t with n − 1 degrees of freedom. Strategies of one seed met the same chances (common random numbers), so the
difference to the first strategy is taken seed by seed, and its error is that of the differences.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.special import stdtrit

from engagement.actions.action import Id
from engagement.records import Floats
from engagement.simulation.figures import MEASURES
from engagement.workflows.study_run import Run

LEVEL = 0.95


class Estimate(msgspec.Struct, frozen=True):
    """A mean over seeds. error, low, high : None where one seed says nothing of chance"""

    mean: float
    error: float | None
    low: float | None
    high: float | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one strategy in one world. difference : to the study's first strategy, itself None"""

    world: Id
    strategy: Id
    measure: str
    seeds: int
    value: Estimate
    difference: Estimate | None


def summary(runs: Sequence[Run], worlds: Sequence[str], strategies: Sequence[str]) -> tuple[Row, ...]:
    """A row for each world, strategy and measure, in the study's order."""
    return tuple(
        _row(runs, world, strategy, strategies[0], measure)
        for world in worlds
        for strategy in strategies
        for measure in MEASURES
    )


def _row(runs: Sequence[Run], world: str, strategy: str, first: str, measure: str) -> Row:
    own, other = (_by_seed(runs, world, name, measure) for name in (strategy, first))
    return Row(
        world=world,
        strategy=strategy,
        measure=measure,
        seeds=len(own),
        value=estimate(own),
        difference=None if strategy == first else estimate(own - other),
    )


def _by_seed(runs: Sequence[Run], world: str, strategy: str, measure: str) -> Floats:
    rows = [run for run in runs if (run.world, run.strategy) == (world, strategy)]
    return np.array([getattr(run.figures, measure) for run in sorted(rows, key=lambda run: run.seed)])


def estimate(values: Floats) -> Estimate:
    """The mean of n independent numbers with its error and interval."""
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Estimate(mean, None, None, None)
    error = float(values.std(ddof=1) / np.sqrt(n))
    reach = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    return Estimate(mean, error, mean - reach, mean + reach)
