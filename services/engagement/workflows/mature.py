"""Decisions close, and what they earned is read from the signals inside their windows."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from engagement.store import decisions as store
from engagement.store import setup, signals, units
from engagement.store.decisions import Decision, OutcomeRow
from engagement.store.kept import Kept
from engagement.strategy.reward import Seen, came_to_next_meeting
from engagement.workflows.tallies import counting, key, kin


def rewards(conn: Connection, program_id: str, decisions: Sequence[Decision]) -> dict[str, float | None]:
    """What each decision earned according to the signals stored so far; None for silence."""
    if not decisions:
        return {}
    by_unit: dict[tuple[str, str], list[Seen]] = defaultdict(list)
    for row in counting(_around(conn, program_id, decisions)):
        by_unit[row.unit_kind, row.unit_id].append(Seen(row.kind, row.value or 0, row.occurred_at))
    return {
        decision.decision_id: came_to_next_meeting(
            [*by_unit["member", decision.unit_id], *by_unit["group", decision.group_id]],
            decision.decided_at,
            decision.closes_at,
        )
        for decision in decisions
    }


def _around(conn: Connection, program_id: str, decisions: Sequence[Decision]) -> list[signals.Recorded]:
    """Signals inside the decisions' windows, and their kin wherever those lie in time."""
    found = signals.in_window(
        conn,
        program_id,
        sorted({decision.unit_id for decision in decisions}),
        sorted({decision.group_id for decision in decisions}),
        min(decision.decided_at for decision in decisions),
        max(decision.closes_at for decision in decisions),
    )
    return list(kin(conn, program_id, map(key, found)).values())


def mature(conn: Connection, kept: Kept, program_id: str, due: Sequence[Decision], now_ms: int) -> None:
    """Stores the first outcome of decisions that have closed, unless there is one by now.

    A strategy whose outcome is posted gets silence until somebody posts. Members and groups are locked,
    so that a signal being stored meanwhile is either seen here or finds the outcome and revises it.
    """
    units.lock_tallies(conn, program_id, "member", sorted({decision.unit_id for decision in due}))
    units.lock_tallies(conn, program_id, "group", sorted({decision.group_id for decision in due}))
    settled = store.outcomes(conn, program_id, [decision.decision_id for decision in due])
    silent = [decision for decision in due if decision.decision_id not in settled]
    earned = _earned(conn, kept, program_id, silent)
    fresh = [
        (
            decision.strategy_id,
            OutcomeRow(decision.decision_id, 1, earned[decision.decision_id], "signals", now_ms),
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
    earned = _earned(conn, kept, program_id, decisions)
    changed = []
    for decision in decisions:
        last = known[decision.decision_id][-1]
        reward = earned[decision.decision_id]
        if last.source == "signals" and last.reward != reward:
            row = OutcomeRow(decision.decision_id, last.revision + 1, reward, "signals", now_ms)
            changed.append((decision.strategy_id, row))
    store.insert_outcomes(conn, program_id, changed)
    return len(changed)


def _earned(
    conn: Connection, kept: Kept, program_id: str, decisions: Sequence[Decision]
) -> dict[str, float | None]:
    """Rewards under each decision's own strategy."""
    from_signals = [
        decision
        for decision in decisions
        if setup.catalogue(conn, kept, program_id, decision.catalogue)
        .strategies[decision.strategy_id]
        .outcome.kind
        == "came_to_next_meeting"
    ]
    read = rewards(conn, program_id, from_signals)
    return {decision.decision_id: read.get(decision.decision_id) for decision in decisions}
