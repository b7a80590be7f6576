"""Courses of units, for tests of what an exploration rule makes of them."""

from collections.abc import Sequence

import numpy as np

from engagement.records import Course


def course(*remaining: float, made: Sequence[int] | int = 0) -> Course:
    """A row for each number of decisions to come, with as many made before, or a number for each."""
    return Course(np.broadcast_to(np.asarray(made, np.int64), len(remaining)), np.array(remaining, float))


ONE_ROW = course(1.0)
"""For rules that look at no course."""
