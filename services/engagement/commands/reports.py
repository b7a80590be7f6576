"""The command that writes a program's report."""

import csv
import io
from pathlib import Path

import msgspec

from engagement.api.pages.report import report_page
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    moment_of,
    only_program,
    opened,
    write,
)
from engagement.errors import Invalid
from engagement.workflows.report import Report, ReportWanted, report


def add(command: Command) -> None:
    """Names the commands of this file."""
    made = command("report", _report, "write what was found, why groups fade, and how far to trust the data")
    made.add_argument("--program", help=ONE_PROGRAM)
    made.add_argument("--trial", help="the trial; not needed when there is one")
    made.add_argument("--on", metavar="DATE", help="the last day that is looked at; today when absent")
    made.add_argument("--out", type=Path, default=Path("report.html"), help="default: report.html")
    made.add_argument("--tables", type=Path, metavar="FOLDER", help="the figures as CSV and JSON, too")


def _report(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        now_ms = moment_of(db, kept, program_id, arguments.on)
        with db.read() as conn:
            told = report(conn, kept, program_id, ReportWanted(arguments.trial), now_ms)
    write(arguments.out, report_page(told, _command(arguments)).encode())
    if arguments.tables is not None:
        _tables(told, arguments.tables)


def _command(arguments: Arguments) -> str:
    """How the report can be made again."""
    named = [("--trial", arguments.trial), ("--on", arguments.on)]
    return " ".join(["engagement report", *(f"{name} {value}" for name, value in named if value)])


def _tables(told: Report, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as flaw:
        raise Invalid(f"cannot write into {folder}: {flaw.strerror}") from flaw
    write(folder / "report.json", msgspec.json.format(msgspec.json.encode(told)))
    rows: dict[str, list[msgspec.Struct]] = {
        "hazards": [*told.fading.hazards],
        "reasons": [*told.fading.reasons],
        "barriers": [*told.fading.barriers],
    }
    if told.trial is not None:
        rows |= {"arms": [*told.trial.arms], "comparisons": [*told.trial.comparisons]}
    for name, some in rows.items():
        write(folder / f"{name}.csv", _csv(some))


def _csv(rows: list[msgspec.Struct]) -> bytes:
    """A row a thing; a range is three columns, a curve stands in the JSON alone."""
    flat = [_flat(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in flat for name in row)))
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().encode()


def _flat(row: msgspec.Struct) -> dict[str, object]:
    told: dict[str, object] = {}
    for name, value in msgspec.to_builtins(row).items():
        if isinstance(value, dict):
            told |= {name if key == "value" else f"{name}_{key}": inner for key, inner in value.items()}
        elif not isinstance(value, list | tuple):
            told[name] = value
    return told
