"""The chain of seals over a program's ledger: what each holds, and which rows that are.

A seal of a night names, for every part of a table that it holds, how many rows there are and the salted
digest of their leaves; a seal behind an erasure names a digest over all that is left of the seals before.
Each seal's own digest covers that of the one before it.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Table, func, select, update

from engagement.store import tables as t
from engagement.store.leaves import (
    KIND,
    LEAF,
    Known,
    columns,
    joined,
    leaf_of,
    leaves_in,
    ordered,
    sealed,
    shard,
)
from engagement.store.sql import insert

SEALED: tuple[Table, ...] = tuple(table for table in t.LEDGER if table is not t.seals)
"""Every column of every row of these."""
UNSEALED: Mapping[Table, str] = MappingProxyType(
    {
        t.seals: "the chain itself: each seal's digest covers the one before",
        t.sealed_rows: "what the seals are about: their digests stand in the seals",
        t.tallies: "made again from the ledger; `rebuild --check` compares",
        t.nodes: "made again from the ledger; `rebuild --check` compares",
        t.counters: "made again from the ledger; `rebuild --check` compares",
        t.claims: "who is at work at this moment",
        t.api_keys: "a key ends by a change of its row",
        t.page_links: "a link ends by a change of its row",
        t.kept_answers: "forgotten after a day",
        t.console_sessions: "deleted when the session ends",
        t.evaluations: "an answer is written into the row of its question",
        t.reports: "an answer is written into the row of its question",
        t.facts: "of the database, not of a program, and changed in place",
    }
)
"""What no seal holds, and why."""
AT_ONCE = 2_000
"""Rows looked up at once."""
PART = 65_536
"""Rows in one part of a table: 1 MiB of leaves."""
SHARE = 4_000_000
"""Leaves in memory at once; of a table with more, one share after another is looked at."""
HOUR_MS = 3_600_000
LONGEST_MS = HOUR_MS
"""Longer than any transaction lasts, and than the clocks of replicas differ: a row that says it was recorded
so long before a seal was made, and is not in it, was not there."""
SEALER = "@seals"
"""The name under which the next seal is claimed: no strategy can be called so."""
Kind = Literal["night", "erasure"]


class SealedPart(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of a table, as a seal names them. digest : `leaves.sealed`, in hexadecimal"""

    table: str
    part: int
    rows: int
    digest: str


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a seal says.

    late : rows of each table that say they were recorded long before the seal before, and were not in it
    erasure : the tombstone behind which it was made      standing : digest of all parts left then
    """

    parts: tuple[SealedPart, ...] = ()
    late: dict[str, int] = {}
    erasure: str | None = None
    standing: str | None = None


class Seal(NamedTuple):
    """A seal as stored. body : JSON of `Body`      digest : its own, over all of it and the one before"""

    number: int
    kind: Kind
    made_at: int
    body: bytes
    digest: bytes

    @property
    def says(self) -> Body:
        """The body."""
        return _bodies.decode(self.body)


class Held(NamedTuple):
    """Rows of one part that a seal still holds."""

    number: int
    table: str
    part: int
    rows: int
    salt: bytes
    digest: bytes

    @property
    def key(self) -> tuple[int, str, int]:
        """Of which seal, table and part."""
        return self.number, self.table, self.part


_bodies = msgspec.json.Decoder(Body)
_encoder = msgspec.json.Encoder()
_s, _r = t.seals.c, t.sealed_rows.c
FIRST = bytes(32)
"""What stands for the digest before the first."""


def digest_of(program_id: str, seal: Seal, before: bytes) -> bytes:
    """A seal's digest. before : that of the seal before"""
    head = _encoder.encode((program_id, seal.number, seal.kind, seal.made_at))
    return sha256(before + head + seal.body).digest()


def chain(conn: Connection, program_id: str) -> Iterator[Seal]:
    """Every seal of a program, the first one first."""
    query = select(*(_s[name] for name in Seal._fields)).where(_s.program_id == program_id)
    for row in conn.execute(query.order_by(_s.number).execution_options(yield_per=100)):
        yield _seal(row)


def newest(conn: Connection, program_id: str, kind: Kind | None = None) -> Seal | None:
    """The newest seal, or the newest of a kind."""
    query = select(*(_s[name] for name in Seal._fields)).where(_s.program_id == program_id)
    query = query if kind is None else query.where(_s.kind == kind)
    row = conn.execute(query.order_by(_s.number.desc()).limit(1)).first()
    return None if row is None else _seal(row)


def _seal(row: Row[Any]) -> Seal:
    return Seal(row.number, row.kind, row.made_at, bytes(row.body), bytes(row.digest))


def add(conn: Connection, program_id: str, kind: Kind, body: Body, now_ms: int) -> Seal:
    """Adds the next seal; who does so holds its claim."""
    before = newest(conn, program_id)
    number = 1 if before is None else before.number + 1
    bare = Seal(number, kind, now_ms, _encoder.encode(body), b"")
    seal = bare._replace(digest=digest_of(program_id, bare, FIRST if before is None else before.digest))
    insert(conn, t.seals, [seal._asdict() | {"program_id": program_id}])
    return seal


def held(conn: Connection, program_id: str, table: Table | None = None) -> list[Held]:
    """Every part, or every part of a table, in order of seal, table and part."""
    query = select(*(_r[_COLUMNS.get(name, name)] for name in Held._fields))
    query = query.where(_r.program_id == program_id)
    if table is not None:
        query = query.where(_r.table_name == table.name)
    found = (
        Held(number, name, part, rows, bytes(salt), bytes(digest))
        for number, name, part, rows, salt, digest in conn.execute(query)
    )
    return sorted(found, key=lambda part: part.key)


_COLUMNS = {"table": "table_name"}


def leaves_of(conn: Connection, program_id: str, part: Held) -> bytes:
    """A part's leaves, in order."""
    query = select(_r.leaves).where(*_where(program_id, part))
    return bytes(conn.execute(query).scalar_one())


def _where(program_id: str, part: Held) -> tuple[Any, ...]:
    return (
        _r.program_id == program_id,
        _r.number == part.number,
        _r.table_name == part.table,
        _r.part == part.part,
    )


def parts_of(table: Table, found: bytes) -> Iterator[tuple[SealedPart, dict[str, Any]]]:
    """New leaves of a table cut into parts: as the seal is to name them, and as rows without their seal."""
    size = PART * LEAF
    for number, start in enumerate(range(0, len(found), size)):
        content = ordered(leaves_in(found[start : start + size]))
        salt = secrets.token_bytes(32)
        digest, rows = sealed(salt, content), leaves_in(content).size
        stored = {"table_name": table.name, "part": number, "rows": rows}
        stored |= {"salt": salt, "digest": digest, "leaves": content}
        yield SealedPart(str(table.name), number, rows, digest.hex()), stored


def add_parts(conn: Connection, program_id: str, number: int, parts: Sequence[dict[str, Any]]) -> None:
    """Stores the leaves of a seal."""
    for part in parts:  # each is as large as a message should be
        insert(conn, t.sealed_rows, [part | {"program_id": program_id, "number": number}])


def count(conn: Connection, program_id: str, table: Table) -> int:
    """Rows of a program in a table."""
    query = select(func.count()).select_from(table).where(table.c.program_id == program_id)
    return conn.execute(query).scalar_one()


def standing(parts: Sequence[Held]) -> str:
    """The digest over parts as they stand. parts : in order"""
    content = sha256()
    for part in parts:
        content.update(_encoder.encode((*part.key, part.rows, part.digest.hex())))
    return content.hexdigest()


def leaves_where(conn: Connection, table: Table, condition: ColumnElement[bool]) -> list[bytes]:
    """The leaves of some rows."""
    query = select(*columns(table)).where(condition).order_by(*table.primary_key)
    return [*map(leaf_of(table), conn.execute(query.execution_options(yield_per=AT_ONCE)))]


def take_out(conn: Connection, program_id: str, gone: Mapping[Table, Mapping[bytes, bytes | None]]) -> None:
    """Takes leaves out of the parts that hold them, or puts others in their place, under new salts.

    gone : of each table the leaves, and what stands there instead, None for nothing
    """
    for table, swaps in gone.items():
        if not swaps:
            continue
        old = np.sort(joined(swaps))
        for part in held(conn, program_id, table):
            leaves = leaves_in(leaves_of(conn, program_id, part))
            hit = np.isin(leaves, old)
            if not hit.any():
                continue
            swapped = (swaps[leaf.ljust(LEAF, b"\0")] for leaf in leaves[hit].tolist())
            new = joined(leaf for leaf in swapped if leaf is not None)
            content, salt = ordered(np.concatenate([leaves[~hit], new])), secrets.token_bytes(32)
            stands = {"rows": len(content) // LEAF, "salt": salt, "digest": sealed(salt, content)}
            changed = update(t.sealed_rows).where(*_where(program_id, part))
            conn.execute(changed.values(**stands, leaves=content))


def published(conn: Connection, program_id: str) -> dict[tuple[str, int], int]:
    """When each version of each strategy was published."""
    v = t.versions.c
    query = select(v.strategy_id, v.version, v.published_at).where(v.program_id == program_id)
    return {(strategy, version): at for strategy, version, at in conn.execute(query)}


class Look:
    """A program's table, its rows looked up among the leaves that were sealed.

    parts : that hold its rows      rows : in all of them
    unmet : (parts,), after `unknown` went through all rows: how many leaves no row has
    """

    def __init__(self, conn: Connection, program_id: str, table: Table) -> None:
        self._conn, self._program_id, self._table = conn, program_id, table
        self.parts = held(conn, program_id, table)
        self.rows = sum(part.rows for part in self.parts)
        self.unmet = np.zeros(len(self.parts), np.int64)

    def unknown(
        self, since_ms: int | None = None, looked: Callable[[int], None] = lambda _: None
    ) -> Iterator[tuple[bytes, Row[Any]]]:
        """Rows that no seal holds, with their leaves.

        since_ms : only rows that say they were recorded since then, where the table's rows do
        looked : is told how many more rows were looked at
        """
        shares = max(1, -(-self.rows // SHARE))
        leaf, names = leaf_of(self._table), columns(self._table)
        query = select(*names).where(self._table.c.program_id == self._program_id)
        recorded = RECORDED.get(self._table)
        if since_ms is not None and recorded is not None:
            query = query.where(self._table.c[recorded] >= since_ms)
        self.unmet = np.zeros(len(self.parts), np.int64)
        for number in range(shares):
            known = self._known(number, shares)
            found = self._conn.execute(query.execution_options(yield_per=AT_ONCE))
            for rows in found.partitions(AT_ONCE):
                content = b"".join(map(leaf, rows))
                made = leaves_in(content)
                looked(0 if number else len(rows))
                fresh = ~known.look_up(made) & shard(made, number, shares)
                for place in map(int, np.flatnonzero(fresh)):
                    yield content[LEAF * place : LEAF * (place + 1)], rows[place]
            self.unmet += known.unmet(len(self.parts))

    def _known(self, number: int, shares: int) -> Known:
        leaves, places = [np.zeros(0, KIND)], [np.zeros(0, np.int32)]
        for place, part in enumerate(self.parts):
            some = leaves_in(leaves_of(self._conn, self._program_id, part))
            some = some[shard(some, number, shares)]
            leaves.append(some)
            places.append(np.full(some.size, place, np.int32))
        return Known(np.concatenate(leaves), np.concatenate(places))


RECORDED: Mapping[Table, str] = MappingProxyType(
    {
        t.programs: "created_at",
        t.acts: "recorded_at",
        t.revisions: "recorded_at",
        t.memberships: "recorded_at",
        t.merges: "recorded_at",
        t.links: "recorded_at",
        t.signals: "recorded_at",
        t.decisions: "decided_at",
        t.answers: "recorded_at",
        t.outcomes: "recorded_at",
        t.versions: "published_at",
        t.promotions: "recorded_at",
        t.plans: "made_at",
        t.visits: "recorded_at",
        t.assignments: "assigned_at",
        t.events: "decided_at",
        t.event_reports: "recorded_at",
    }
)
"""The column in which a row says when it was recorded; imported decisions say another moment."""
