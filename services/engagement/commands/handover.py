"""The command that hands a site over: a page for each group, and one for the new keeper."""

from pathlib import Path

import msgspec

from engagement.api.pages.handover import handover_sheets
from engagement.commands.terminal import (
    ONE_PROGRAM,
    Arguments,
    Command,
    moment_of,
    only_program,
    opened,
    write,
)
from engagement.store import facts
from engagement.store.database import Database
from engagement.store.kept import Kept
from engagement.workflows.handover import Handover, handover
from engagement.workflows.keeper import KeeperWanted
from engagement.workflows.wording import LANGUAGES


def add(command: Command) -> None:
    """Names the commands of this file."""
    hand = command("handover", _handover, "print a page for each group of a site, and one for the new keeper")
    hand.add_argument("site", help="the site's id")
    hand.add_argument("--program", help=ONE_PROGRAM)
    hand.add_argument("--out", type=Path, help="a file, or a folder to put it in; here when absent")
    hand.add_argument("--language", choices=LANGUAGES, help="of every page; each group's own when absent")
    hand.add_argument("--on", metavar="DAY", help="as of this day, such as 2026-06-30; today when absent")
    hand.add_argument("--json", action="store_true", help="the same as JSON instead")


def _handover(arguments: Arguments) -> None:
    with opened(arguments) as (db, kept):
        program_id = only_program(db, arguments)
        told = handed(db, kept, program_id, arguments.site, arguments.language, arguments.on)
    name = f"handover-{arguments.site}.{'json' if arguments.json else 'html'}"
    content = (
        msgspec.json.format(msgspec.json.encode(told)) if arguments.json else handover_sheets(told).encode()
    )
    write(_placed(arguments.out, name), content)


def handed(
    db: Database, kept: Kept, program_id: str, site: str, language: str | None, on: str | None
) -> Handover:
    """A site's handover, as of noon of a day where one is given; then no clock is asked."""
    now_ms = moment_of(db, kept, program_id, on)
    with db.read(program_id) as conn:
        told = handover(conn, kept, program_id, KeeperWanted(site, language or ""), now_ms)
        return msgspec.structs.replace(told, simulated=facts.is_simulated(conn))


def _placed(out: Path | None, name: str) -> Path:
    """Where a file goes: by its own name into a folder, or as it is named, with an ending."""
    if out is None or out.is_dir():
        return (out or Path()) / name
    if out.suffix or out.exists():  # such as /dev/stdout
        return out
    return out.with_name(out.name + Path(name).suffix)
