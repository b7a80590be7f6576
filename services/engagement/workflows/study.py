"""A study is run: whatever is not there yet, each result written by itself, and tables of all at the end.

A result is written beside its place and then moved there, so that it is there whole or not at all; killed at
any moment, the next start goes on where this one stopped. Results come in any order, from any back-end, and
are the same bytes.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from engagement.workflows.study_run import Named, Run

Worker = Callable[[Sequence[Named]], Iterator[tuple[str, bytes]]]
"""Runs jobs, and gives each one's key and result as soon as it is there, in any order."""
Progress = Callable[[Iterable[tuple[str, bytes]], int, int], Iterable[tuple[str, bytes]]]
"""(results to come, how many there will be altogether, how many are there) → the same results."""


class Folder(NamedTuple):
    """Where a study's results lie."""

    root: Path

    @property
    def runs(self) -> Path:
        """One file for each run."""
        return self.root / "runs"

    def place(self, key: str) -> Path:
        """The file of a run."""
        return self.runs / f"{key}.json"

    def keep(self, key: str, content: bytes) -> None:
        """Writes a result: whole, or not at all."""
        beside = self.runs / f"{key}.part"
        beside.write_bytes(content)
        os.replace(beside, self.place(key))


def run_missing(folder: Folder, wanted: Sequence[Named], worker: Worker, progress: Progress) -> int:
    """Runs what is not there yet; how many that were."""
    folder.runs.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in folder.runs.glob("*.json")}
    todo = [named for named in wanted if named.key not in there]
    for key, content in progress(worker(todo), len(wanted), len(wanted) - len(todo)):
        folder.keep(key, content)
    return len(todo)


def results(folder: Folder, wanted: Sequence[Named]) -> list[Run]:
    """All runs of a study in its order; others that lie in the folder are left alone."""
    decoder = msgspec.json.Decoder(Run)
    return [decoder.decode(folder.place(named.key).read_bytes()) for named in wanted]
