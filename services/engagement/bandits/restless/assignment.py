"""Which health worker goes to which chosen unit, and why somebody is left without a visit.

A worker can go to a unit if the unit's catchment is hers, they share a language, she is not on leave,
and she has the minutes of a visit left; each worker has as many *slots* as whole visits fit into her
minutes. Of all ways to fill the slots the one is taken in which, in this order of importance,

1. as many units as possible are visited,
2. those early in the line come before later ones (the line is drawn: nobody is left out for her name),
3. as many as possible are visited by someone they know.

Sets of units that can all be served form a transversal matroid, in which the first two are one: weights
that fall along the line find the largest set that is first in the line (Edmonds & Fulkerson 1965). So a
single assignment problem does, solved by SciPy for each part of the map that no worker connects with
another. The result is the same for the same input and version of SciPy; a plan stores it.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from engagement.records import Bools, Floats, Integers

LeftOut = Literal["catchment", "language", "leave", "minutes", "full"]
"""Nobody works there; nobody of them speaks the language; all of those are on leave; none of the rest has
the minutes of a visit left; their minutes go to units earlier in the line, or from which more are served."""


class Places(NamedTuple):
    """Units in line: where they are, and the language they speak; N ids each."""

    units: tuple[str, ...]
    catchments: tuple[str, ...]
    languages: tuple[str, ...]

    def at(self, positions: Integers) -> "Places":
        """Those at these positions, in this order."""
        return Places(*(tuple(part[i] for i in positions) for part in self))


class Worker(NamedTuple):
    """A health worker, by pseudonym, as she stands in the period of the plan.

    minutes : left for groups in the period      visit : minutes of one visit, with the way there
    knows : units she has visited before
    """

    name: str
    catchments: frozenset[str]
    languages: frozenset[str]
    minutes: int
    visit: int
    away: bool = False
    knows: frozenset[str] = frozenset()

    @property
    def slots(self) -> int:
        """Whole visits that fit into the minutes she has left."""
        return 0 if self.away else max(0, self.minutes // self.visit)


class Assigned(NamedTuple):
    """worker : the name for each unit, None where left out      reason : why left out, None elsewhere"""

    worker: tuple[str | None, ...]
    reason: tuple[LeftOut | None, ...]


def assigned(places: Places, workers: Sequence[Worker]) -> Assigned:
    """A worker for as many of the units as possible, the early ones first.

    places : units in line      workers : in any order; their names decide between equals
    raises : ValueError for a visit without minutes, or a name given twice
    """
    crew = sorted(workers, key=lambda worker: worker.name)
    if any(worker.visit < 1 for worker in crew):
        raise ValueError("a visit takes at least a minute")
    if len({worker.name for worker in crew}) < len(crew):
        raise ValueError("two workers have the same name")
    found: list[str | None] = [None] * len(places.units)
    for rows, members in _parts(places.catchments, crew):
        part = [crew[w] for w in members]
        for row, slot in _matched(places.at(rows), part):
            found[rows[row]] = part[slot].name
    reasons = (
        _reason(catchment, language, crew) if name is None else None
        for name, catchment, language in zip(found, places.catchments, places.languages, strict=True)
    )
    return Assigned(tuple(found), tuple(reasons))


def substitute(places: Places, worker: Worker) -> int | None:
    """The first in line to whom this worker can go with the time she has, None where there is none.

    places : those next in line      worker : she whose visit fell out, with the minutes now left
    """
    if not worker.slots:
        return None
    fitting = (
        n for n in range(len(places.units)) if _fits(worker, places.catchments[n], places.languages[n])
    )
    return next(fitting, None)


def _fits(worker: Worker, catchment: str, language: str) -> bool:
    return catchment in worker.catchments and language in worker.languages


def _parts(catchments: Sequence[str], crew: Sequence[Worker]) -> Iterator[tuple[Integers, Integers]]:
    """Positions of units and of workers with slots, for each part of the map that holds both."""
    names = {name: number for number, name in enumerate(sorted(set(catchments)))}
    pairs = [
        (names[name], len(names) + w)
        for w, worker in enumerate(crew)
        for name in worker.catchments
        if worker.slots and name in names
    ]
    if not pairs:
        return
    size = len(names) + len(crew)
    ends = np.array(pairs).T
    from scipy.sparse import coo_array  # noqa: PLC0415  else every command waits for it to load
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415  the same

    graph = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    of_unit = label[[names[name] for name in catchments]]
    of_worker = label[len(names) :]
    for part in np.intersect1d(of_unit, of_worker):
        yield np.flatnonzero(of_unit == part), np.flatnonzero(of_worker == part)


def _matched(places: Places, crew: Sequence[Worker]) -> Iterator[tuple[int, int]]:
    """Pairs (position of a unit, position of a worker) of the best assignment."""
    slots = np.repeat(np.arange(len(crew)), [min(worker.slots, len(places.units)) for worker in crew])
    value = _values(places, crew)[:, slots]
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  else every command waits for it to load

    rows, columns = linear_sum_assignment(value, maximize=True)
    served: Bools = value[rows, columns] > 0
    yield from zip(rows[served].tolist(), slots[columns[served]].tolist(), strict=True)


def _values(places: Places, crew: Sequence[Worker]) -> Floats:
    """(n, W): what each visit is worth, 0 where it cannot be.

    One place earlier in the line is worth more than all familiarity together: n + 1 against n. Whole
    numbers below 2⁵³ throughout.
    """
    n = len(places.units)
    place = (n - np.arange(n)) * (n + 1)
    fits = np.array(
        [
            [_fits(w, c, lang) for w in crew]
            for c, lang in zip(places.catchments, places.languages, strict=True)
        ]
    )
    known = np.array([[unit in w.knows for w in crew] for unit in places.units])
    values: Floats = np.where(fits, place[:, None] + known, 0).astype(np.float64)
    return values


def _reason(catchment: str, language: str, crew: Sequence[Worker]) -> LeftOut:
    """The first of the conditions that nobody meets."""
    there = [worker for worker in crew if catchment in worker.catchments]
    speaking = [worker for worker in there if language in worker.languages]
    present = [worker for worker in speaking if not worker.away]
    able = [worker for worker in present if worker.slots]
    checks: tuple[tuple[LeftOut, list[Worker]], ...] = (
        ("catchment", there),
        ("language", speaking),
        ("leave", present),
        ("minutes", able),
    )
    return next((name for name, some in checks if not some), "full")
