"""Links as dated facts: which catchment or health worker a group, a member or a health worker belongs to."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, get_args

from sqlalchemy import Connection, func, select

from engagement.store import tables as t
from engagement.store.sql import Row, among, insert
from engagement.strategy.setup import Link, Relation


class Linked(NamedTuple):
    """A link as stored."""

    unit: str
    relation: str
    starts_on: date
    to: str | None


def links_of(
    conn: Connection, program_id: str, unit_kind: str, units: Sequence[str]
) -> dict[str, list[Linked]]:
    """Every link that holds for these units, by relation and day; a superseded one does not."""
    k = t.links.c
    query = (
        select(k.unit_id, k.relation, k.starts_on, k.target_id)
        .where(k.program_id == program_id, k.unit_kind == unit_kind, among(conn, k.unit_id, units))
        .order_by(k.unit_id, k.relation, k.starts_on, k.revision)
    )
    newest_of_day = {tuple(row[:3]): Linked(*row) for row in conn.execute(query)}
    out: dict[str, list[Linked]] = defaultdict(list)
    for linked in newest_of_day.values():
        out[linked.unit].append(linked)
    return out


def linked_on(links: Sequence[Linked], relation: str, day: date) -> str | None:
    """Whom one unit is linked to on a day. links : the unit's, as `links_of` gives them"""
    past = [linked.to for linked in links if linked.relation == relation and linked.starts_on <= day]
    return past[-1] if past else None


def add_links(
    conn: Connection, program_id: str, unit_kind: str, rows: Sequence[tuple[str, Link]], now_ms: int
) -> None:
    """Stores (unit, link) in the order given; one of the same relation and day supersedes the earlier."""
    k = t.links.c
    query = (
        select(k.unit_id, k.relation, k.starts_on, func.max(k.revision))
        .where(
            k.program_id == program_id,
            k.unit_kind == unit_kind,
            among(conn, k.unit_id, [unit for unit, _ in rows]),
        )
        .group_by(k.unit_id, k.relation, k.starts_on)
    )
    revisions = Counter({tuple(row[:3]): row[3] for row in conn.execute(query)})
    values: list[Row] = []
    for unit, link in rows:
        revisions[unit, link.relation, link.starts_on] += 1
        values.append(
            {
                "program_id": program_id,
                "unit_kind": unit_kind,
                "unit_id": unit,
                "relation": link.relation,
                "starts_on": link.starts_on,
                "revision": revisions[unit, link.relation, link.starts_on],
                "target_id": link.to,
                "recorded_at": now_ms,
            }
        )
    insert(conn, t.links, values)


def ever_linked_to(conn: Connection, program_id: str, targets: Sequence[str]) -> set[tuple[str, str]]:
    """(kind, id) of every unit that was ever linked to one of these; its links tell whether it still is."""
    k = t.links.c
    query = select(k.unit_kind, k.unit_id).where(
        k.program_id == program_id, k.relation.in_(get_args(Relation)), among(conn, k.target_id, targets)
    )
    return {(kind, unit) for kind, unit in conn.execute(query)}
