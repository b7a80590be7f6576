"""A program in one file, exactly: to move to another installation, or to be kept and opened again.

The file is a zip of JSON lines, a table each, and a manifest with the seal of every table. Unlike the
export for reading it holds the draw secret and the digests of keys, without which the program could neither
go on nor be replayed. The same rows give the same file.
"""

import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Table

from engagement.errors import Conflict, Fault, Invalid
from engagement.store import facts, setup
from engagement.store.kept import Kept
from engagement.store.migrate import head
from engagement.store.moving import MOVED, Sealing, lines, put, row_type, sealed
from engagement.store.wall import enter
from engagement.workflows.export_all import entry
from engagement.workflows.mistakes import UNREAD, unread
from engagement.workflows.rebuild import remake

FORMAT: Literal[1] = 1
MANIFEST = "manifest.json"
LONGEST_MANIFEST = 1024 * 1024
README = """\
One program of engagement, sealed: every row that cannot be made again, as it is stored. It holds the secret
that keys the program's draws; keep it as close as the database. A line is a row, its values in the order that
manifest.json gives. To read it as tables, use `engagement export all` instead; to open it, give it as the
database, `--database archive:FILE`; to go on with it elsewhere, `engagement import-program FILE`.
"""


class TableSeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table: its columns in order, its rows, and the sum of their SHA-256."""

    columns: tuple[str, ...]
    rows: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sealed program is. schema : the migration it was stored under; time : real, simulated or null"""

    format: Literal[1]
    engagement: str
    schema: str
    program: str
    title: str
    time: facts.KindOfTime | None
    tables: dict[str, TableSeal]

    @property
    def size(self) -> int:
        """Rows in all tables."""
        return sum(table.rows for table in self.tables.values())


def seal_program(conn: Connection, kept: Kept, program_id: str, archive: zipfile.ZipFile) -> Manifest:
    """Writes a program into an archive, as one transaction sees it."""
    catalogue = setup.catalogue(conn, kept, program_id, setup.catalogue_revision(conn, program_id))
    manifest = Manifest(
        format=FORMAT,
        engagement=version("engagement"),
        schema=head(),
        program=program_id,
        title=catalogue.program.title,
        time=facts.kind_of_time(conn),
        tables={str(table.name): _write(conn, program_id, table, archive) for table in MOVED},
    )
    with archive.open(entry("README.txt"), "w") as file:
        file.write(README.encode())
    with archive.open(entry(MANIFEST), "w") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def _write(conn: Connection, program_id: str, table: Table, archive: zipfile.ZipFile) -> TableSeal:
    sealing = Sealing()
    with archive.open(entry(f"{table.name}.jsonl"), "w", force_zip64=True) as file:
        for line in lines(conn, program_id, table):
            file.write(sealing.add(line) + b"\n")
    return TableSeal(tuple(map(str, table.c.keys())), *sealing.seal)


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """What an archive says of itself. raises Invalid for one that is no sealed program of this version."""
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise Invalid(
            f"there is no {MANIFEST} in it: it is not a program sealed with `engagement export program`"
        ) from None
    if info.file_size > LONGEST_MANIFEST:
        raise Invalid(f"its {MANIFEST} is larger than any that was written here")
    try:
        content = archive.read(info)
    except Exception as flaw:  # each way of packing has errors of its own
        raise Invalid(f"{MANIFEST} is damaged: {flaw}") from flaw
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except UNREAD as flaw:
        raise Invalid(f"{MANIFEST}: {unread(flaw)}; a later version may have written it") from flaw
    _must_be_known(manifest)
    return manifest


def _must_be_known(manifest: Manifest) -> None:
    """Of an earlier version tables and columns may be missing; nothing may be there that this one has not."""
    try:
        UUID(manifest.program)
    except ValueError:
        raise Invalid(f"{MANIFEST}: `{manifest.program}` is no program's id") from None
    known = {table.name: table for table in MOVED}
    for name, told in manifest.tables.items():
        columns = set(told.columns)
        strange = columns - set(known[name].c.keys()) if name in known else {"all of it"}
        if strange:
            raise Invalid(
                f"table {name} has {', '.join(sorted(strange))}, which this version does not know; "
                f"it was written by engagement {manifest.engagement}, so use that one or a later one"
            )
        needed = {column.name for column in known[name].c if not column.nullable} - columns
        if needed:
            raise Invalid(f"table {name} lacks {', '.join(sorted(needed))}")


def unseal_program(conn: Connection, kept: Kept, archive: zipfile.ZipFile) -> Manifest:
    """Stores a sealed program under its own ids, makes again what is derived, and compares every row.

    raises : Conflict when the program is there already, or time here is of the other kind; Invalid for an
    archive that is not what was written; Fault when a row came out different. Then nothing is stored.
    """
    manifest = read_manifest(archive)
    enter(conn, manifest.program)
    if manifest.program in setup.program_ids(conn):
        raise Conflict(f"program {manifest.program} is here already; nothing was changed")
    if manifest.time is not None:
        here = facts.settle_kind_of_time(conn, manifest.time)
        if here != manifest.time:
            raise Conflict(f"time in the program is {manifest.time}, in this database {here}")
    for table in MOVED:
        if table.name in manifest.tables:
            _store(conn, table, manifest.tables[table.name], archive)
    for table in MOVED:
        told = manifest.tables.get(table.name)
        whole = told is not None and told.columns == tuple(table.c.keys())
        if told is not None and whole and sealed(conn, manifest.program, table) != (told.rows, told.digest):
            raise Fault(f"a row of {table.name} came out different from what was sealed; nothing was stored")
    remake(conn, kept, manifest.program)
    return manifest


def _store(conn: Connection, table: Table, told: TableSeal, archive: zipfile.ZipFile) -> None:
    """Stores a table's rows, after each has been decoded as what its columns hold."""
    sealing = Sealing()
    decoder = msgspec.json.Decoder(row_type([table.c[name] for name in told.columns]))
    waiting: list[tuple[Any, ...]] = []
    for line in _lines(archive, table.name):
        try:
            waiting.append(decoder.decode(sealing.add(line)))
        except UNREAD as flaw:
            raise Invalid(f"{table.name}.jsonl: {unread(flaw)}") from flaw
        if len(waiting) == MANY:
            put(conn, table, told.columns, waiting)
            waiting.clear()
    if sealing.seal != (told.rows, told.digest):
        raise Invalid(f"{table.name}.jsonl is not what was written: its rows do not add up to the seal")
    put(conn, table, told.columns, waiting)


MANY = 5_000
"""Rows held in memory at once."""


def _lines(archive: zipfile.ZipFile, table: str) -> Iterator[bytes]:
    try:
        with archive.open(f"{table}.jsonl") as file:
            for line in file:
                yield line.rstrip(b"\n")
    except KeyError:
        raise Invalid(f"there is no {table}.jsonl in it") from None
    except Exception as flaw:  # of reading alone: what is done with a line is not raised here
        raise Invalid(f"{table}.jsonl is damaged: {flaw}") from flaw
