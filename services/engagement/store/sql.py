"""The few places where the two databases speak differently."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Connection,
    Select,
    Table,
    TableValuedAlias,
    TypeDecorator,
    Uuid,
    bindparam,
    func,
    select,
)
from sqlalchemy import String as StringType
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ColumnElement
from sqlalchemy.types import TypeEngine

Row = Mapping[str, Any]


class _Keys(TypeDecorator[Sequence[str]]):
    """Many keys as one parameter: a JSON text on SQLite, an array on PostgreSQL."""

    impl = StringType
    cache_ok = True

    def __init__(self, *, uuid: bool) -> None:
        super().__init__()
        self.uuid = uuid

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The parameter's type on either database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(StringType())
        return dialect.type_descriptor(ARRAY(Uuid(as_uuid=False) if self.uuid else StringType()))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """The keys as the driver takes them; SQLite keeps UUIDs without hyphens."""
        if dialect.name != "sqlite":
            return list(value)
        keys = [key.replace("-", "") for key in value] if self.uuid else list(value)
        return msgspec.json.encode(keys).decode()


def _given(keys: Sequence[str], *, uuid: bool) -> BindParameter[Sequence[str]]:
    return bindparam(None, keys, type_=_Keys(uuid=uuid), unique=True)


def among(conn: Connection, column: ColumnElement[str], keys: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column's value is one of many keys: one fixed statement however many they are."""
    given = _given(keys, uuid=isinstance(column.type, Uuid))
    if conn.dialect.name == "sqlite":
        return column.in_(select(func.json_each(given).table_valued("value").c.value))
    return column == func.any(given)


def keys_table(conn: Connection, keys: Sequence[str]) -> TableValuedAlias:
    """Keys as a table with one column `value`, to look something up for each of them.

    Join from it with `outerjoin` and pass over what was not found: an inner join leaves SQLite free to
    begin with the other table, and without statistics it then reads a whole program for each key.
    """
    given = _given(keys, uuid=False)
    if conn.dialect.name == "sqlite":
        return func.json_each(given).table_valued("value", name="keys")
    return func.unnest(given).table_valued("value", name="keys").render_derived()


def for_update(query: Select[Any]) -> Select[Any]:
    """Locks the rows read. SQLite has no row locks and leaves the clause out: its writer is alone."""
    return query.with_for_update()


def insert(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows, all or none."""
    if rows:
        conn.execute(table.insert(), list(rows))


def _dialect_insert(conn: Connection, table: Table) -> Any:
    return (sqlite if conn.dialect.name == "sqlite" else postgresql).insert(table)


def insert_new(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows whose key is not taken; the others are left as they are."""
    if rows:
        conn.execute(_dialect_insert(conn, table).on_conflict_do_nothing(), list(rows))


def upsert(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows, or gives the columns outside the primary key their new values."""
    if not rows:
        return
    statement = _dialect_insert(conn, table)
    keys = [column.name for column in table.primary_key]
    fresh = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=fresh), list(rows))
