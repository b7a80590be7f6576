"""Versions of what a strategy believes, the entries they were folded from, and their nodes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, delete, func, select

from engagement.records import Nodes
from engagement.store import tables as t
from engagement.store.codec import array_bytes, array_of
from engagement.store.erasures import begun_anew
from engagement.store.sql import among, insert, insert_new, keys_table, once, upsert


class Version(NamedTuple):
    """The header of a version. rows_in entered, rows_out were taken out again, rows_missing had no reward."""

    strategy_id: str
    version: int
    rows_in: int
    rows_out: int
    rows_missing: int
    published_at: int


class Entry(NamedTuple):
    """What one version learned of one decision, from one revision of its outcome."""

    decision_id: str
    outcome_revision: int
    version: int
    reward: float | None


@once
def _pointers(conn: Connection) -> Select[Any]:
    keys, v = keys_table(conn, bindparam("strategies")), t.versions.c
    newest = (
        select(func.max(v.version))
        .where(v.program_id == bindparam("program"), v.strategy_id == keys.c.value)
        .correlate(keys)
        .scalar_subquery()
    )
    return select(keys.c.value, newest).select_from(keys)


def pointers(conn: Connection, program_id: str, strategies: Sequence[str]) -> dict[str, int]:
    """The published version of each strategy, 0 before the first."""
    rows = conn.execute(_pointers(conn), {"program": program_id, "strategies": strategies})
    return {name: version or 0 for name, version in rows}


@once
def _nodes(conn: Connection) -> Select[Any]:
    n, wanted = t.nodes.alias(), keys_table(conn, bindparam("keys"))
    program: BindParameter[str] = bindparam("program")
    strategy: BindParameter[str] = bindparam("strategy")
    newest = (
        select(func.max(t.nodes.c.version))
        .where(
            t.nodes.c.program_id == program,
            t.nodes.c.strategy_id == strategy,
            t.nodes.c.node == wanted.c.value,
            t.nodes.c.version <= bindparam("version"),
        )
        .correlate(wanted)
        .scalar_subquery()
    )
    on = and_(
        n.c.program_id == program,
        n.c.strategy_id == strategy,
        n.c.node == wanted.c.value,
        n.c.version == newest,
    )
    return select(n.c.node, n.c.state).select_from(wanted.outerjoin(n, on))


def read_nodes(
    conn: Connection, program_id: str, strategy_id: str, keys: Sequence[str], version: int
) -> Nodes:
    """The newest state at or before a version of each node; nodes never written are left out."""
    given = {"program": program_id, "strategy": strategy_id, "keys": keys, "version": version}
    rows = conn.execute(_nodes(conn), given).all()
    return {node: array_of(state) for node, state in rows if node is not None}


def read_all_nodes(conn: Connection, program_id: str, strategy_id: str, version: int) -> Nodes:
    """The newest state at or before a version of every node there is."""
    n, later = t.nodes.c, t.nodes.alias("later")
    superseded = (
        select(later.c.version)
        .where(
            later.c.program_id == n.program_id,
            later.c.strategy_id == n.strategy_id,
            later.c.node == n.node,
            later.c.version > n.version,
            later.c.version <= version,
        )
        .exists()
    )
    query = select(n.node, n.state).where(
        n.program_id == program_id, n.strategy_id == strategy_id, n.version <= version, ~superseded
    )
    return {row.node: array_of(row.state) for row in conn.execute(query)}


def count_nodes(conn: Connection, program_id: str, strategy_id: str) -> int:
    """How many nodes there are, whatever their versions."""
    n = t.nodes.c
    query = select(func.count(n.node.distinct())).where(
        n.program_id == program_id, n.strategy_id == strategy_id
    )
    return conn.execute(query).scalar() or 0


def write_nodes(conn: Connection, program_id: str, strategy_id: str, version: int, nodes: Nodes) -> None:
    """Stores a version's changed nodes; writing them again changes nothing."""
    rows = [
        {
            "program_id": program_id,
            "strategy_id": strategy_id,
            "node": key,
            "version": version,
            "state": array_bytes(nodes[key]),
        }
        for key in sorted(nodes)
    ]
    upsert(conn, t.nodes, rows)


def drop_nodes(conn: Connection, program_id: str, strategy_id: str, beyond: int) -> None:
    """Removes nodes of versions after `beyond`: what an interrupted fold left half written."""
    n = t.nodes.c
    conn.execute(
        delete(t.nodes).where(n.program_id == program_id, n.strategy_id == strategy_id, n.version > beyond)
    )


def claim(
    conn: Connection, program_id: str, strategy_id: str, version: int, owner: str, now_ms: int, until_ms: int
) -> bool:
    """Tries to become the one who makes a version: first come, or after the holder's time ran out."""
    c = t.claims.c
    here = and_(c.program_id == program_id, c.strategy_id == strategy_id, c.version == version)
    row = {
        "program_id": program_id,
        "strategy_id": strategy_id,
        "version": version,
        "owner": owner,
        "expires_at": until_ms,
    }
    insert_new(conn, t.claims, [row])
    taken = t.claims.update().where(here, c.expires_at <= now_ms).values(owner=owner, expires_at=until_ms)
    conn.execute(taken)
    return conn.execute(select(c.owner).where(here).with_for_update()).scalar() == owner


def holds(
    conn: Connection, program_id: str, strategy_id: str, version: int, owner: str, until_ms: int
) -> bool:
    """Prolongs a claim, under its row lock; False when somebody else has taken it over."""
    c = t.claims.c
    prolonged = (
        t.claims.update()
        .where(
            c.program_id == program_id,
            c.strategy_id == strategy_id,
            c.version == version,
            c.owner == owner,
        )
        .values(expires_at=until_ms)
    )
    return conn.execute(prolonged).rowcount == 1


def release(conn: Connection, program_id: str, strategy_id: str, version: int) -> None:
    """Removes a claim, once its version is published or found to be unnecessary."""
    c = t.claims.c
    conn.execute(
        delete(t.claims).where(c.program_id == program_id, c.strategy_id == strategy_id, c.version == version)
    )


def unfolded(
    conn: Connection, program_id: str, strategy_id: str, version: int, now_ms: int, limit: int
) -> list[Entry]:
    """Newest revisions of closed decisions' outcomes that no fold entry names yet, as entries of a version.

    An anti-join and not a mark: a row minted first may commit last. Nothing is learned from control groups.
    """
    o, e, d = t.outcomes.c, t.fold_entries.c, t.decisions.c
    closed = (
        select(d.closes_at)
        .where(
            d.program_id == o.program_id,
            d.decision_id == o.decision_id,
            d.closes_at <= now_ms,
            d.arm != "control",
        )
        .exists()
    )
    later = t.outcomes.alias("later")
    superseded = (
        select(later.c.revision)
        .where(
            later.c.program_id == o.program_id,
            later.c.decision_id == o.decision_id,
            later.c.revision > o.revision,
        )
        .exists()
    )
    folded = (
        select(e.version)
        .where(
            e.program_id == o.program_id,
            e.decision_id == o.decision_id,
            e.outcome_revision == o.revision,
        )
        .exists()
    )
    query = (
        select(o.decision_id, o.revision, o.reward)
        .where(o.program_id == program_id, o.strategy_id == strategy_id, ~folded, ~superseded, closed)
        .order_by(o.decision_id)
        .limit(limit)
    )
    return [Entry(row.decision_id, row.revision, version, row.reward) for row in conn.execute(query)]


def insert_entries(conn: Connection, program_id: str, strategy_id: str, rows: Sequence[Entry]) -> None:
    """Records what a version learns."""
    values = [row._asdict() | {"program_id": program_id, "strategy_id": strategy_id} for row in rows]
    insert(conn, t.fold_entries, values)


def entries_of_version(conn: Connection, program_id: str, strategy_id: str, version: int) -> list[Entry]:
    """What a version learned, in order of decision.

    A belief that began anew has nothing in the version it begins with, and learns in the next one all that
    was learned before: those entries stand under the versions that learned them first.
    """
    e, begins = t.fold_entries.c, begun_anew(conn, program_id, strategy_id)
    if version <= begins:
        return []
    first = 0 if version == begins + 1 else version
    query = (
        select(e.decision_id, e.outcome_revision, e.version, e.reward)
        .where(e.program_id == program_id, e.strategy_id == strategy_id, e.version.between(first, version))
        .order_by(e.decision_id, e.outcome_revision)
    )
    return [Entry(*row) for row in conn.execute(query)]


def learned_from(conn: Connection, program_id: str, strategy_id: str, version: int) -> set[str]:
    """The decisions whose outcomes the versions up to a given one have learned."""
    e = t.fold_entries.c
    query = (
        select(e.decision_id)
        .distinct()
        .where(e.program_id == program_id, e.strategy_id == strategy_id, e.version <= version)
    )
    return set(conn.execute(query).scalars())


def learned_in(conn: Connection, program_id: str, strategy_id: str) -> dict[str, int]:
    """Decision → the first published version that learned a result of it, whatever began anew since."""
    e, newest = t.fold_entries.c, pointers(conn, program_id, [strategy_id])[strategy_id]
    query = (
        select(e.decision_id, func.min(e.version).label("version"))
        .where(
            e.program_id == program_id,
            e.strategy_id == strategy_id,
            e.version <= newest,
            e.reward.is_not(None),
        )
        .group_by(e.decision_id)
    )
    return {row.decision_id: row.version for row in conn.execute(query)}


def replaced_by(conn: Connection, program_id: str, rows: Sequence[Entry]) -> dict[str, Entry]:
    """For entries that correct an earlier one: that earlier one, by decision."""
    e, corrected = t.fold_entries.c, {row.decision_id: row for row in rows if row.outcome_revision > 1}
    query = (
        select(e.decision_id, e.outcome_revision, e.version, e.reward)
        .where(e.program_id == program_id, among(conn, e.decision_id, sorted(corrected)))
        .order_by(e.decision_id, e.outcome_revision)
    )
    out: dict[str, Entry] = {}
    for row in (Entry(*found) for found in conn.execute(query)):
        if row.outcome_revision < corrected[row.decision_id].outcome_revision:
            out[row.decision_id] = row
    return out


def versions(conn: Connection, program_id: str, strategy_id: str) -> list[Version]:
    """Every published version of a strategy in order."""
    v = t.versions.c
    query = (
        select(v.strategy_id, v.version, v.rows_in, v.rows_out, v.rows_missing, v.published_at)
        .where(v.program_id == program_id, v.strategy_id == strategy_id)
        .order_by(v.version)
    )
    return [Version(*row) for row in conn.execute(query)]


def rows_learned(conn: Connection, program_id: str, strategy_id: str, version: int) -> int:
    """Rewards that the belief of a version holds: entered and not taken out again."""
    v, begins = t.versions.c, begun_anew(conn, program_id, strategy_id)
    query = select(func.sum(v.rows_in - v.rows_out)).where(
        v.program_id == program_id,
        v.strategy_id == strategy_id,
        v.version > begins,
        v.version <= version,
    )
    return int(conn.execute(query).scalar() or 0)


def publish(conn: Connection, program_id: str, header: Version) -> None:
    """Writes a version's header: from this commit on it decides."""
    insert(conn, t.versions, [header._asdict() | {"program_id": program_id}])
