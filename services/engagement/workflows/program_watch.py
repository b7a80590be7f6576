"""Every program of the installation is looked at: its vital signs, and once a day a sample made again."""

import random
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.tally import DAY_MS
from engagement.store import counts, setup
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.wall import LISTING
from engagement.strategy.cadence import local_date
from engagement.workflows.replay import replay_decisions
from engagement.workflows.vital_signs import VitalSigns, vital_signs

MOST_PROGRAMS = 200
"""Of so many figures are given, the first by id: the series of one database stay bounded."""
SAMPLE = 200
SAMPLED_DAYS = 7
MOST_SAMPLED_FROM = 50_000


class Replayed(NamedTuple):
    """A day's sample of decisions that were made again. number : compared      differ : came out otherwise"""

    day: date
    number: int
    differ: int


class Watched(NamedTuple):
    """What is known of one program."""

    signs: VitalSigns
    replayed: Replayed


def watch(db: Database, kept: Kept, now_ms: int, before: Mapping[str, Replayed]) -> tuple[list[Watched], int]:
    """Every program by its long id, each read at one moment, and how many there are.

    before : the newest sample of each program; one of the same day holds
    """
    with db.read(LISTING) as conn:
        programs = setup.program_ids(conn)
    out = []
    for program_id in programs[:MOST_PROGRAMS]:
        with db.read(program_id) as conn:
            signs = vital_signs(conn, kept, program_id, now_ms)
        replayed = before.get(program_id)
        if replayed is None or replayed.day != local_date(now_ms, "UTC"):
            with db.read(program_id) as conn:
                replayed = replayed_sample(conn, kept, program_id, now_ms)
        out.append(Watched(signs, replayed))
    return out, len(programs)


def replayed_sample(conn: Connection, kept: Kept, program_id: str, now_ms: int) -> Replayed:
    """The sample of a day (UTC), drawn from the last week's decisions: the same, whoever draws it."""
    day = local_date(now_ms, "UTC")
    ids = counts.ids_since(conn, program_id, now_ms - SAMPLED_DAYS * DAY_MS, MOST_SAMPLED_FROM)
    drawn = random.Random(f"{program_id} {day}").sample(sorted(ids), min(SAMPLE, len(ids)))
    compared = [verdict.agrees for verdict in replay_decisions(conn, kept, program_id, drawn)]
    told = [agrees for agrees in compared if agrees is not None]
    return Replayed(day, len(told), told.count(False))
