"""The few places where the two databases speak differently."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    BindParameter,
    Connection,
    Executable,
    Insert,
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
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine

Row = Mapping[str, Any]
ACTING = "acting"
"""Execution option of a connection: who acts in its transaction, see `store.acts`."""
ACT = "act_id"
"""The column in which a row names the act it was stored under."""
S = TypeVar("S", bound=Executable)


def once(build: Callable[[Connection], S]) -> Callable[[Connection], S]:
    """A statement that is built once for each kind of database; its values are given when it is executed.

    Building one costs a millisecond, many times what the database needs to carry it out.
    """
    built: dict[str, S] = {}

    @wraps(build)
    def statement(conn: Connection) -> S:
        found = built.get(conn.dialect.name)
        if found is None:
            found = built[conn.dialect.name] = build(conn)
        return found

    return statement


class Id(Uuid[str]):
    """A UUID as its 36 characters. SQLite keeps 32 of them; the way through a UUID costs ten times ours."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(as_uuid=False)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """What turns a stored value into the text."""
        if dialect.name == "sqlite":
            return _hyphenated
        return super().result_processor(dialect, coltype)  # type: ignore[no-untyped-call]  # SQLAlchemy's own


def _hyphenated(kept: str | None) -> str | None:
    return kept and f"{kept[:8]}-{kept[8:12]}-{kept[12:16]}-{kept[16:20]}-{kept[20:]}"


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


Keys = Sequence[str] | BindParameter[Any]
"""Many keys, or the parameter under which a statement that is built `once` gets them."""


def _given(keys: Keys, *, uuid: bool) -> BindParameter[Sequence[str]]:
    if isinstance(keys, BindParameter):
        return bindparam(keys.key, type_=_Keys(uuid=uuid))
    return bindparam(None, keys, type_=_Keys(uuid=uuid), unique=True)


def among(conn: Connection, column: ColumnElement[str], keys: Keys) -> ColumnElement[bool]:
    """Whether a column's value is one of many keys: one fixed statement however many they are."""
    given = _given(keys, uuid=isinstance(column.type, Uuid))
    if conn.dialect.name == "sqlite":
        return column.in_(select(func.json_each(given).table_valued("value").c.value))
    return column == func.any(given)


def keys_table(conn: Connection, keys: Keys) -> TableValuedAlias:
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
    """Inserts rows, all or none; where somebody acts, under the act, unless the rows name theirs."""
    if not rows:
        return
    act = conn.get_execution_options().get(ACTING)
    if act is not None and _refers(table):
        ids = {name: act(conn, name) for name in {str(row["program_id"]) for row in rows}}
        rows = [{ACT: ids[row["program_id"]], **row} for row in rows]
    conn.execute(_insert(table), list(rows))


@cache
def _refers(table: Table) -> bool:
    """Whether the rows of a table name an act; of `acts` itself it is the key."""
    return ACT in table.c and not table.c[ACT].primary_key


@cache
def _insert(table: Table) -> Insert:
    return table.insert()


@cache
def _insert_new(dialect: str, table: Table) -> ReturningInsert[Any]:
    return _dialect_insert(dialect, table).on_conflict_do_nothing().returning(*table.primary_key)


@cache
def _upsert(dialect: str, table: Table) -> Insert:
    statement = _dialect_insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    fresh = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=fresh)


def _dialect_insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_new(conn: Connection, table: Table, rows: Sequence[Row]) -> Sequence[Any]:
    """Inserts the rows whose key is not taken, and returns their keys; the others are left as they are."""
    return conn.execute(_insert_new(conn.dialect.name, table), list(rows)).all() if rows else ()


def upsert(conn: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts rows, or gives the columns outside the primary key their new values."""
    if rows:
        conn.execute(_upsert(conn.dialect.name, table), list(rows))
