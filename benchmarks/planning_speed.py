"""How fast visits are planned: indices beside another package's, and whole plans.

Everything is synthetic, in process, pure functions, no database. Times are the processor's, so that other
work on the machine counts little; one thread for both sides. The comparison needs `pip install
markovianbandit-pkg numba` (in any environment) and is left out without them.

    OPENBLAS_NUM_THREADS=1 python benchmarks/planning_speed.py
"""

import argparse
import importlib
import time
import tracemalloc
from collections.abc import Callable
from types import ModuleType

import numpy as np

from engagement.bandits.restless.assignment import Places, Worker
from engagement.bandits.restless.chains import learned
from engagement.bandits.restless.index import Phases
from engagement.bandits.restless.pivotal import keyed
from engagement.bandits.restless.plan import Belief, Pool, Rule, plan
from engagement.bandits.restless.whittle import whittle
from engagement.randomness import generator
from engagement.records import Floats

SECRET = b"a secret for measurements only"
DISCOUNT = 0.95
ELSEWHERE_ARMS = 2_000
WIDTHS = (6, 10, 9, 11, 15, 8, 10)
SLOTS = 2
"""Visits of one health worker in a period."""
CLUSTERS = 48
"""Two settings, three phases, eight profiles of barriers."""


def elsewhere() -> ModuleType | None:
    """The package to compare with, None where it is not installed."""
    try:
        return importlib.import_module("markovianbandit")
    except ImportError:
        return None


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of a few runs."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def arms(count: int, states: int) -> Floats:
    """Random chains, (N, 2, S, S)."""
    return generator(1, "arms", str(states)).dirichlet(np.ones(states), size=(count, 2, states))


def compared(count: int, other: ModuleType | None) -> None:
    """Time an arm, ours and the other package's, and how far their indices are apart."""
    titles = zip(
        ("states", "arms", "seconds", "µs an arm", "elsewhere, µs", "ratio", "apart"), WIDTHS, strict=True
    )
    print("".join(f"{title:>{width}}" for title, width in titles))
    for states in (2, 3, 4, 5):
        chains, reward = arms(count, states), np.arange(states) / (states - 1)
        took = seconds(lambda chains=chains, reward=reward: whittle(chains, reward, DISCOUNT))
        line = f"{states:>6}{count:>10,}{took:>9.2f}{took / count * 1e6:>11.3f}"
        if other is None:
            print(f"{line}{'not installed':>15}")
            continue
        some, ours = chains[:ELSEWHERE_ARMS], whittle(chains[:ELSEWHERE_ARMS], reward, DISCOUNT)

        def their_way(some: Floats = some, reward: Floats = reward) -> list[Floats]:
            make = other.restless_bandit_from_P0P1_R0R1
            return [make(P[0], P[1], reward, reward).whittle_indices(discount=DISCOUNT) for P in some]

        their_way()  # compiles
        theirs = seconds(their_way, 1) / ELSEWHERE_ARMS
        apart = np.nanmax(np.abs(np.array(their_way()) - ours.value))
        print(f"{line}{theirs * 1e6:>15.1f}{theirs / (took / count):>8.0f}{apart:>10.1e}")


def pool(units: int) -> Pool:
    """Units over catchments of two hundred, every tenth unheard of for up to three periods."""
    rng = generator(1, "pool", str(units))
    names = tuple(f"u{n}" for n in range(units))
    places = Places(names, tuple(f"c{n // 200}" for n in range(units)), ("te",) * units)
    unheard = np.where(rng.random(units) < 0.1, rng.integers(1, 4, units), 0)
    cluster, state = rng.integers(0, CLUSTERS, units), rng.integers(0, 3, units)
    return Pool(places, cluster, state, unheard, np.full(units, np.inf))


def planned(units: int, capacity: float) -> float:
    """Prints time and memory of a whole plan, keyed numbers and assignment among it; returns the seconds."""
    waiting, visits = pool(units), round(units * capacity)
    catchments = sorted(set(waiting.places.catchments))
    crew = [
        Worker(f"{c}w{n}", frozenset([c]), frozenset(["te"]), 45 * SLOTS, 45)
        for c in catchments
        for n in range(round(visits / len(catchments) / SLOTS))
    ]
    counts = generator(1, "counts").integers(0, 30, (CLUSTERS, 2, 3, 3)).astype(np.float64)
    concentration = learned(counts, np.zeros(CLUSTERS, np.int64), np.full((2, 3, 3), 1 / 3))
    belief = Belief(concentration, Phases(np.full(CLUSTERS, np.inf), np.zeros(CLUSTERS, np.int64)))
    rule = Rule(reward=(0.0, 0.5, 1.0))

    def whole() -> float:
        numbers = keyed(SECRET, "p", "plan", "1", waiting.places.units)
        made = plan(waiting, belief, rule, visits, crew, numbers, generator(1, "plan"))
        return sum(worker is not None for worker in made.worker) / max(visits, 1)

    took = seconds(whole, 1)
    tracemalloc.start()
    served = whole()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"{units:>10,}{visits:>9,}{len(crew):>9,}{took:>9.2f}{peak / 2**20:>8.0f}{served:>9.1%}", flush=True
    )
    return took


def asks(parser: argparse.ArgumentParser) -> None:
    """How much to measure."""
    parser.add_argument("--arms", type=int, default=1_000_000, help="whose Whittle indices are computed")
    parser.add_argument(
        "--units", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000], help="of whole plans"
    )


def print_all(given: argparse.Namespace) -> None:
    """Both tables."""
    print(f"\nWhittle indices of {given.arms:,} arms, β = {DISCOUNT}")
    compared(given.arms, elsewhere())
    print("\nA whole plan: keyed numbers, 400 draws of 48 clusters of three states, assignment")
    print(f"{'units':>10}{'visits':>9}{'workers':>9}{'seconds':>9}{'MiB':>8}{'served':>9}")
    for units in given.units:
        planned(units, 0.05)


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asks(parser)
    print_all(parser.parse_args())


if __name__ == "__main__":
    main()
