"""All rows of a program, to the byte, and put back as a restored backup holds them."""

from sqlalchemy import select

from engagement.store import leaving
from engagement.store.database import Database

Rows = dict[str, set[tuple[object, ...]]]


def rows(db: Database, program_id: str) -> Rows:
    """Every row of a program, by table."""
    with db.read() as conn:
        return {
            table.name: {
                tuple(row)
                for row in conn.execute(select(table).where(table.c.program_id == program_id)).all()
            }
            for table in leaving.OF_PROGRAMS
        }


def told(held: Rows) -> dict[str, str]:
    """The same as text, by table: what a dump of it would hold."""

    def cell(value: object) -> str:
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)

    return {table: "\n".join(" ".join(map(cell, row)) for row in some) for table, some in held.items()}


def restore(db: Database, program_id: str, backup: Rows) -> None:
    """Puts the rows in place of what there is."""
    with db.write() as conn, leaving.unguarded(conn):
        leaving.delete(conn, program_id)
        for table in leaving.OF_PROGRAMS:
            if backup[table.name]:
                names = [column.name for column in table.c]
                values = [dict(zip(names, row, strict=True)) for row in backup[table.name]]
                conn.execute(table.insert(), values)
