"""Runs of a benchmark by task, contender and seed, kept in a file as they are done."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engagement.records import Floats

Run = Callable[[int], float]
"""Seed → mean regret of a decision; ImportError where a peer is not installed."""
Kept = dict[str, dict[str, dict[str, float]]]
"""Task → contender → seed → regret, as in the file."""


class Cell(NamedTuple):
    """One line of a table."""

    task: str
    contender: str
    run: Run


class Book:
    """What has been run, in memory and, where one is given, in a file."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.kept: Kept = json.loads(file.read_text()) if file and file.exists() else {}
        self.absent: dict[tuple[str, str], str] = {}

    def run(self, cell: Cell, seed: int) -> None:
        """One run, unless it is kept; a contender that cannot be imported is noted."""
        row = self.kept.setdefault(cell.task, {}).setdefault(cell.contender, {})
        if str(seed) in row or (cell.task, cell.contender) in self.absent:
            return
        try:
            row[str(seed)] = cell.run(seed)
        except ImportError as missing:
            self.absent[cell.task, cell.contender] = str(missing)
            return
        if self.file:
            draft = self.file.with_suffix(".new")
            draft.write_text(json.dumps(self.kept))
            draft.replace(self.file)

    def regrets(self, task: str, contender: str, seeds: int) -> Floats:
        """(seeds,), or fewer where not all were run."""
        row = self.kept.get(task, {}).get(contender, {})
        return np.array([row[str(seed)] for seed in range(seeds) if str(seed) in row])


def run(chosen: list[Cell], seeds: int, book: Book) -> None:
    """Every cell with every seed, seed by seed: a run cut short has fewer seeds and all contenders."""
    start, total = time.monotonic(), len(chosen) * seeds
    for number, (seed, cell) in enumerate(((s, c) for s in range(seeds) for c in chosen), 1):
        book.run(cell, seed)
        spent = time.monotonic() - start
        left = spent / number * (total - number) / 60
        print(
            f"\r{number} of {total} runs, about {left:.0f} minutes left ", end="", file=sys.stderr, flush=True
        )
    print(file=sys.stderr)
