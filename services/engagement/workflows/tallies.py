"""Which stored signals count, and the tallies made from them: after a correction, and for a rebuild."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from engagement.signals import tally
from engagement.signals.catalogue import BY_CODE, BY_KIND
from engagement.signals.chains import Link
from engagement.signals.corrections import Key, Recorded, effective
from engagement.signals.tally import Event
from engagement.store import signals as store
from engagement.store import units


def key(row: store.Recorded) -> Key:
    """The name of a report, for ever."""
    return row.source, row.event_id


def target(row: store.Recorded) -> Key | None:
    """The name of the report that a row corrects, whether it has arrived or not."""
    return None if row.corrects_event is None else (row.corrects_source or row.source, row.corrects_event)


def kin(conn: Connection, program_id: str, names: Iterable[Key | None]) -> dict[Key, store.Recorded]:
    """Stored signals of these names, and all that corrections join to them, directly or in turn.

    One statement where nothing was corrected, one more for each step along a chain of corrections.
    """
    found: dict[Key, store.Recorded] = {}
    asked: set[Key] = set()
    fresh = {name for name in names if name is not None}
    while fresh:
        asked |= fresh
        for row in store.naming(conn, program_id, sorted(fresh)):
            if key(row) in asked or target(row) in asked:  # not a source and an id of two different names
                found[key(row)] = row
        joined = (name for row in found.values() for name in (key(row), target(row)))
        fresh = {name for name in joined if name is not None} - asked
    return found


def recorded(row: store.Recorded) -> Recorded:
    """A stored signal as the core sees it."""
    return Recorded(BY_KIND[row.kind].code, row.value, row.occurred_at, row.source, row.event_id, target(row))


def event(row: store.Recorded) -> Event:
    """A stored signal that counts, as a tally takes it."""
    return Event(BY_KIND[row.kind].code, row.value or 0, row.occurred_at, row.source, row.event_id)


def link(row: store.Recorded) -> Link:
    """A stored signal that counts, with the name of what it is about."""
    return Link(
        row.kind,
        row.value or 0,
        row.occurred_at,
        row.recorded_at,
        row.chain,
        row.source,
        row.event_id,
    )


def counting(rows: Iterable[store.Recorded]) -> list[store.Recorded]:
    """The rows that count once corrections have had their say, in order of time."""
    by_key = {key(row): row for row in rows}
    return [by_key[e.source, e.id] for e in effective(map(recorded, by_key.values()))]


def standing(
    conn: Connection, program_id: str, members: Sequence[str], groups: Sequence[str]
) -> list[store.Recorded]:
    """What counts of all that was ever said of these members, and of everybody who passed these groups.

    A chain of corrections stays with one unit, but a member may have moved in between: what counts in
    a group follows only from all signals of everybody who ever had one in it.
    """
    in_groups = store.of_groups(conn, program_id, groups) if groups else []
    passed = {row.unit_id for row in in_groups if row.unit_kind == "member"}
    return counting([*in_groups, *store.of_members(conn, program_id, sorted(passed.union(members)))])


def retally(conn: Connection, program_id: str, members: Sequence[str], groups: Sequence[str]) -> None:
    """Makes the tallies of these units anew from their signals, under locks already held."""
    events: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for row in standing(conn, program_id, members, groups):
        counted = event(row)
        events[row.unit_kind, row.unit_id].append(counted)
        if row.unit_kind == "member" and row.group_id and BY_CODE[counted.code].in_group:
            events["group", row.group_id].append(counted)
    wanted = [*(("member", name) for name in members), *(("group", name) for name in groups)]
    units.write_tallies(conn, program_id, [(*unit, tally.encoded(tally.of(events[unit]))) for unit in wanted])
