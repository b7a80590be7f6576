"""The command that writes a program's report."""

import shlex
from importlib.util import find_spec
from pathlib import Path

import msgspec

from engagement.api.pages.report import report_page
from engagement.commands.sheets import sheet_of
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    only_program,
    opened,
    past_moment_of,
    say,
    write,
)
from engagement.errors import Invalid
from engagement.workflows.impact_found import Impact, refusals
from engagement.workflows.logged import MOST_BY_COMMAND
from engagement.workflows.personalised import all_remembered, personalised
from engagement.workflows.report import Report, ReportWanted, report
from engagement.workflows.report_tables import as_csv, as_parquet, tables
from engagement.workflows.survey import MOST_RESPONDENTS, Surveys

RESAMPLES = 99
"""How often a strategy's course is lived again for a report, half as often as by its own command."""


def add(command: Command) -> None:
    """Names the commands of this file."""
    made = command("report", _report, "write what was found, why groups fade, and how far to trust the data")
    made.add_argument("--program", help=ONE_PROGRAM)
    made.add_argument("--trial", help="the trial; not needed when there is one")
    made.add_argument("--on", metavar="DATE", help="the last day that is looked at; today when absent")
    made.add_argument("--out", type=Path, default=Path("report.html"), help="default: report.html")
    made.add_argument(
        "--impact",
        type=Path,
        nargs=2,
        metavar=("BASELINE", "ENDLINE"),
        help="two surveys (workbooks or CSV), to say what they permit to be said of the program's impact",
    )
    made.add_argument(
        "--personalised",
        metavar="BY",
        help="also whether strategies told units apart by this, or chance would look like it: anything, "
        "people, setting, role, sustaining, or a feature of 0 and 1; it takes minutes",
    )
    made.add_argument(
        "--tables", type=Path, metavar="FOLDER", help="the figures as CSV, Parquet and JSON, too"
    )


def _report(arguments: Arguments) -> int:
    surveys = _surveys(arguments.impact)
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = past_moment_of(db, kept, program_id, arguments.on)
        with db.read(program_id) as conn:
            told = report(conn, kept, program_id, ReportWanted(arguments.trial, surveys), now_ms)
            by = arguments.personalised
            read = all_remembered(conn, kept, program_id, by, now_ms, MOST_BY_COMMAND) if by else ()
    told = msgspec.structs.replace(told, personalised=tuple(personalised(one, by, RESAMPLES) for one in read))
    code = 0 if told.impact is None else _say_impact(told.impact)
    write(arguments.out, report_page(told, _command(arguments)).encode())
    if arguments.tables is not None:
        _tables(told, arguments.tables)
    return code


def _surveys(files: list[Path] | None) -> Surveys | None:
    if files is None:
        return None
    return Surveys(*(sheet_of(file, MOST_RESPONDENTS) for file in files))


def _say_impact(found: Impact) -> int:
    """The design first; what could not be read last, and where there is any, 1 is answered."""
    say(found.permits, *(row.sentence for row in found.changes), *found.notes)
    say(*(f"Column {column.column}: {column.why}." for column in found.left_out))
    for name, refused in refusals(found):
        say(*(f"{name}, {flaw.cell or f'line {flaw.line}'}: {flaw.problem}" for flaw in refused))
    return 1 if any(refused for _, refused in refusals(found)) else 0


def _command(arguments: Arguments) -> str:
    """How the report can be made again."""
    named = [
        ("--trial", arguments.trial),
        ("--on", arguments.on),
        ("--personalised", arguments.personalised),
    ]
    files = [file.name for file in arguments.impact or ()]
    return " ".join(
        [
            "engagement report",
            *(f"{name} {value}" for name, value in named if value),
            *(["--impact", *map(shlex.quote, files)] if files else []),
        ]
    )


def _tables(told: Report, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as flaw:
        raise Invalid(f"cannot write into {folder}: {flaw.strerror}") from flaw
    write(folder / "report.json", msgspec.json.format(msgspec.json.encode(told)))
    arrow = find_spec("pyarrow") is not None
    for made in tables(told):
        write(folder / f"{made.name}.csv", as_csv(made))
        if arrow:
            write(folder / f"{made.name}.parquet", as_parquet(made))
    if not arrow:
        say("The tables are there as CSV; for Parquet besides, install engagement[research].")
