"""Time to value another policy by a million synthetic logged decisions, with all eight estimators.

From arrays to the whole answer: reward models fitted anew for each fifth of the groups, thresholds chosen,
errors by group, 2,000 bootstrap draws, intervals for weekly looks, cover. Beside it the one part that
statsmodels has, too: self-normalised inverse propensity scores with a standard error by group, as a weighted
regression on a constant. Both must give the same numbers, or this fails. With --file also from a CSV file, as
`engagement evaluate` reads it. Seconds of processor time, with those on the clock behind them.

    python benchmarks/evaluation_speed.py
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import statsmodels.api as sm

from engagement.estimators.off_policy.self_normalised_ips import SelfNormalisedIps
from engagement.estimators.reward_models import LinearRewards, cross_fitted
from engagement.estimators.sample import Sample, estimate
from engagement.estimators.value import value
from engagement.randomness import generator
from engagement.strategy.target import Even
from engagement.workflows.evaluate_log import evaluate_log, read_meaning
from engagement.workflows.log_columns import read_columns

ACTIONS, FEATURES, IN_A_GROUP = 4, 8, 50
T = TypeVar("T")


def drawn(rows: int) -> tuple[Sample, np.ndarray]:
    """A synthetic log of groups of fifty, and its features."""
    rng = generator(1, "evaluation speed")
    features = np.concatenate([np.ones((rows, 1)), rng.normal(size=(rows, FEATURES - 1))], axis=1)
    shares = 0.02 + (1 - 0.02 * ACTIONS) * rng.dirichlet(np.full(ACTIONS, 3.0), rows)
    action = (rng.random(rows)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, ACTIONS - 1)
    cluster = np.arange(rows) % (rows // IN_A_GROUP)
    mean = 0.3 + 0.1 * action / ACTIONS + 0.1 * rng.normal(size=cluster.max() + 1)[cluster]
    reward = (rng.random(rows) < mean).astype(np.float64)
    target = np.full((rows, ACTIONS), 1 / ACTIONS)
    logged = np.take_along_axis(shares, action[:, None], axis=1)[:, 0]
    nothing = np.zeros((rows, ACTIONS))
    return Sample(action, reward, logged, target, nothing == 0, nothing, cluster), features


class Took(NamedTuple):
    """Seconds of all processors, and on the clock."""

    processor: float
    clock: float

    def __str__(self) -> str:
        return f"{self.processor:7.2f} s ({self.clock:.2f})"


def timed(work: Callable[[], T]) -> tuple[Took, T]:
    start, began = time.process_time(), time.perf_counter()
    made = work()
    return Took(time.process_time() - start, time.perf_counter() - began), made


def written(sample: Sample, features: np.ndarray, folder: Path) -> Path:
    """The log as a CSV file."""
    file = folder / "log.csv"
    table = np.column_stack([sample.cluster, sample.action, sample.logged, sample.reward, features[:, 1:]])
    names = ["group", "did", "p", "reward", *(f"x{n}" for n in range(1, FEATURES))]
    form = ["%d", "%d", "%.17g", "%d", *["%.6g"] * (FEATURES - 1)]
    np.savetxt(file, table, fmt=form, delimiter=",", header=",".join(names), comments="")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--file", action="store_true", help="also from a CSV file")
    options = parser.parse_args()
    sample, features = drawn(options.rows)
    size = f"{options.rows:,} synthetic decisions of {sample.clusters:,} groups"
    print(f"{size}, {ACTIONS} actions, {FEATURES} features")

    fitting, predicted = timed(
        lambda: cross_fitted(LinearRewards(), features, sample.action, sample.reward, sample.cluster, ACTIONS)
    )
    sample = sample._replace(predicted=predicted)
    valuing, found = timed(lambda: value(sample, generator(2, "evaluation speed")))
    print(f"reward models   {fitting}")
    print(f"{len(found.estimates)} estimators    {valuing}")
    print(f"together        {Took(fitting.processor + valuing.processor, fitting.clock + valuing.clock)}")

    ours, own = timed(lambda: estimate(SelfNormalisedIps().terms(sample), sample.cluster))
    model = sm.WLS(sample.reward, np.ones(options.rows), weights=sample.weight)
    theirs, fitted = timed(lambda: model.fit(cov_type="cluster", cov_kwds={"groups": sample.cluster}))
    np.testing.assert_allclose([own.value, own.sd], [fitted.params[0], fitted.bse[0]], rtol=1e-9)
    print("self-normalised IPS with its error by group, the same to 1e-9:")
    print(f"  here        {ours}")
    print(f"  statsmodels {theirs}, {theirs.processor / ours.processor:.1f} times as long")

    if options.file:
        with tempfile.TemporaryDirectory() as folder:
            file = written(sample, features, Path(folder))
            meaning = read_meaning(
                (
                    'action = { column = "did" }\nprobability = { taken = "p" }\n'
                    'outcome = { column = "reward" }\ngroup = { column = "group" }\n[context]\n'
                    + "".join(f'x{n} = "x{n}"\n' for n in range(1, FEATURES))
                ).encode()
            )
            whole, _ = timed(lambda: evaluate_log(read_columns(file), meaning, Even()))
            print(f"from a CSV file of {file.stat().st_size / 1e6:.0f} MB, all in all: {whole}")


if __name__ == "__main__":
    main()
