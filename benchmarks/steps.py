"""Where the time of a recommendation goes: the workflow in process, on cuts of several sizes.

The product carries no timers: the functions it calls are wrapped here. Prints one table; `measure` gives
the numbers. `python benchmarks/steps.py --database URL` wants the URL of a database that `world` built.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from engagement.store import beliefs, decisions, resources, setup, units
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows import recommend as workflow
from engagement.workflows.ingest import milliseconds
from world import member, month

CUTS = (1, 16, 64, 256)
STEPS = ("read", "state", "belief", "write", "tell", "commit")
READ = (
    (setup, "catalogue_revision"),
    (units, "lock_tallies"),
    (units, "members"),
    (units, "groups"),
    (decisions, "recent"),
    (decisions, "existing"),
    (beliefs, "pointers"),
    (beliefs, "read_nodes"),
    (resources, "lock_counters"),
)
WRITE = (
    (decisions, "insert_decisions"),
    (resources, "insert_reservations"),
    (resources, "write_counters"),
)
WRAPPED = (
    *((place, name, "read") for place, name in READ),
    *((place, name, "write") for place, name in WRITE),
    (workflow, "decide", "belief"),
    (workflow, "told", "tell"),
)
"""`state` is what remains of the workflow: tallies to features, availability, draws, evidence."""


class Cut(NamedTuple):
    """Microseconds a unit in each step at one size of cut: the median over the cuts that were made.

    cpu : of processor time, this process's own, in all steps together
    """

    size: int
    steps: dict[str, float]
    cpu: float

    @property
    def total(self) -> float:
        """All steps together."""
        return sum(self.steps.values())


def timed(function: Callable[..., Any], spent: dict[str, float], step: str) -> Callable[..., Any]:
    """The function, with the seconds it took added to a step."""

    def wrapped(*given: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            spent[step] += time.perf_counter() - start

    return wrapped


@contextmanager
def watched() -> Iterator[dict[str, float]]:
    """The workflow with every wrapped function timed."""
    spent: dict[str, float] = defaultdict(float)
    patches = [
        patch.object(place, name, timed(getattr(place, name), spent, step)) for place, name, step in WRAPPED
    ]
    for one in patches:
        one.start()
    try:
        yield spent
    finally:
        for one in patches:
            one.stop()


def measure(url: str, program_id: str, members: int, first_month: int, cuts_a_size: int = 30) -> list[Cut]:
    """Decides once for distinct members, one simulated month a size; the first tenth warms up."""
    db, kept = Database(url), Kept()
    out = []
    with watched() as spent:
        for later, size in enumerate(CUTS):
            now_ms = milliseconds(month(first_month + later))
            order = np.random.default_rng(later).permutation(members)
            found: list[dict[str, float]] = []
            for start in range(0, min(members, cuts_a_size * size) - size + 1, size):
                asks = [workflow.Ask(member=member(int(number))) for number in order[start : start + size]]
                found.append(one_cut(db, kept, program_id, asks, now_ms, spent))
            warm = found[len(found) // 10 :]
            middle = {
                step: 1e6 * statistics.median(row[step] for row in warm) / size for step in (*STEPS, "cpu")
            }
            out.append(Cut(size, {step: middle[step] for step in STEPS}, middle["cpu"]))
    db.close()
    return out


def one_cut(
    db: Database,
    kept: Kept,
    program_id: str,
    asks: list[workflow.Ask],
    now_ms: int,
    spent: dict[str, float],
) -> dict[str, float]:
    """Seconds in each step of one transaction, and of processor time."""
    spent.clear()
    start, cpu = time.perf_counter(), time.process_time()
    with db.write() as conn:
        begun = time.perf_counter()
        workflow.recommend(conn, kept, program_id, asks, now_ms, simulated=True)
        done = time.perf_counter()
    end = time.perf_counter()
    steps = {step: spent[step] for step in STEPS}
    steps["state"] = done - begun - sum(spent[step] for step in ("read", "belief", "write", "tell"))
    steps["commit"] = end - done + begun - start
    steps["cpu"] = time.process_time() - cpu
    return steps


def table(cuts: list[Cut]) -> str:
    """The numbers for a person."""
    head = f"{'units a cut':>12}" + "".join(f"{step:>9}" for step in STEPS) + f"{'all':>9}{'CPU':>9}"
    rows = [
        f"{cut.size:>12}"
        + "".join(f"{cut.steps[step]:>9.1f}" for step in STEPS)
        + f"{cut.total:>9.1f}{cut.cpu:>9.1f}"
        for cut in cuts
    ]
    return "\n".join([head, *rows])


def main() -> None:
    """The table alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--members", type=int, default=10_000, help="as many as it was built with")
    parser.add_argument("--first-month", type=int, default=2, help="in which nobody has asked yet")
    parser.add_argument("--cuts", type=int, default=30)
    given = parser.parse_args()
    db = Database(given.database)
    with db.read() as conn:
        program_id = setup.program_ids(conn)[0]
    db.close()
    print("µs a unit, synthetic members:")
    print(table(measure(given.database, program_id, given.members, given.first_month, given.cuts)))


if __name__ == "__main__":
    main()
