"""The commands that bring in what stands in files: rosters, registers, logs."""

from collections.abc import Callable
from pathlib import Path

from engagement.commands.sheets import sheet_of
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    text_of,
    write,
)
from engagement.store.wall import NOBODY
from engagement.workflows.import_log import import_log, in_words
from engagement.workflows.import_register import import_register
from engagement.workflows.import_register import in_words as register_in_words
from engagement.workflows.log_mapping import read_mapping
from engagement.workflows.roster import import_roster
from engagement.workflows.sheet import Report, Sheet, refusals_in_words
from engagement.workflows.sheet_written import marked


def add(command: Command) -> None:
    """Names the commands of this file."""
    imports: dict[str, tuple[Callable[[Arguments], int], str]] = {
        "import-roster": (_import_roster, "groups, members and seats"),
        "import-register": (_import_register, "a register of meetings"),
    }
    for name, (imported, what) in imports.items():
        sheet = command(name, imported, f"import {what} from a workbook or CSV")
        sheet.add_argument("file", type=Path)
        sheet.add_argument("--marked", type=Path, help="write the sheet here with its wrong cells marked")
        sheet.add_argument("--program", help=ONE_PROGRAM)

    log = command("import-log", _import_log, "import another system's decision log, with a mapping file")
    log.add_argument("file", type=Path)
    log.add_argument("--mapping", type=Path, required=True, help="what the log's columns mean (TOML)")
    log.add_argument("--program", help="the program to import into; a new one when absent")


def _import_roster(arguments: Arguments) -> int:
    sheet = sheet_of(arguments.file)
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        with db.write(program_id) as conn:
            report = import_roster(conn, kept, program_id, sheet, now_ms)
    say(
        f"{report.lines} lines: {report.stored} stored, {report.unchanged} unchanged, "
        f"{len(report.refused)} refused",
        *refusals_in_words(report),
    )
    return _marked(arguments, sheet, report)


def _import_register(arguments: Arguments) -> int:
    sheet = sheet_of(arguments.file)
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        report = import_register(db, kept, program_id, sheet, now_ms)
    say(register_in_words(report))
    return _marked(arguments, sheet, report)


def _marked(arguments: Arguments, sheet: Sheet, report: Report) -> int:
    """Writes the marked sheet where it was asked for and something was refused."""
    if report.refused and arguments.marked is not None:
        write(arguments.marked, marked(sheet, report.refused))
    return 1 if report.refused else 0


def _import_log(arguments: Arguments) -> int:
    mapping = read_mapping(text_of(arguments.mapping).encode())
    content = text_of(arguments.file)
    with opened(arguments) as (db, kept):
        program_id = None if arguments.program is None else only_program(db, arguments)
        now_ms = now_of(db)
        with db.write(program_id or NOBODY) as conn:
            report = import_log(conn, kept, content, mapping, now_ms, program_id=program_id)
    say(in_words(report))
    return 1 if report.refused else 0
