"""Decisions close, and what they earned is read from the signals inside their windows."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.signals.meetings import ATTENDANCE
from engagement.store import decisions as store
from engagement.store import merges, setup, signals, units
from engagement.store.decisions import Decision, OutcomeRow
from engagement.store.kept import Kept
from engagement.store.merges import Merged
from engagement.store.units import Unit
from engagement.strategy.cadence import local_date, midnight_ms
from engagement.strategy.reward import Seen, came_to_next_meeting, next_meeting_held, next_meeting_with_three
from engagement.strategy.strategy import OutcomeKind
from engagement.workflows.tallies import counting, key, kin


class _Reading(NamedTuple):
    """How an outcome is read from signals.

    group_wide : from everybody's attendance in the group, not from the member's own signals
    """

    reward: Callable[[Sequence[Seen], int, int], float | None]
    group_wide: bool


READINGS: dict[OutcomeKind, _Reading] = {
    "came_to_next_meeting": _Reading(came_to_next_meeting, group_wide=False),
    "next_meeting_held": _Reading(next_meeting_held, group_wide=True),
    "next_meeting_with_three": _Reading(next_meeting_with_three, group_wide=True),
}
"""The outcomes that are read from signals; any other is posted."""


def rewards(
    conn: Connection, kept: Kept, program_id: str, decisions: Sequence[Decision]
) -> dict[str, float | None]:
    """What each decision earned according to the signals stored so far; None for silence.

    A decision whose outcome is posted is left out. Where two members were merged, what is said of either
    is about the one person for whom was decided.
    """
    read = {}
    for decision in decisions:
        catalogue = setup.catalogue(conn, kept, program_id, decision.catalogue)
        reading = READINGS.get(catalogue.strategies[decision.strategy_id].outcome.kind)
        if reading is not None:
            read[decision.decision_id] = reading
    asked = [decision for decision in decisions if decision.decision_id in read]
    if not asked:
        return {}
    wide = {decision.group_id for decision in asked if read[decision.decision_id].group_wide}
    by_unit: dict[Unit, list[Seen]] = defaultdict(list)
    came: dict[str, list[Seen]] = defaultdict(list)
    persons = _persons(conn, program_id, asked)
    for row in counting(_around(conn, program_id, asked, persons, wide)):
        seen = Seen(row.kind, row.value or 0, row.occurred_at, row.unit_id)
        by_unit[Unit(row.unit_kind, row.unit_id)].append(seen)
        if row.unit_kind == "member" and row.kind == ATTENDANCE.kind and row.group_id in wide:
            came[row.group_id].append(seen)
    out = {}
    until = _seated_until(conn, kept, program_id, asked)
    for decision in asked:
        reading = read[decision.decision_id]
        own = came[decision.group_id] if reading.group_wide else by_unit[_person(decision, persons)]
        gone_ms = until.get(decision.decision_id, decision.closes_at + 1)
        met = [row for row in by_unit[Unit("group", decision.group_id)] if row.occurred_at_ms < gone_ms]
        out[decision.decision_id] = reading.reward([*own, *met], decision.decided_at, decision.closes_at)
    return out


def _seated_until(
    conn: Connection, kept: Kept, program_id: str, decisions: Sequence[Decision]
) -> dict[str, int]:
    """When members ceased to sit in the group of their decision: its later meetings say nothing of them.

    A decision of a member who still sits there is left out.
    """
    names = sorted({decision.unit_id for decision in decisions if decision.unit_kind == "member"})
    seats = setup.memberships_of(conn, program_id, names) if names else {}
    out = {}
    for decision in decisions:
        zone = setup.catalogue(conn, kept, program_id, decision.catalogue).program.time_zone
        day = local_date(decision.decided_at, zone)
        later = (seat for seat in seats.get(decision.unit_id, ()) if seat.starts_on > day)
        gone = next((seat for seat in later if seat.group != decision.group_id), None)
        if decision.unit_kind == "member" and gone is not None:
            out[decision.decision_id] = midnight_ms(gone.starts_on, zone)
    return out


def _persons(conn: Connection, program_id: str, decisions: Sequence[Decision]) -> dict[str, Merged]:
    """Every id that was merged into another, of the people decided for."""
    names = sorted({decision.unit_id for decision in decisions if decision.unit_kind == "member"})
    return merges.merged(conn, program_id, names)


def _person(decision: Decision, persons: Mapping[str, Merged]) -> Unit:
    """For whom was decided, under the id that the member is kept under; a group is itself."""
    merge = persons.get(decision.unit_id) if decision.unit_kind == "member" else None
    return decision.unit if merge is None else Unit("member", merge.into)


def _around(
    conn: Connection,
    program_id: str,
    decisions: Sequence[Decision],
    persons: Mapping[str, Merged],
    wide: set[str],
) -> list[signals.Recorded]:
    """Signals inside the decisions' windows, and their kin wherever those lie in time.

    persons : every id of the people decided for that was merged into another
    wide : groups of which everybody's attendance is wanted
    """
    people = {person.id for person in (_person(row, persons) for row in decisions) if person.kind == "member"}
    found = signals.in_window(
        conn,
        program_id,
        sorted(people.union(persons)),
        sorted({decision.group_id for decision in decisions}),
        sorted(wide),
        min(decision.decided_at for decision in decisions),
        max(decision.closes_at for decision in decisions),
    )
    return list(kin(conn, program_id, map(key, found)).values())


def mature(conn: Connection, kept: Kept, program_id: str, due: Sequence[Decision], now_ms: int) -> None:
    """Stores the first outcome of decisions that have closed, unless there is one by now.

    A strategy whose outcome is posted gets silence until somebody posts. Members and groups are locked,
    so that a signal being stored meanwhile is either seen here or finds the outcome and revises it.
    """
    persons = _persons(conn, program_id, due)
    people = {decision.unit for decision in due} | {_person(decision, persons) for decision in due}
    concerned = people | {Unit("group", decision.group_id) for decision in due}
    held = units.lock(conn, program_id, concerned)
    if not people <= held.keys():  # somebody may just have been erased
        still = store.by_id(conn, program_id, [decision.decision_id for decision in due])
        due = [decision for decision in due if decision.decision_id in still]
    settled = store.outcomes(conn, program_id, [decision.decision_id for decision in due])
    silent = [decision for decision in due if decision.decision_id not in settled]
    earned = rewards(conn, kept, program_id, silent)
    fresh = [
        (
            decision.strategy_id,
            OutcomeRow(decision.decision_id, 1, earned.get(decision.decision_id), "signals", now_ms),
        )
        for decision in silent
    ]
    store.insert_outcomes(conn, program_id, fresh)


def revise_outcomes(
    conn: Connection, kept: Kept, program_id: str, decisions: Sequence[Decision], now_ms: int
) -> int:
    """Adds a revision to every outcome that late signals have changed; posted outcomes stay as posted."""
    if not decisions:
        return 0
    known = store.outcomes(conn, program_id, [decision.decision_id for decision in decisions])
    earned = rewards(conn, kept, program_id, decisions)
    changed = []
    for decision in decisions:
        last = known[decision.decision_id][-1]
        reward = earned.get(decision.decision_id)
        if last.source == "signals" and last.reward != reward:
            row = OutcomeRow(decision.decision_id, last.revision + 1, reward, "signals", now_ms)
            changed.append((decision.strategy_id, row))
    store.insert_outcomes(conn, program_id, changed)
    return len(changed)
