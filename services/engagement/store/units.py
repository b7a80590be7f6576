"""Units as a decision sees them: the locked tally, the member's own set-up, the group's."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, select, tuple_

from engagement.store import tables as t
from engagement.store.setup import decoded
from engagement.store.sql import Row, among, for_update, keys_table, once, upsert
from engagement.strategy.setup import Group, Member

UnitKind = Literal["member", "group"]
UNIT_KINDS: tuple[UnitKind, ...] = get_args(UnitKind)
"""In the order in which their rows are locked."""


class Unit(NamedTuple):
    """Whom a decision or a tally is about. An adviser is decided for as the member who they are."""

    kind: UnitKind
    id: str


class MemberRow(NamedTuple):
    """A member and where they sit on a day. Without a group the last four are None."""

    member: Member
    group: str | None
    seat: int | None
    role: str | None


class GroupRow(NamedTuple):
    """A group and its tally."""

    group: Group
    tally: bytes


@once
def _locked_tallies(conn: Connection) -> Select[Any]:
    c = t.tallies.c
    query = (
        select(c.unit_id, c.tally)
        .where(
            c.program_id == bindparam("program"),
            c.unit_kind == bindparam("kind"),
            among(conn, c.unit_id, bindparam("ids")),
        )
        .order_by(c.unit_id)
    )
    return for_update(query)


def lock_tallies(conn: Connection, program_id: str, kind: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Locks the units' rows in order of their ids and returns their tallies; unknown ids are left out."""
    given = {"program": program_id, "kind": kind, "ids": ids}
    return {row.unit_id: row.tally for row in conn.execute(_locked_tallies(conn), given).all()}


def lock(conn: Connection, program_id: str, wanted: Iterable[Unit]) -> dict[Unit, bytes]:
    """Locks units of both kinds, members first, and returns their tallies; unknown ones are left out."""
    wanted = set(wanted)
    found: dict[Unit, bytes] = {}
    for kind in UNIT_KINDS:
        names = sorted(unit.id for unit in wanted if unit.kind == kind)
        if names:
            held = lock_tallies(conn, program_id, kind, names)
            found |= {Unit(kind, name): tally for name, tally in held.items()}
    return found


def write_tallies(conn: Connection, program_id: str, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Stores tallies as (kind, id, bytes), under locks already held."""
    stored: list[Row] = [
        {"program_id": program_id, "unit_kind": kind, "unit_id": name, "tally": content}
        for kind, name, content in sorted(rows)
    ]
    upsert(conn, t.tallies, stored)


@once
def _members(conn: Connection) -> Select[Any]:
    program: BindParameter[str] = bindparam("program")
    keys = keys_table(conn, bindparam("ids"))
    r, m = t.revisions.alias(), t.memberships.alias()
    newest = select(func.max(t.revisions.c.revision)).where(
        t.revisions.c.program_id == program,
        t.revisions.c.noun == "member",
        t.revisions.c.id == keys.c.value,
    )
    last = (
        select(t.memberships.c.starts_on, t.memberships.c.revision)
        .where(
            t.memberships.c.program_id == program,
            t.memberships.c.member_id == keys.c.value,
            t.memberships.c.starts_on <= bindparam("day"),
        )
        .order_by(t.memberships.c.starts_on.desc(), t.memberships.c.revision.desc())
        .limit(1)
    )
    joined = keys.outerjoin(
        r,
        and_(
            r.c.program_id == program,
            r.c.noun == "member",
            r.c.id == keys.c.value,
            r.c.revision == newest.correlate(keys).scalar_subquery(),
        ),
    ).outerjoin(
        m,
        and_(
            m.c.program_id == program,
            m.c.member_id == keys.c.value,
            tuple_(m.c.starts_on, m.c.revision) == last.correlate(keys).scalar_subquery(),
        ),
    )
    return select(r.c.id, r.c.body, m.c.group_id, m.c.seat, m.c.role).select_from(joined)


def members(conn: Connection, program_id: str, ids: Sequence[str], day: date) -> dict[str, MemberRow]:
    """Members by id with their seat on a day, in one statement; unknown ids are left out."""
    out = {}
    rows = conn.execute(_members(conn), {"program": program_id, "ids": ids, "day": day}).all()
    for name, body, group, seat, role in rows:
        if body is None:
            continue
        member = decoded("member", body)
        assert isinstance(member, Member)  # noqa: S101  # stored under this noun
        out[name] = MemberRow(member, group, seat, role)
    return out


@once
def _groups(conn: Connection) -> Select[Any]:
    program: BindParameter[str] = bindparam("program")
    keys = keys_table(conn, bindparam("ids"))
    r, c = t.revisions.alias(), t.tallies
    newest = select(func.max(t.revisions.c.revision)).where(
        t.revisions.c.program_id == program,
        t.revisions.c.noun == "group",
        t.revisions.c.id == keys.c.value,
    )
    joined = keys.outerjoin(
        r,
        and_(
            r.c.program_id == program,
            r.c.noun == "group",
            r.c.id == keys.c.value,
            r.c.revision == newest.correlate(keys).scalar_subquery(),
        ),
    ).outerjoin(c, and_(c.c.program_id == program, c.c.unit_kind == "group", c.c.unit_id == keys.c.value))
    return select(r.c.id, r.c.body, c.c.tally).select_from(joined)


def groups(conn: Connection, program_id: str, ids: Sequence[str]) -> dict[str, GroupRow]:
    """Groups by id with their tallies, in one statement; unknown ids are left out."""
    out = {}
    for name, body, tally in conn.execute(_groups(conn), {"program": program_id, "ids": ids}).all():
        if body is None or tally is None:
            continue
        group = decoded("group", body)
        assert isinstance(group, Group)  # noqa: S101  # stored under this noun
        out[name] = GroupRow(group, tally)
    return out


def read_tallies(conn: Connection, program_id: str, kind: UnitKind, names: Sequence[str]) -> dict[str, bytes]:
    """Many units' tallies, without locks; unknown ones are left out."""
    c = t.tallies.c
    query = select(c.unit_id, c.tally).where(
        c.program_id == program_id, c.unit_kind == kind, among(conn, c.unit_id, names)
    )
    return {row.unit_id: row.tally for row in conn.execute(query).all()}


def read_tally(conn: Connection, program_id: str, kind: str, name: str) -> bytes:
    """One unit's tally, without a lock."""
    c = t.tallies.c
    query = select(c.tally).where(c.program_id == program_id, c.unit_kind == kind, c.unit_id == name)
    return bytes(conn.execute(query).scalar_one())
