"""Who was assigned to which arm of a trial, under which protocol: said once for every group, and for ever."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from engagement.store import resources
from engagement.store import tables as t
from engagement.store.sql import Row, among, insert
from engagement.strategy.purse import Resource

TRIALS = "trials/"
"""The counter whose row is the lock of a trial's list. No payer has a slash; nothing is counted there."""


class Assignment(NamedTuple):
    """One group's.

    unit : what was drawn, the group itself or that to which it belonged on the day
    place : of the unit in its stratum's list, from 0      protocol : hash of the one it was made under
    """

    trial_id: str
    group_id: str
    unit_id: str
    stratum: str
    place: int
    arm: str
    protocol: str
    assigned_at: int


_columns = [t.assignments.c[name] for name in Assignment._fields]


def lock_list(conn: Connection, program_id: str, trial: str) -> None:
    """From here to the end of the transaction nobody else draws from the trial's list."""
    resources.lock_counters(conn, program_id, [Resource(TRIALS + trial, "")])


def of_groups(conn: Connection, program_id: str, groups: Sequence[str]) -> list[Assignment]:
    """Every assignment of these groups, in whichever trials."""
    a = t.assignments.c
    query = select(*_columns).where(a.program_id == program_id, among(conn, a.group_id, groups))
    return [Assignment(*row) for row in conn.execute(query)]


def of_units(conn: Connection, program_id: str, trial: str, units: Sequence[str]) -> dict[str, Assignment]:
    """One assignment of each of these units in a trial; all of a unit say the same arm."""
    a = t.assignments.c
    query = select(*_columns).where(
        a.program_id == program_id, a.trial_id == trial, among(conn, a.unit_id, units)
    )
    return {row.unit_id: Assignment(*row) for row in conn.execute(query)}


def of_trial(conn: Connection, program_id: str, trial: str) -> list[Assignment]:
    """Every assignment of a trial, in the order of the draw."""
    a = t.assignments.c
    query = (
        select(*_columns)
        .where(a.program_id == program_id, a.trial_id == trial)
        .order_by(a.assigned_at, a.stratum, a.place, a.group_id)
    )
    return [Assignment(*row) for row in conn.execute(query)]


def drawn(conn: Connection, program_id: str, trial: str) -> dict[str, int]:
    """How many entries of each stratum's list have been given out."""
    a = t.assignments.c
    query = (
        select(a.stratum, func.max(a.place) + 1)
        .where(a.program_id == program_id, a.trial_id == trial)
        .group_by(a.stratum)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def any_of(conn: Connection, program_id: str, trial: str) -> bool:
    """Whether anybody was assigned in a trial."""
    a = t.assignments.c
    query = select(a.group_id).where(a.program_id == program_id, a.trial_id == trial).limit(1)
    return conn.execute(query).first() is not None


def add(conn: Connection, program_id: str, rows: Sequence[Assignment]) -> None:
    """Stores new ones, under the list's lock."""
    values: list[Row] = [row._asdict() | {"program_id": program_id} for row in rows]
    insert(conn, t.assignments, values)
