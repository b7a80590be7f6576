"""Regret beside what people would pick instead: means ± standard errors over seeds, and ratios.

Everything is synthetic but scikit-learn's bundled sets. Peers come from the package index with the defaults
of their documentation: MABWiser, Vowpal Wabbit, River, contextualbandits; one that is not installed is named.
`make regret` installs them beside, in an environment of their own. Three kinds of tables:

- tasks of others: every contender on the same seeds, and the ratio to the best peer;
- the program task, in four worlds: the service's configuration, which is told no variance, beside references
  that are told all, and what the floor costs these;
- floors: what each costs, in the same worlds at 12 decisions, against none; and what it buys: the share of a
  log's decisions that count when another strategy is judged by it (no regret there: more is better).

A difference is counted in standard errors of the seeds' paired differences: above 2 it is worse than what it
is measured against.

    python benchmarks/regret.py --seeds 30 --json regret.json
    python benchmarks/regret.py --task linear --task iris --quick

With `--json` each run is kept as soon as it is done, and a run that is kept is not made again.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import program_task
from bandit_tasks import TASKS, Task
from contenders import Factory, Shape, engagement_contenders, peers
from engagement.records import Floats
from runs import Book, Cell, run

SEEDS = 30
QUICK = 3
DECISIONS = (12, 120)
FLOORS = (0.0, 0.01, 0.02, 0.05, 0.1)
WORTH = "floors, share of the log that counts"


def play(task: Task, factory: Factory, seed: int) -> float:
    """Mean regret of a step."""
    rounds, lost = task.rounds(seed), 0.0
    steps, actions = rounds.mean.shape
    contender = factory(Shape(actions, rounds.contexts.shape[1], seed))
    for first in range(0, steps, task.delay):
        contexts, mean = rounds.contexts[first : first + task.delay], rounds.mean[first : first + task.delay]
        rows = np.arange(len(mean))
        action = contender.choose(contexts, steps - first - rows.astype(np.float64))
        contender.learn(contexts, action, rounds.reward[first + rows, action])
        lost += float(np.sum(mean.max(axis=1) - mean[rows, action]))
    return float(lost / steps)


def cells() -> Iterator[Cell]:
    """Everything there is to run."""
    for name, task in TASKS.items():
        for who, factory in {**engagement_contenders(task), **peers(task)}.items():
            yield Cell(name, who, partial(play, task, factory))
    for world, spread in program_task.WORLDS.items():
        for decisions in DECISIONS:
            for who, rule in program_task.rules(spread).items():
                if decisions > 12 and who == "Thompson, untold":
                    continue  # what the horizon buys is seen with 12
                yield Cell(
                    named(world, decisions), who, partial(program_task.regret, rule, spread, decisions)
                )
        for floor in FLOORS:
            rule = program_task.rules(spread, floor)["engagement"]
            who = f"floor {floor:g}"
            yield Cell(f"floors, {world}", who, partial(program_task.regret, rule, spread, 12))
            yield Cell(f"{WORTH}, {world}", who, partial(program_task.worth, rule, spread, 12))


def named(world: str, decisions: int) -> str:
    """The program task's name in a world."""
    return f"program, {world}, {decisions} decisions"


def yardstick(task: str, found: dict[str, Floats]) -> Floats | None:
    """(seeds,): what a task's contenders are measured against; None where that was not run.

    The best peer by its mean; on the program task the best reference with its floor's cost, with 12 decisions
    greedy; no floor among floors; nothing where more is better.
    """
    if task.startswith(WORTH):
        return None
    if task.startswith("floors"):
        others = {who: row for who, row in found.items() if who == "floor 0"}
    elif task.startswith("program"):
        told = ("greedy, told",) if task.endswith(" 12 decisions") else ("greedy, told", "Thompson, told")
        others = {who: with_floor(found["uniform"], found[who]) for who in told if who in found}
    else:
        others = {who: row for who, row in found.items() if not who.startswith("engagement")}
    return min(others.values(), key=np.mean, default=None)


def with_floor(uniform: Floats, rule: Floats) -> Floats:
    """A rule's regret with the service's floor added, by seed."""
    seeds = min(len(uniform), len(rule))
    return rule[:seeds] + program_task.floor_cost(program_task.FLOOR, uniform[:seeds], rule[:seeds])


def standard_error(values: Floats) -> float:
    """Of their mean; infinite for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("inf")


def print_table(task: str, contenders: list[str], seeds: int, book: Book) -> None:
    """Means, standard errors, and what they are against the yardstick."""
    found = {who: book.regrets(task, who, seeds) for who in contenders}
    against = yardstick(task, {who: row for who, row in found.items() if len(row)})
    print(f"\n### {task[0].upper()}{task[1:]}\n")
    measure = "share" if task.startswith(WORTH) else "regret"
    print(
        f"| contender | {measure} | ± se | ratio | standard errors apart | seeds |\n|---|---|---|---|---|---|"
    )
    for who, row in found.items():
        if not len(row):
            print(f"| {who} | not run: {book.absent.get((task, who), 'left out')} | | | | 0 |")
            continue
        numbers = f"{row.mean():.4f} | {standard_error(row):.4f} | {compared(row, against)}"
        print(f"| {who} | {numbers} | {len(row)} |")


def compared(row: Floats, against: Floats | None) -> str:
    """Ratio of the means over the seeds that both have, and their paired difference in standard errors."""
    if against is None:
        return "|"
    seeds = min(len(row), len(against))
    gap = row[:seeds] - against[:seeds]
    apart = gap.mean() / standard_error(gap) if gap.any() else 0.0
    return f"{row[:seeds].mean() / against[:seeds].mean():.2f} | {apart:+.1f}"


def main() -> None:
    """The tables that were asked for."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--task", action="append", default=[], help="part of a task's name; all if absent")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK} seeds: to see that it runs, no evidence"
    )
    parser.add_argument("--json", type=Path, help="keeps runs in this file, and takes kept ones from it")
    parser.add_argument("--tables", action="store_true", help="prints what is kept and runs nothing")
    given = parser.parse_args()
    seeds, book = QUICK if given.quick else given.seeds, Book(given.json)
    chosen = [cell for cell in cells() if not given.task or any(part in cell.task for part in given.task)]
    if not given.tables:
        run(chosen, seeds, book)
    gap = program_task.check_arrays()
    print(f"The program task's scores and those of the stored nodes differ by at most {gap:.0e}.")
    for task in dict.fromkeys(cell.task for cell in chosen):
        print_table(task, [cell.contender for cell in chosen if cell.task == task], seeds, book)


if __name__ == "__main__":
    main()
