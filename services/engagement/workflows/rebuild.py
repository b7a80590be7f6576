"""Everything derived, made again from the ledger; or only compared with it."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from engagement.store import beliefs, resources, setup
from engagement.store import tables as t
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.fold import fold_again, nodes_before
from engagement.workflows.learn_events import remake_events
from engagement.workflows.tallies import retally

UNITS = 200


class Difference(NamedTuple):
    """Something derived that is not what the ledger says."""

    table: str
    key: str


class Derived(NamedTuple):
    """All that is derived of one program."""

    tallies: dict[tuple[str, str], bytes]
    counters: dict[tuple[str, str], int]
    nodes: dict[tuple[str, str, int], bytes]


def rebuild(db: Database, kept: Kept, program_id: str) -> list[Difference]:
    """Makes tallies, counters and belief nodes again; says what had been different before.

    One transaction: nothing else writes meanwhile on SQLite; elsewhere stop the service first.
    """
    with db.write(program_id) as conn:
        before = derived(conn, program_id)
        remake(conn, kept, program_id)
        return _differences(before, derived(conn, program_id))


def compare(db: Database, kept: Kept, program_id: str) -> list[Difference]:
    """What differs from the ledger; nothing is changed."""
    with db.write(program_id) as conn:
        before = derived(conn, program_id)
        remake(conn, kept, program_id)
        found = _differences(before, derived(conn, program_id))
        transaction = conn.get_transaction()
        if transaction is not None:
            transaction.rollback()
        return found


def derived(conn: Connection, program_id: str) -> Derived:
    """What is stored now. Counters at 0 say nothing and are left out."""
    a, c, n = t.tallies.c, t.counters.c, t.nodes.c
    tallies = conn.execute(select(a.unit_kind, a.unit_id, a.tally).where(a.program_id == program_id))
    counters = conn.execute(
        select(c.resource_id, c.period, c.taken).where(c.program_id == program_id, c.taken != 0)
    )
    nodes = conn.execute(select(n.strategy_id, n.node, n.version, n.state).where(n.program_id == program_id))
    return Derived(
        {(row.unit_kind, row.unit_id): bytes(row.tally) for row in tallies},
        {(row.resource_id, row.period): row.taken for row in counters},
        {(row.strategy_id, row.node, row.version): bytes(row.state) for row in nodes},
    )


def remake(conn: Connection, kept: Kept, program_id: str) -> None:
    """Deletes everything derived of a program and makes it again."""
    for table in t.DERIVED:
        conn.execute(delete(table).where(table.c.program_id == program_id))
    _remake_tallies(conn, program_id)
    held = resources.taken_by_ledger(conn, program_id)
    resources.write_counters(conn, program_id, {key: taken for key, taken in held.items() if taken})
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    for strategy in catalogue.strategies.values():
        for header in beliefs.versions(conn, program_id, strategy.id):
            before = nodes_before(conn, program_id, strategy.id, header.version)
            nodes = fold_again(conn, kept, program_id, strategy, header.version, before)
            beliefs.write_nodes(conn, program_id, strategy.id, header.version, nodes)
    remake_events(conn, program_id)


def _remake_tallies(conn: Connection, program_id: str) -> None:
    r = t.revisions.c
    for noun in ("member", "group"):
        query = select(r.id).where(r.program_id == program_id, r.noun == noun).distinct().order_by(r.id)
        ids = list(conn.execute(query).scalars())
        for start in range(0, len(ids), UNITS):
            some = ids[start : start + UNITS]
            retally(conn, program_id, some if noun == "member" else [], some if noun == "group" else [])


def _differences(before: Derived, after: Derived) -> list[Difference]:
    out: list[Difference] = []
    for table in Derived._fields:
        old: Mapping[tuple[object, ...], object] = getattr(before, table)
        new: Mapping[tuple[object, ...], object] = getattr(after, table)
        changed = (key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        out.extend(sorted(Difference(table, " ".join(map(str, key))) for key in changed))
    return out
