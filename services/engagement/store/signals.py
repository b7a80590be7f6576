"""Signals as they were reported, never changed: a correction is a signal that names another.

They are stored under the id that was reported, and read under the id that the member is kept under.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    select,
    union,
    union_all,
)

from engagement.store import tables as t
from engagement.store.sql import among, insert, once
from engagement.store.units import UnitKind


class Recorded(NamedTuple):
    """A stored signal. A value of None takes back the signal it corrects."""

    source: str
    event_id: str
    unit_kind: UnitKind
    unit_id: str
    group_id: str | None
    kind: str
    value: int | None
    occurred_at: int
    reported_by: str
    corrects_source: str | None
    corrects_event: str | None
    recorded_at: int
    chain: str | None = None


_person = func.coalesce(t.merges.c.into_id, t.signals.c.unit_id).label("unit_id")
_columns = [
    _person if column.name == "unit_id" else column for column in t.signals.c if column.name != "program_id"
]
_told = t.signals.outerjoin(
    t.merges,
    and_(
        t.merges.c.program_id == t.signals.c.program_id,
        t.merges.c.member_id == t.signals.c.unit_id,
        t.signals.c.unit_kind == "member",
    ),
)


def _select(program_id: str | BindParameter[str]) -> Select[tuple[object, ...]]:
    return select(*_columns).select_from(_told).where(t.signals.c.program_id == program_id)


def _merged_into(conn: Connection, program_id: str, members: Sequence[str]) -> Select[tuple[str]]:
    """The ids that were merged into these members."""
    m = t.merges.alias("merged").c
    return select(m.member_id).where(m.program_id == program_id, among(conn, m.into_id, members))


def _all(
    conn: Connection, query: Select[tuple[object, ...]] | CompoundSelect[tuple[object, ...]]
) -> list[Recorded]:
    return [Recorded._make(row) for row in conn.execute(query)]


@once
def _naming(conn: Connection) -> CompoundSelect[Any]:
    s = t.signals.c
    program: BindParameter[str] = bindparam("program")
    ids: BindParameter[str] = bindparam("ids")
    sources: BindParameter[str] = bindparam("sources")
    mine = _select(program)
    named = mine.where(among(conn, s.source, sources), among(conn, s.event_id, ids))
    correcting = mine.where(among(conn, s.corrects_source, sources), among(conn, s.corrects_event, ids))
    return union(named, correcting)


def naming(conn: Connection, program_id: str, events: Sequence[tuple[str, str]]) -> list[Recorded]:
    """Stored signals that are one of these (source, id), or that correct one of them.

    Where several sources are asked for, also those of one source with an id of another.
    """
    asked = {
        "program": program_id,
        "ids": [event for _, event in events],
        "sources": sorted({source for source, _ in events}),
    }
    return [Recorded._make(row) for row in conn.execute(_naming(conn), asked)]


def insert_signals(conn: Connection, program_id: str, rows: Sequence[Recorded]) -> None:
    """Stores new signals."""
    insert(conn, t.signals, [row._asdict() | {"program_id": program_id} for row in rows])


def of_members(conn: Connection, program_id: str, members: Sequence[str]) -> list[Recorded]:
    """Every signal that names these members, or who was merged into them."""
    s = t.signals.c
    about_members = _select(program_id).where(s.unit_kind == "member")
    named = about_members.where(among(conn, s.unit_id, members))
    merged = about_members.where(s.unit_id.in_(_merged_into(conn, program_id, members)))
    return _all(conn, union(named, merged))


def of_groups(conn: Connection, program_id: str, groups: Sequence[str]) -> list[Recorded]:
    """Every signal about these groups, or about a member while they sat in one of them."""
    return _all(conn, _select(program_id).where(among(conn, t.signals.c.group_id, groups)))


def of_kinds(
    conn: Connection, program_id: str, kinds: Sequence[str], groups: Sequence[str]
) -> list[Recorded]:
    """Signals of these kinds that belong to these groups, and the program's corrections of such signals.

    That is all it takes to know what counts in these groups: a first report of elsewhere, whose
    correction belongs here, is none of their own, and its correction stands for it. A correction that
    belongs here is given twice.
    """
    s = t.signals.c
    of_them = _select(program_id).where(among(conn, s.kind, kinds))
    here = of_them.where(among(conn, s.group_id, groups))
    corrections = of_them.where(s.corrects_source > "")  # and not null: that is how the index finds them
    return _all(conn, union_all(here, corrections))


def of_kinds_in(
    conn: Connection,
    program_id: str,
    kinds: Sequence[str],
    groups: Sequence[str],
    from_ms: int,
    before_ms: int,
) -> list[Recorded]:
    """Of those that `of_kinds` gives, the ones in a span of time, its end excluded, and all corrections."""
    s = t.signals.c
    of_them = _select(program_id).where(among(conn, s.kind, kinds))
    here = of_them.where(among(conn, s.group_id, groups))
    within = here.where(s.occurred_at >= from_ms, s.occurred_at < before_ms)
    corrections = of_them.where(s.corrects_source > "")  # and not null: that is how the index finds them
    return _all(conn, union(within, corrections))


def in_window(
    conn: Connection,
    program_id: str,
    members: Sequence[str],
    groups: Sequence[str],
    seated_in: Sequence[str],
    from_ms: int,
    until_ms: int,
) -> list[Recorded]:
    """Signals about members or groups in a span of time, start excluded.

    seated_in : groups about whose members, whoever they are, signals are wanted too
    """
    s = t.signals.c
    within = _select(program_id).where(s.occurred_at > from_ms, s.occurred_at <= until_ms)
    about_members = within.where(s.unit_kind == "member", among(conn, s.unit_id, members))
    about_groups = within.where(s.unit_kind == "group", among(conn, s.unit_id, groups))
    # without the kind of unit, which would lead SQLite to an index that begins with it
    about_seated = within.where(among(conn, s.group_id, seated_in))
    return _all(conn, union(about_members, about_groups, about_seated))


def of_safety(conn: Connection, program_id: str, members: Sequence[str] | None = None) -> list[Recorded]:
    """Every report of the safety family that names these members, or who was merged into them; or of all."""
    query = _select(program_id).where(t.SAFETY)
    if members is None:
        return _all(conn, query)
    name = t.signals.c.unit_id
    merged = query.where(name.in_(_merged_into(conn, program_id, members)))
    return _all(conn, union(query.where(among(conn, name, members)), merged))


def count(conn: Connection, program_id: str) -> int:
    """How many signals a program has."""
    query = select(func.count()).where(t.signals.c.program_id == program_id)
    return conn.execute(query).scalar_one()


def range_of(conn: Connection, program_id: str, until_ms: int) -> tuple[int, int | None, int | None]:
    """How many signals of a program were recorded until then, and when the first and the last were."""
    s = t.signals.c
    query = select(func.count(), func.min(s.recorded_at), func.max(s.recorded_at)).where(
        s.program_id == program_id, s.recorded_at <= until_ms
    )
    number, first, last = conn.execute(query).one()
    return number, first, last
