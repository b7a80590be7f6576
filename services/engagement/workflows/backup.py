"""A database copied whole, with a manifest by which a restore knows that nothing is missing."""

import os
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from engagement.errors import Conflict, Invalid, NotFound
from engagement.store.copies import copy_in, copy_out
from engagement.store.database import Database
from engagement.workflows.mistakes import UNREAD, unread

Kind = Literal["sqlite", "postgresql"]
ENDING = ".manifest.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds. schema : of which migration; server : that it was made from; rows : by table"""

    engagement: str
    made_at: datetime
    kind: Kind
    server: str
    schema: str
    bytes: int
    sha256: str
    rows: dict[str, int]

    @property
    def size(self) -> int:
        """Rows in all tables."""
        return sum(self.rows.values())


def manifest_of(file: Path) -> Path:
    """Where the manifest of a backup lies: beside it."""
    return file.with_name(file.name + ENDING)


def backup(db: Database, file: Path, now_ms: int) -> Manifest:
    """Copies the database into a file that only its owner can read, and writes the manifest beside it.

    A file of this name is whole, and on the disk. raises : Conflict when it is there already
    """
    for there in (file, manifest_of(file)):
        if there.exists():
            raise Conflict(f"{there} is there already; nothing is written over it")
    part = file.with_name(file.name + ".part")
    try:
        part.touch(mode=0o600)
        found = copy_out(db, part)
        manifest = Manifest(
            engagement=version("engagement"),
            made_at=datetime.fromtimestamp(now_ms / 1000, UTC),
            kind=kind_of(db),
            server=found.server,
            schema=found.schema,
            bytes=part.stat().st_size,
            sha256=_digest(part),
            rows=found.rows,
        )
        _to_disk(part)
        manifest_of(file).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        part.replace(file)
    except OSError as flaw:
        raise Invalid(f"cannot write {file}: {flaw.strerror or flaw}") from flaw
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore(db: Database, file: Path) -> Manifest:
    """Puts a backup where there is no database yet, and counts its rows again.

    raises : Invalid for a file that is not the one that was written, or of the other kind of database;
    Conflict when there is a database already; Fault when rows are missing
    """
    manifest = _read(file)
    if manifest.kind != kind_of(db):
        raise Invalid(
            f"this is a backup of {manifest.kind}, and the database to restore to is {kind_of(db)}; "
            "a program goes from one to the other with `engagement export program` and `import-program`"
        )
    if _digest(file) != manifest.sha256:
        raise Invalid(f"{file} is not the file that was written: its SHA-256 is not the manifest's")
    copy_in(db, file, manifest.rows)
    return manifest


def kind_of(db: Database) -> Kind:
    """Which database it is."""
    return "sqlite" if db.is_sqlite else "postgresql"


def _read(file: Path) -> Manifest:
    try:
        return msgspec.json.decode(manifest_of(file).read_bytes(), type=Manifest)
    except FileNotFoundError as flaw:
        raise NotFound(f"there is no {flaw.filename}; a backup is two files, keep them together") from flaw
    except UNREAD as flaw:
        raise Invalid(f"{manifest_of(file)} is no manifest of a backup: {unread(flaw)}") from flaw


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return file_digest(content, "sha256").hexdigest()
    except FileNotFoundError as flaw:
        raise NotFound(f"there is no {file}") from flaw


def _to_disk(file: Path) -> None:
    with file.open("rb") as content:
        os.fsync(content.fileno())
