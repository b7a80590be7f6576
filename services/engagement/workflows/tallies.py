"""Tallies made from the ledger: after a correction, and for a rebuild."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.signals.catalogue import BY_CODE, BY_KIND
from engagement.signals.corrections import Recorded, effective
from engagement.signals.tally import Event
from engagement.store import signals as store
from engagement.store import units


def recorded(row: store.Recorded) -> Recorded:
    """A stored signal as the core sees it."""
    corrects = None
    if row.corrects_event is not None:
        corrects = (row.corrects_source or row.source, row.corrects_event)
    code = BY_KIND[row.kind].code
    return Recorded(code, row.value, row.occurred_at, row.source, row.event_id, corrects)


def event(row: store.Recorded) -> Event:
    """A stored signal that counts, as a tally takes it."""
    return Event(BY_KIND[row.kind].code, row.value or 0, row.occurred_at, row.source, row.event_id)


def counting(rows: Iterable[store.Recorded]) -> list[store.Recorded]:
    """The rows that count once corrections have had their say, in order of time."""
    by_key = {(row.source, row.event_id): row for row in rows}
    return [by_key[e.source, e.id] for e in effective(map(recorded, by_key.values()))]


def retally(conn: Connection, program_id: str, members: Sequence[str], groups: Sequence[str]) -> None:
    """Makes the tallies of these units anew from their signals, under locks already held.

    A chain of corrections stays with one unit, but a member may have moved in between: a group's
    tally is therefore made from all signals of everybody who ever had one in it.
    """
    in_groups = store.of_groups(conn, program_id, groups) if groups else []
    passed = {row.unit_id for row in in_groups if row.unit_kind == "member"}
    of_members = store.of_members(conn, program_id, sorted(passed.union(members)))
    events: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for row in counting([*in_groups, *of_members]):
        counted = event(row)
        events[row.unit_kind, row.unit_id].append(counted)
        if row.unit_kind == "member" and row.group_id and BY_CODE[counted.code].in_group:
            events["group", row.group_id].append(counted)
    wanted = [*(("member", name) for name in members), *(("group", name) for name in groups)]
    units.write_tallies(conn, program_id, [(*unit, tally.encoded(tally.of(events[unit]))) for unit in wanted])
