"""A program's rows as they are stored, out of one database and into another, whatever kind each is.

Everything goes but what is made again from the ledger. A row is told as one JSON array, every value so that
it comes back exactly: bytes in base64, a number in the fewest digits that give it back, a day as a date.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Double,
    Integer,
    LargeBinary,
    Table,
    select,
)

from engagement.store.leaving import OF_PROGRAMS
from engagement.store.sql import insert
from engagement.store.tables import DERIVED

MOVED: tuple[Table, ...] = tuple(table for table in OF_PROGRAMS if table not in DERIVED)
"""Parents before children."""
ROWS_AT_ONCE = 500
KINDS: tuple[tuple[type, type], ...] = (
    (Boolean, bool), (BigInteger, int), (Integer, int), (Double, float), (LargeBinary, bytes), (Date, date),
)  # fmt: skip
MODULUS = 2**256

_encoder = msgspec.json.Encoder()


class Seal(NamedTuple):
    """How many rows a table has, and the sum of each row's SHA-256, modulo 2²⁵⁶: no order is in it."""

    rows: int
    digest: str


def lines(conn: Connection, program_id: str, table: Table) -> Iterator[bytes]:
    """The program's rows in a table, in order of the key."""
    query = select(table).where(table.c.program_id == program_id).order_by(*table.primary_key)
    for row in conn.execute(query.execution_options(yield_per=1_000)):
        yield _encoder.encode(tuple(row))


def row_type(columns: Sequence[Column[Any]]) -> Any:
    """The tuple that a line decodes to."""
    return tuple.__class_getitem__(tuple(map(_value, columns)))


def put(conn: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows, each with a value for each of these columns."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        insert(conn, table, [dict(zip(names, row, strict=True)) for row in some])


def _value(column: Column[Any]) -> Any:
    kind: Any = next((plain for sql, plain in KINDS if isinstance(column.type, sql)), str)
    return kind | None if column.nullable else kind


class Sealing:
    """Adds up a table's rows, one after another."""

    def __init__(self) -> None:
        self._rows, self._sum = 0, 0

    def add(self, line: bytes) -> bytes:
        """Counts a line in; the line."""
        self._rows += 1
        self._sum = (self._sum + int.from_bytes(sha256(line).digest())) % MODULUS
        return line

    @property
    def seal(self) -> Seal:
        """Of all that were added."""
        return Seal(self._rows, f"{self._sum:064x}")


def sealed(conn: Connection, program_id: str, table: Table) -> Seal:
    """The seal of what a table holds of a program."""
    sealing = Sealing()
    for line in lines(conn, program_id, table):
        sealing.add(line)
    return sealing.seal
