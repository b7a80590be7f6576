"""Sums over rows whose weight fades by the calendar week, kept as one flat node.

A row closed in week p has the weight `keep`^(n − p) in sums as of week n, the newest of all rows learned so
far: the age of a row is counted to a row's week and never to a clock. Sums as of an older week are brought
forward by the same factor, and a row that is folded late enters with what would be left of it by now. So
pieces in any order give what the whole gives, and nothing fades while nothing is learned.

The node: the sums, and after them the week they are of, which only sums that fade have need of.
"""

from collections.abc import Callable
from math import inf

import numpy as np

from engagement.errors import Unusable
from engagement.records import ROOT, Batch, Floats, Nodes


def check_half_life(weeks: float | None) -> None:
    """Refuses a half-life that is none. raises : ValueError"""
    if weeks is not None and not 1 <= weeks < inf:
        raise ValueError("half_life_weeks is at least one week, or absent: then nothing fades")


def kept_a_week(half_life_weeks: float | None) -> float:
    """What a week leaves of a row's weight, in (0, 1]."""
    return 1.0 if half_life_weeks is None else float(0.5 ** (1 / half_life_weeks))


def brought_forward(keep: float, known: float | None, batch: Batch) -> tuple[float, float, Batch]:
    """The newest week, what is left of sums as of `known`, and the batch with what is left of its rows.

    known : the week of the sums so far; None where there are none
    """
    newest = max(float(batch.period.max()), *(() if known is None else (known,)), -inf)
    left = 1.0 if known is None else keep ** (newest - known)
    return newest, left, batch._replace(weight=batch.weight * keep ** (newest - batch.period))


def folded(nodes: Nodes, batch: Batch, size: int, keep: float, summed: Callable[[Batch], Floats]) -> Nodes:
    """The program's node with what a batch adds to it.

    size : numbers in the sums      summed : the sums, (size,), of a batch's rows, each with its weight
    """
    if keep == 1:
        return {ROOT: sums(nodes, size, keep) + summed(batch)}
    node = nodes.get(ROOT)
    newest, left, faded = brought_forward(keep, None if node is None else _week(node, size), batch)
    return {ROOT: np.append(left * sums(nodes, size, keep) + summed(faded), newest)}


def sums(nodes: Nodes, size: int, keep: float) -> Floats:
    """(size,), of the newest week. raises : Unusable for a node of the wrong shape"""
    node = nodes.get(ROOT)
    if node is None:
        return np.zeros(size)
    if keep == 1:
        return _shaped(node, size)
    return _shaped(node, size + 1)[:-1]


def _week(node: Floats, size: int) -> float:
    return float(_shaped(node, size + 1)[-1])


def _shaped(node: Floats, size: int) -> Floats:
    if node.shape != (size,):
        raise Unusable(f"the node should hold {size} numbers, and has the shape {node.shape}")
    return node
