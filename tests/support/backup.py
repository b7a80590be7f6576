"""All rows of a program, to the byte, and put back as a restored backup holds them; a backup to be read."""

import re
import subprocess
from pathlib import Path

from sqlalchemy import select

from engagement.store import leaving
from engagement.store.database import Database
from support.postgres import bundled_binaries

Rows = dict[str, set[tuple[object, ...]]]
DUMP = b"PGDMP"
"""How a file of `pg_dump --format=custom` begins."""
BYTES = re.compile(r"\\\\x([0-9a-f]+)")
"""Bytes in the text of a dump: in hexadecimal behind a backslash, which is itself written as two."""


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


def readable(file: Path) -> str:
    """What is in a file, as text in which a word can be searched.

    A dump of PostgreSQL is compressed, and has bytes in hexadecimal: it is unpacked, with its bytes as they
    were. Any other file is read as it lies there, a copy of SQLite's, too.
    """
    content = file.read_bytes()
    if not content.startswith(DUMP):
        return content.decode("latin-1")
    unpack = [str(bundled_binaries() / "pg_restore"), "--file=-", str(file)]
    text = subprocess.run(unpack, check=True, capture_output=True, encoding="utf-8").stdout
    return BYTES.sub(lambda found: bytes.fromhex(found[1]).decode("latin-1"), text)


def restore(db: Database, program_id: str, backup: Rows) -> None:
    """Puts the rows in place of what there is."""
    with db.write() as conn, leaving.unguarded(conn):
        leaving.delete(conn, program_id)
        for table in leaving.OF_PROGRAMS:
            if backup[table.name]:
                names = [column.name for column in table.c]
                values = [dict(zip(names, row, strict=True)) for row in backup[table.name]]
                conn.execute(table.insert(), values)
