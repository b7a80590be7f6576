"""Where the time of a recommendation goes: the workflow in process, on cuts of several sizes.

Processor time of the thread that decides, which other work on the machine disturbs least; a wait for the disk
is in `wall` alone. The product carries no timers: the functions it calls are wrapped here, which adds about a
microsecond to those that are called for each unit. Prints one table; `measure` gives the numbers.
`python benchmarks/steps.py --database URL` wants the URL of a database that `world` built.
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
from engagement.strategy import decide as deciding
from engagement.workflows import recommend as workflow
from engagement.workflows.ingest import milliseconds
from world import member, month

CUTS = (1, 16, 64, 256)
STEPS = (
    "read",
    "leaders",
    "features",
    "available",
    "belief",
    "draw",
    "evidence",
    "write",
    "tell",
    "commit",
    "rest",
)
READ = (
    (setup, "catalogue_revision"),
    (units, "lock"),
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
    (workflow, "leads_of", "leaders"),
    (workflow, "picture", "features"),
    (workflow, "matrix", "features"),
    (workflow, "situation", "available"),
    (workflow, "refusals", "available"),
    (workflow, "_with_settled", "belief"),
    (deciding, "_believed", "belief"),
    (workflow, "decide", "draw"),
    (workflow, "_decision", "evidence"),
    (workflow, "told", "tell"),
)
"""`rest` is what remains of the workflow: cases, gates, purses, arms, keyed draws of lots."""


class Cut(NamedTuple):
    """Microseconds of processor a unit in each step at one size of cut: the median of the cuts made.

    wall : of all steps together, by the clock
    """

    size: int
    steps: dict[str, float]
    wall: float

    @property
    def total(self) -> float:
        """All steps together."""
        return sum(self.steps.values())


class Watch:
    """Processor seconds by step; what is timed inside another step is taken off that one."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.inside = [0.0]

    def timed(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        """The function, with what it took added to a step."""

        def wrapped(*given: Any, **named: Any) -> Any:
            self.inside.append(0.0)
            start = time.thread_time()
            try:
                return function(*given, **named)
            finally:
                taken = time.thread_time() - start
                self.spent[step] += taken - self.inside.pop()
                self.inside[-1] += taken

        return wrapped


@contextmanager
def watched() -> Iterator[Watch]:
    """The workflow with every wrapped function timed."""
    watch = Watch()
    patches = [
        patch.object(place, name, watch.timed(getattr(place, name), step)) for place, name, step in WRAPPED
    ]
    for one in patches:
        one.start()
    try:
        yield watch
    finally:
        for one in patches:
            one.stop()


def measure(url: str, program_id: str, members: int, first_month: int, cuts_a_size: int = 30) -> list[Cut]:
    """Decides once for distinct members, one simulated month a size; the first tenth warms up."""
    db, kept = Database(url), Kept()
    out = []
    with watched() as watch:
        for later, size in enumerate(CUTS):
            now_ms = milliseconds(month(first_month + later))
            order = np.random.default_rng(later).permutation(members)
            found: list[dict[str, float]] = []
            for start in range(0, min(members, cuts_a_size * size) - size + 1, size):
                asks = [workflow.Ask(member=member(int(number))) for number in order[start : start + size]]
                found.append(one_cut(db, kept, program_id, asks, now_ms, watch))
            warm = found[len(found) // 10 :]
            middle = {
                step: 1e6 * statistics.median(row[step] for row in warm) / size for step in (*STEPS, "wall")
            }
            out.append(Cut(size, {step: middle[step] for step in STEPS}, middle["wall"]))
    db.close()
    return out


def one_cut(
    db: Database,
    kept: Kept,
    program_id: str,
    asks: list[workflow.Ask],
    now_ms: int,
    watch: Watch,
) -> dict[str, float]:
    """Processor seconds in each step of one transaction, and the seconds it took."""
    watch.spent.clear()
    wall, start = time.perf_counter(), time.thread_time()
    with db.write() as conn:
        begun = time.thread_time()
        workflow.recommend(conn, kept, program_id, asks, now_ms, simulated=True)
        done = time.thread_time()
    end = time.thread_time()
    steps = {step: watch.spent[step] for step in STEPS}
    steps["rest"] = done - begun - sum(steps.values())
    steps["commit"] = end - done + begun - start
    steps["wall"] = time.perf_counter() - wall
    return steps


def table(cuts: list[Cut]) -> str:
    """The numbers for a person."""
    head = f"{'units a cut':>12}" + "".join(f"{step:>10}" for step in STEPS) + f"{'all':>9}{'wall':>9}"
    rows = [
        f"{cut.size:>12}"
        + "".join(f"{cut.steps[step]:>10.1f}" for step in STEPS)
        + f"{cut.total:>9.1f}{cut.wall:>9.1f}"
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
