"""The commands that bring in what stands in files: rosters, registers, logs."""

from pathlib import Path

from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    now_of,
    only_program,
    opened,
    say,
    text_of,
)
from engagement.workflows.import_log import import_log, in_words
from engagement.workflows.import_register import import_register
from engagement.workflows.import_register import in_words as register_in_words
from engagement.workflows.log_mapping import read_mapping
from engagement.workflows.register import MOST_CHARACTERS
from engagement.workflows.roster import import_roster


def add(command: Command) -> None:
    """Names the commands of this file."""
    roster = command("import-roster", _import_roster, "import groups, members and seats from CSV")
    roster.add_argument("file", type=Path)
    roster.add_argument("--program", help=ONE_PROGRAM)

    register = command("import-register", _import_register, "import a register of meetings from CSV")
    register.add_argument("file", type=Path)
    register.add_argument("--program", help=ONE_PROGRAM)

    log = command("import-log", _import_log, "import another system's decision log, with a mapping file")
    log.add_argument("file", type=Path)
    log.add_argument("--mapping", type=Path, required=True, help="what the log's columns mean (TOML)")
    log.add_argument("--program", help="the program to import into; a new one when absent")


def _import_roster(arguments: Arguments) -> int:
    content = text_of(arguments.file)
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        with db.write() as conn:
            report = import_roster(conn, kept, program_id, content, now_ms)
    say(
        f"{report.lines} lines: {report.stored} stored, {report.unchanged} unchanged, "
        f"{len(report.refused)} refused"
    )
    for flaw in report.refused:
        say(f"  line {flaw.line}, {flaw.column or 'whole line'}: {flaw.problem}")
    if report.ignored_columns:
        say(f"  not read, not stored: {', '.join(report.ignored_columns)}")
    return 1 if report.refused else 0


def _import_register(arguments: Arguments) -> int:
    content = text_of(arguments.file, MOST_CHARACTERS)
    with opened(arguments) as (db, kept):
        program_id, now_ms = only_program(db, arguments), now_of(db)
        report = import_register(db, kept, program_id, content, now_ms)
    say(register_in_words(report))
    return 1 if report.refused else 0


def _import_log(arguments: Arguments) -> int:
    mapping = read_mapping(text_of(arguments.mapping).encode())
    content = text_of(arguments.file)
    with opened(arguments) as (db, kept):
        program_id = None if arguments.program is None else only_program(db, arguments)
        now_ms = now_of(db)
        with db.write() as conn:
            report = import_log(conn, kept, content, mapping, now_ms, program_id=program_id)
    say(in_words(report))
    return 1 if report.refused else 0
