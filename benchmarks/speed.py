"""Time of a decision beside what people would pick instead, and of the probabilities it needs.

Synthetic contexts, 8 actions, 16 features, 1,000 decisions learned beforehand: one decision alone, and many
at once. A decision of this project ends with probabilities that are bounded, counted in whole units and drawn
from; a peer's ends with its choice. Then the probability that each of K normal scores is the largest, by
quadrature and from 1,000 draws: time and largest error. Last, what planning visits takes (`planning_speed`):
Whittle indices of many arms beside another package's, and whole plans with their memory. Times are of one
processor, the best of several.

    python benchmarks/speed.py
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import ndtr

import planning_speed
from contenders import Contender, Engagement, MabWiser, Shape, VowpalWabbit
from engagement.bandits.allocations.horizon_thompson import HorizonThompson
from engagement.bandits.posteriors.linear_gaussian import LinearGaussian
from engagement.randomness import generator
from engagement.records import Floats
from engagement.stats.best_of import best_of_normals

ACTIONS = 8
FEATURES = 16
LEARNED = 1_000
DRAWS = 1_000
RATIO = 10.0
"""Between the largest sd of a row and the smallest."""
LIMITS_US = {4: 10.0, 12: 30.0}
"""What a row may take, by K."""

CONTENDERS: dict[str, Callable[[Shape], Contender]] = {
    "engagement": lambda shape: Engagement(LinearGaussian(), HorizonThompson(), shape),
    "MABWiser, LinTS": lambda shape: MabWiser("LinTS", True, shape),
    "MABWiser, LinUCB": lambda shape: MabWiser("LinUCB", True, shape),
    "Vowpal Wabbit, epsilon .05": lambda shape: VowpalWabbit("", shape),
}


def seconds(work: Callable[[], object], times: int, repeats: int = 3) -> float:
    """Processor time of one call: the best of some repeats of so many."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - start) / times)
    return best


def learned(make: Callable[[Shape], Contender]) -> Contender:
    """A contender that has seen 1,000 random rewards."""
    rng, found = generator(1, "speed"), make(Shape(ACTIONS, FEATURES, 1))
    for _ in range(LEARNED // 100):  # Vowpal Wabbit learns with the probabilities of what it chose last
        contexts = contexts_of(rng, 100)
        action = found.choose(contexts, np.full(100, 120.0))
        found.learn(contexts, action, rng.random(100))
    return found


def contexts_of(rng: np.random.Generator, count: int) -> Floats:
    """(count, 16), the constant first."""
    return np.hstack([np.ones((count, 1)), rng.normal(size=(count, FEATURES - 1))])


def print_decisions(many: int) -> None:
    """One decision and many, each contender beside this project."""
    print(f"Decisions: {ACTIONS} actions, {FEATURES} features, microseconds each, and times this project's")
    print(f"{'contender':<30}{'one':>10}{'':>8}{f'{many:,} at once':>20}{'':>8}")
    contexts, base = contexts_of(generator(1, "contexts"), many), None
    left = np.full(many, 120.0)
    for name, make in CONTENDERS.items():
        try:
            chosen = learned(make)
        except ImportError as missing:
            print(f"{name:<30}  not run: {missing}")
            continue
        one = seconds(partial(chosen.choose, contexts[:1], left[:1]), 50)
        each = seconds(partial(chosen.choose, contexts, left), 1, repeats=1) / many
        base = base or (one, each)
        print(f"{name:<30}{1e6 * one:>10.1f}{one / base[0]:>7.2f}×{1e6 * each:>20.2f}{each / base[1]:>7.2f}×")


def rows_of(actions: int, count: int) -> tuple[Floats, Floats]:
    """Means and sds of synthetic scores whose sds lie within the ratio, both ends in every row."""
    rng = generator(1, "rows", str(actions))
    sd = RATIO ** rng.random((count, actions))
    sd[:, 0], sd[:, -1] = 1, RATIO
    return rng.normal(size=(count, actions)) * sd, sd


def by_draws(mean: Floats, sd: Floats, rng: np.random.Generator) -> Floats:
    """(N, K): how often each was the largest of 1,000 draws, a hundred rows at a time."""
    out = np.empty_like(mean)
    for first in range(0, len(mean), 100):
        rows = slice(first, first + 100)
        drawn = mean[rows] + sd[rows] * rng.standard_normal((DRAWS, *mean[rows].shape))
        best = drawn.argmax(axis=2)
        out[rows] = np.stack([(best == k).mean(axis=0) for k in range(mean.shape[1])], axis=1)
    return out


def on_a_grid(mean: Floats, sd: Floats) -> Floats:
    """(N, K) on even grids of ⅛ of the smallest sd, errors below 10⁻¹²: what the others are held to."""
    out = np.empty_like(mean)
    for row, (m, s) in enumerate(zip(mean, sd, strict=True)):
        x = np.arange((m - 8 * s).max(), (m + 8 * s).max(), s.min() / 8)
        z = (x[:, None] - m) / s
        cdf, density = ndtr(z), np.exp(-z * z / 2) / (s * np.sqrt(2 * np.pi))
        others = np.stack([np.delete(cdf, k, axis=1).prod(axis=1) for k in range(len(m))], axis=1)
        out[row] = (density * others).sum(axis=0) * s.min() / 8
    return out


def print_best_of(count: int) -> None:
    """Quadrature beside draws."""
    print(
        f"Best of K normals, sd ratio {RATIO:.0f}, {count:,} rows at once: microseconds a row, largest error"
    )
    print(
        f"{'K':>4}{'limit':>8}{'quadrature':>12}{'error':>9}{'1,000 draws':>13}{'error':>9}{'draws take':>12}"
    )
    for actions, limit in LIMITS_US.items():
        mean, sd = rows_of(actions, count)
        available = np.ones(mean.shape, bool)
        exact = on_a_grid(mean[:200], sd[:200])
        ours = seconds(partial(best_of_normals, mean, sd, available), 1, 5) / count
        error = np.abs(best_of_normals(mean, sd, available)[:200] - exact).max()
        rng = generator(1, "draws")
        drawn = seconds(partial(by_draws, mean[:200], sd[:200], rng), 1) / 200
        off = np.abs(by_draws(mean[:200], sd[:200], rng) - exact).max()
        print(
            f"{actions:>4}{limit:>8.0f}{1e6 * ours:>12.1f}{error:>9.0e}{1e6 * drawn:>13.1f}{off:>9.0e}"
            f"{drawn / ours:>11.1f}×"
        )


def main() -> None:
    """All tables."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--decisions", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=4_096, help="for the best of K")
    planning_speed.asks(parser)
    given = parser.parse_args()
    print_best_of(given.rows)
    print_decisions(given.decisions)
    planning_speed.print_all(given)


if __name__ == "__main__":
    main()
