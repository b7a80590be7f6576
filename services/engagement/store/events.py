"""Events of ranks, what was reported of them, and what versions learned of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, select

from engagement.store import tables as t
from engagement.store.sql import among, insert
from engagement.strategy.ranking import RANKER, RankEvidence, Said

_encoder = msgspec.msgpack.Encoder()
_evidence = msgspec.msgpack.Decoder(RankEvidence)

EventKey = tuple[str, str]
"""The event's id, and the slot; "" where an event has none."""


class Event(NamedTuple):
    """One choice: an event, or one slot of it. Times in milliseconds; probability in units of 2⁻³².

    digest : of the whole request, by which a repeated one is told from another under the same id
    settings_revision : of the `Ranking` that held, 0 for the defaults
    """

    event_id: str
    slot: str
    place: int
    settings_revision: int
    digest: bytes
    deferred: bool
    action_id: str
    probability: int
    version: int
    decided_at: int
    closes_at: int
    evidence: RankEvidence

    @property
    def key(self) -> EventKey:
        """What names it."""
        return self.event_id, self.slot


class EventEntry(NamedTuple):
    """What one version learned of one event, when so many reports of it were there."""

    event_id: str
    slot: str
    reports: int
    version: int
    reward: float | None

    @property
    def key(self) -> EventKey:
        """Of the event."""
        return self.event_id, self.slot


_columns = [t.events.c[name] for name in Event._fields]
_entry_columns = [t.event_entries.c[name] for name in EventEntry._fields]


def insert_events(conn: Connection, program_id: str, rows: Sequence[Event]) -> None:
    """Stores new events; one that is there already raises the database's own error."""
    insert(
        conn,
        t.events,
        [
            row._asdict() | {"program_id": program_id, "evidence": _encoder.encode(row.evidence)}
            for row in rows
        ],
    )


def by_id(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, list[Event]]:
    """Events by id, each with its slots in their order; unknown ids are left out."""
    query = (
        select(*_columns)
        .where(t.events.c.program_id == program_id, among(conn, t.events.c.event_id, ids))
        .order_by(t.events.c.event_id, t.events.c.place)
    )
    out: dict[str, list[Event]] = defaultdict(list)
    for *row, evidence in conn.execute(query):
        event = Event._make([*row, _evidence.decode(evidence)])
        out[event.event_id].append(event)
    return dict(out)


def all_ids(conn: Connection, program_id: str) -> list[str]:
    """The ids of all events, in order."""
    e = t.events.c
    query = select(e.event_id).where(e.program_id == program_id).distinct().order_by(e.event_id)
    return list(conn.execute(query).scalars())


def insert_reports(conn: Connection, program_id: str, rows: Sequence[tuple[EventKey, Said]]) -> None:
    """Stores what was said of events."""
    insert(
        conn,
        t.event_reports,
        [
            {"program_id": program_id, "event_id": event_id, "slot": slot, **said._asdict()}
            for (event_id, slot), said in rows
        ],
    )


def reports(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[EventKey, list[Said]]:
    """What was said of events so far, in order."""
    r = t.event_reports.c
    query = (
        select(r.event_id, r.slot, r.report_id, r.value, r.recorded_at)
        .where(r.program_id == program_id, among(conn, r.event_id, ids))
        .order_by(r.event_id, r.slot, r.recorded_at, r.report_id)
    )
    out: dict[EventKey, list[Said]] = defaultdict(list)
    for event_id, slot, *said in conn.execute(query):
        out[event_id, slot].append(Said(*said))
    return out


def unlearned(conn: Connection, program_id: str, now_ms: int, limit: int) -> list[EventKey]:
    """Closed events of which more is known than any entry says: none yet, or reports have come since.

    By what no entry names and not by a mark: reports are only ever added, so their number says which.
    """
    e, r, n = t.events.c, t.event_reports.c, t.event_entries.c
    known = (
        select(func.count())
        .select_from(t.event_reports)
        .where(r.program_id == e.program_id, r.event_id == e.event_id, r.slot == e.slot)
        .correlate(t.events)
        .scalar_subquery()
    )
    named = (
        select(n.version)
        .where(
            n.program_id == e.program_id,
            n.event_id == e.event_id,
            n.slot == e.slot,
            n.reports == known,
        )
        .correlate(t.events)
        .exists()
    )
    query = (
        select(e.event_id, e.slot)
        .where(e.program_id == program_id, e.closes_at <= now_ms, ~named)
        .order_by(e.event_id, e.slot)
        .limit(limit)
    )
    return [(row.event_id, row.slot) for row in conn.execute(query)]


def insert_entries(conn: Connection, program_id: str, rows: Sequence[EventEntry]) -> None:
    """Records what a version learns."""
    insert(conn, t.event_entries, [row._asdict() | {"program_id": program_id} for row in rows])


def entries_of_version(conn: Connection, program_id: str, version: int) -> list[EventEntry]:
    """A version's entries in order of event and reports."""
    n = t.event_entries.c
    query = (
        select(*_entry_columns)
        .where(n.program_id == program_id, n.version == version)
        .order_by(n.event_id, n.slot, n.reports)
    )
    return [EventEntry(*row) for row in conn.execute(query)]


def replaced_by(conn: Connection, program_id: str, rows: Sequence[EventEntry]) -> dict[EventKey, EventEntry]:
    """For events of which something was learned before these entries: the newest of that."""
    n, first = t.event_entries.c, {row.key: row for row in reversed(rows)}
    ids = sorted({key[0] for key in first})
    query = (
        select(*_entry_columns)
        .where(n.program_id == program_id, among(conn, n.event_id, ids))
        .order_by(n.event_id, n.slot, n.reports)
    )
    out: dict[EventKey, EventEntry] = {}
    for found in (EventEntry(*row) for row in conn.execute(query)):
        if found.key in first and found.reports < first[found.key].reports:
            out[found.key] = found
    return out


def published_at(conn: Connection, program_id: str, version: int) -> int | None:
    """When a version of what ranks have taught was published; None before the first."""
    v = t.versions.c
    query = select(v.published_at).where(
        and_(v.program_id == program_id, v.strategy_id == RANKER, v.version == version)
    )
    return conn.execute(query).scalar()
