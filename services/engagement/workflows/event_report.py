"""Something is said of an event: it is active now, or it earned something."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from engagement.errors import Conflict, Invalid, Mistake, NotFound
from engagement.store import events
from engagement.store.events import Event, EventKey
from engagement.store.kept import Kept
from engagement.strategy.ranking import Said, active

ACTIVATION = "activation"


class EventReport(NamedTuple):
    """One call about one event. rewards : of each slot named; None for an activation

    report_id : names the call, so that a call sent again changes nothing; None where only its values can
    slotted : whether the call knows of slots, "" being the one of an event without any
    """

    event_id: str
    rewards: tuple[tuple[str, float], ...] | None
    report_id: str | None = None
    slotted: bool = False


def report_events(
    conn: Connection, _kept: Kept, program_id: str, told: Sequence[EventReport], now_ms: int
) -> list[bool | Mistake]:
    """Stores what is said, in order; of each whether it was new, or its own error.

    Late is not too late: a reward that comes after the event has closed corrects what was learned of it.
    """
    ids = sorted({one.event_id for one in told})
    found = events.by_id(conn, program_id, ids)
    said = events.reports(conn, program_id, ids)
    fresh: list[tuple[EventKey, Said]] = []
    out: list[bool | Mistake] = []
    for one in told:
        rows = found.get(one.event_id)
        new = NotFound(f"there is no event `{one.event_id}` in this program") if rows is None else None
        steps = new or _steps(one, rows or [], said, now_ms)
        if isinstance(steps, Mistake):
            out.append(steps)
            continue
        for key, step in steps:
            said.setdefault(key, []).append(step)
        fresh += steps
        out.append(bool(steps))
    events.insert_reports(conn, program_id, sorted(fresh))
    return out


def _steps(
    told: EventReport, rows: Sequence[Event], said: dict[EventKey, list[Said]], now_ms: int
) -> list[tuple[EventKey, Said]] | Mistake:
    """What a call adds, nothing where it is repeated; or what is wrong with it."""
    slots = {row.slot for row in rows}
    if ("" in slots) == told.slotted:
        kind = "has no slots" if "" in slots else "has slots: speak of it under /multislot"
        return Invalid(f"event `{told.event_id}` {kind}")
    if told.rewards is None:
        return _activated(rows, said.get(rows[0].key, []), now_ms)
    return _rewarded(told, told.rewards, slots, said, now_ms)


def _activated(
    rows: Sequence[Event], said: Sequence[Said], now_ms: int
) -> list[tuple[EventKey, Said]] | Mistake:
    first = rows[0]
    if active(said, deferred=first.deferred, closes_at=first.closes_at):
        return []
    if now_ms > first.closes_at:
        return Invalid(f"event `{first.event_id}` closed without being activated, and stays so")
    return [(row.key, Said(ACTIVATION, None, now_ms)) for row in rows]


def _rewarded(
    told: EventReport,
    rewards: Sequence[tuple[str, float]],
    slots: set[str],
    said: dict[EventKey, list[Said]],
    now_ms: int,
) -> list[tuple[EventKey, Said]] | Mistake:
    steps: list[tuple[EventKey, Said]] = []
    for slot, value in rewards:
        if slot not in slots:
            return Invalid(f"event `{told.event_id}` has no slot `{slot}`")
        key = (told.event_id, slot)
        name = f"value:{value!r}" if told.report_id is None else f"call:{told.report_id}"
        before = next((one for one in said.get(key, []) if one.report_id == name), None)
        if before is None:
            steps.append((key, Said(name, value, now_ms)))
        elif before.value != value:
            return Conflict(f"the same call gave event `{told.event_id}` another reward before")
    return steps
