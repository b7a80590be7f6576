"""The time that health workers have for visits in a week, and who fills a visit that nobody makes."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from engagement.bandits.restless.assignment import Places, Worker, substitute
from engagement.strategy.setup import HealthWorker

WORKING_DAYS = 5
"""A week's hours are spread evenly over Monday to Friday; a guess."""


def minutes_in(worker: HealthWorker, monday: date) -> int:
    """Minutes for groups in a week, without the days on leave; the whole week's, whatever day it is."""
    there = sum(worker.works_on(monday + timedelta(days=day)) for day in range(WORKING_DAYS))
    return int(worker.hours_a_week * 60) * there // WORKING_DAYS


def away_in(worker: HealthWorker, monday: date) -> bool:
    """Whether she is on leave on every working day of a week."""
    return not any(worker.works_on(monday + timedelta(days=day)) for day in range(WORKING_DAYS))


def fillers(places: Places, workers: Sequence[Worker]) -> list[tuple[int, str]]:
    """Who goes to whom of those next in line with the time that is left: (position, worker) each.

    places : in line      workers : with the minutes they have left
    Whoever can serve the earliest of the line goes there first.
    """
    left = {worker.name: worker for worker in workers}
    waiting = list(range(len(places.units)))
    out: list[tuple[int, str]] = []
    while True:
        line = places.at(np.array(waiting, np.int64))
        found = [(place, name) for name, one in left.items() if (place := substitute(line, one)) is not None]
        if not found:
            return out
        place, name = min(found)
        out.append((waiting.pop(place), name))
        left[name] = left[name]._replace(minutes=left[name].minutes - left[name].visit)
