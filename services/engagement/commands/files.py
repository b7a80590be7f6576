"""The commands around a program file: to write one, to check it, to take its words out of it."""

from datetime import date
from pathlib import Path

from engagement.actions.catalogue import AnyAction
from engagement.clock import SystemClock
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    only_program,
    opened,
    say,
    text_of,
)
from engagement.errors import Invalid
from engagement.store import setup
from engagement.strategy.cadence import local_date
from engagement.workflows.check_program import check
from engagement.workflows.program import template
from engagement.workflows.program_file import ProgramFile, read_program
from engagement.workflows.sms_sheet import CATEGORIES, DEFAULT_CATEGORY, in_parts, rows, sheet


def add(command: Command) -> None:
    """Names the commands of this file."""
    parser = command("check", _check, "explain what is wrong, missing or doubtful in a program file")
    parser.add_argument("file", type=Path)
    parser.add_argument("--strict", action="store_true", help="warnings count as errors, too")

    content = command("content", _content, "write out a program's words, or count how long they are as SMS")
    content.add_argument("what", choices=("export", "parts"))
    content.add_argument(
        "file", type=Path, nargs="?", help="a program file; the database's program when absent"
    )
    content.add_argument("--template", help="a template's words instead")
    content.add_argument("--program", help=ONE_PROGRAM)
    content.add_argument("--header", default="", help="for export: the sender's registered header")
    content.add_argument(
        "--category", default=DEFAULT_CATEGORY, choices=CATEGORIES, help="for export: as registered"
    )
    content.add_argument("--all", action="store_true", help="the words of every channel, as if sent as SMS")
    content.add_argument("--out", type=Path, help="for export: a file to write instead of the screen")


def read_file(file: Path) -> ProgramFile:
    """A program file that may have mistakes."""
    return read_program(text_of(file))


def today_in(file: ProgramFile) -> date:
    """The day it is where the program is."""
    zone = "UTC" if file.plan is None else file.plan.program.time_zone
    return local_date(SystemClock().now_ms(), zone)


def _check(arguments: Arguments) -> int:
    file = read_file(arguments.file)
    findings = check(file, today_in(file))
    say(*(finding.told(str(arguments.file)) for finding in findings))
    counts = {
        severity: sum(finding.severity == severity for finding in findings)
        for severity in ("error", "warning", "note")
    }
    say(", ".join(f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items()))
    return int(counts["error"] > 0 or (arguments.strict and counts["warning"] > 0))


def _content(arguments: Arguments) -> None:
    actions = _actions(arguments)
    if arguments.what == "parts":
        say(*in_parts(actions, every_channel=arguments.all))
        return
    lines = list(rows(actions, arguments.header, arguments.category, every_channel=arguments.all))
    if arguments.out is None:
        say(sheet(lines).rstrip("\n"))
        return
    # with a mark in front, for without it a spreadsheet takes Hindi for something else
    arguments.out.write_text(sheet(lines), encoding="utf-8-sig")
    say(f"{len(lines)} wordings in {arguments.out}")


def _actions(arguments: Arguments) -> tuple[AnyAction, ...]:
    if arguments.template is not None:
        return template(arguments.template).actions
    if arguments.file is not None:
        file = read_file(arguments.file)
        if file.plan is None:
            raise Invalid(f"{arguments.file} has mistakes; see `engagement check {arguments.file}`")
        return file.plan.actions
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        with db.read(program_id) as conn:
            revision = setup.catalogue_revision(conn, program_id)
            return tuple(setup.catalogue(conn, kept, program_id, revision).actions.values())
