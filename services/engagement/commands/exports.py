"""The command that writes files: for spreadsheets, DHIS2 and researchers, or a whole program."""

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    text_of,
    why,
    write,
)
from engagement.errors import Invalid
from engagement.store.copies import one_moment
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.store.leaving import Part
from engagement.workflows.dhis2 import (
    count_groups,
    data_values,
    month_before,
    month_of,
    read_map,
    unmapped,
)
from engagement.workflows.export import RegisterWanted, RosterWanted, register_sheet, roster_sheet
from engagement.workflows.export_all import export_all
from engagement.workflows.export_decisions import as_csv as decisions_csv
from engagement.workflows.export_decisions import as_parquet, dictionary, export_decisions, in_words
from engagement.workflows.logged import MOST_BY_COMMAND
from engagement.workflows.sealed import seal_program
from engagement.workflows.sheet_written import Filled, as_csv, as_workbook


def add(command: Command) -> None:
    """Names the commands of this file."""
    export = command(
        "export", _export, "write a roster, a register, counts for DHIS2, decisions, or everything"
    )
    export.add_argument("what", choices=("roster", "register", "dhis2", "decisions", "all", "program"))
    export.add_argument(
        "file",
        type=Path,
        help="ending in .xlsx or .csv; of dhis2 .json; of decisions .csv or .parquet; of the others .zip",
    )
    export.add_argument("--site", default="", help="a roster or register of this site only")
    export.add_argument("--group", default="", help="a roster or register of this group only")
    export.add_argument("--month", metavar="MONTH", help="such as 2026-03; for dhis2 the last one by default")
    export.add_argument("--layout", choices=("seat", "meeting"), default="seat", help="lines of a register")
    export.add_argument("--map", type=Path, help="uids for sites and counts (TOML); codes when absent")
    export.add_argument("--least", type=int, default=0, help="leave out counts below this, but not 0")
    export.add_argument("--strategy", help="for decisions: whose")
    export.add_argument(
        "--suppress-below",
        type=int,
        default=0,
        metavar="UNITS",
        help="for decisions: leave out groups, and empty rare values, that fewer units have",
    )
    export.add_argument("--program", help=ONE_PROGRAM)


def _export(arguments: Arguments) -> None:
    if arguments.what == "all":
        with opened(arguments) as (db, _):
            write_archive(db, only_program(db, arguments), arguments.file)
        return
    if arguments.what == "program":
        _write_sealed(arguments)
        return
    written = {
        "roster": _roster_file,
        "register": _register_file,
        "dhis2": _dhis2_file,
        "decisions": _decisions_file,
    }[arguments.what]
    with opened(arguments) as (db, kept):
        content = written(arguments, db, kept, only_program(db, arguments), now_of(db))
    write(arguments.file, content)


def write_archive(db: Database, program_id: str, file: Path) -> None:
    """Writes the whole program, as it stands at one moment."""
    with one_moment(db, program_id) as conn:
        parts = archived(conn, program_id, file)
    say(f"{sum(part.rows for part in parts)} rows of {len(parts)} tables")
    say(f"Written: {file}")


def archived(conn: Connection, program_id: str, file: Path) -> tuple[Part, ...]:
    """Writes the archive of everything that may be read."""
    with new_zip(file) as archive:
        return export_all(conn, program_id, archive)


def _write_sealed(arguments: Arguments) -> None:
    """Writes the program so that it can be brought back exactly, for nobody else to read."""
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with one_moment(db, program_id) as conn, new_zip(arguments.file, 0o600) as archive:
            sealed = seal_program(conn, kept, program_id, archive)
    say(f"{sealed.title} ({sealed.program}): {sealed.size} rows of {len(sealed.tables)} tables")
    say(f"Written: {arguments.file}", "It holds the program's draw secret: keep it as close as the database.")


@contextmanager
def new_zip(file: Path, mode: int = 0o666) -> Iterator[zipfile.ZipFile]:
    """An archive to write, under another name first: a file of this name is whole, and on the disk."""
    if file.suffix.lower() != ".zip":
        raise Invalid(f"{file} must end in .zip")
    part = file.with_name(file.name + ".part")
    try:
        with open(part, "wb", opener=partial(os.open, mode=mode)) as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                yield archive
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(file)
    except OSError as flaw:
        raise Invalid(f"cannot write {file}: {why(flaw)}") from flaw
    finally:
        part.unlink(missing_ok=True)


def _roster_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    wanted = RosterWanted(arguments.site, arguments.group)
    with db.read(program_id) as conn:
        return _as_named(arguments.file, roster_sheet(conn, kept, program_id, wanted, now_ms))


def _register_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    wanted = RegisterWanted(arguments.site, arguments.group, _month(arguments), arguments.layout)
    with db.read(program_id) as conn:
        return _as_named(arguments.file, register_sheet(conn, kept, program_id, wanted, now_ms))


def _as_named(file: Path, filled: Filled) -> bytes:
    """A sheet in the form that its file's name says."""
    forms = {".xlsx": as_workbook, ".csv": as_csv}
    if file.suffix.lower() not in forms:
        raise Invalid(f"{file} must end in .xlsx or .csv")
    return forms[file.suffix.lower()](filled)


def _dhis2_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    mapping = None if arguments.map is None else read_map(text_of(arguments.map).encode())
    counts: Counter[tuple[str, str]] = Counter()
    after: str | None = ""
    with db.read(program_id) as conn:
        month = _month(arguments) or month_before(conn, kept, program_id, now_ms)
        while after is not None:
            some, after = count_groups(conn, kept, program_id, month, after, now_ms)
            counts.update(some)
    made = data_values(counts, f"{month:%Y%m}", mapping, arguments.least)
    say(f"{len(made.data_values)} values of {month:%Y-%m}")
    if mapping is not None and (left := unmapped(counts, mapping)):
        say(f"  in no organisation unit, so left out: {', '.join(left)}")
    return msgspec.json.format(msgspec.json.encode(made))


def _decisions_file(arguments: Arguments, db: Database, kept: Kept, program_id: str, now_ms: int) -> bytes:
    """The decisions in the form that the file's name says; their dictionary is written beside them."""
    forms = {".csv": decisions_csv, ".parquet": as_parquet}
    if arguments.file.suffix.lower() not in forms:
        raise Invalid(f"{arguments.file} must end in .csv or .parquet")
    if arguments.strategy is None:
        raise Invalid("say with --strategy whose decisions")
    most, least = MOST_BY_COMMAND, arguments.suppress_below
    with db.read(program_id) as conn:
        made = export_decisions(conn, kept, program_id, arguments.strategy, now_ms, most=most, least=least)
    say(*in_words(made))
    write(arguments.file.with_suffix(".dictionary.csv"), dictionary(made))
    return forms[arguments.file.suffix.lower()](made)


def _month(arguments: Arguments) -> date | None:
    return None if arguments.month is None else month_of(arguments.month.replace("-", ""))
